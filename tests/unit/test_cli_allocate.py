"""`gateway wes allocate`: the answer in a file, and a sentence where there is none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
SOUND = {
    "orders": [{"A": 2}, {"B": 1}, {"A": 1, "B": 3}],
    "totes": [{"A": 3}, {"A": 2, "B": 1}, {"B": 9}],
    "minUnits": 1,
    "maxUnits": 7,
}


def allocate(folder: Path, problem: object, *options: str) -> tuple[int, Path]:
    """Returns the exit status, and the file that the answer belongs into."""
    file, out = folder / "problem.json", folder / "solution.json"
    file.write_text(problem if isinstance(problem, str) else json.dumps(problem))
    with pytest.raises(SystemExit) as ended:
        main(["wes", "allocate", str(file), "--time", "20", "--out", str(out), *options])
    return int(ended.value.code or 0), out


def test_the_best_wave_is_written_with_its_bound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = allocate(tmp_path, SOUND, "--json")
    assert status == 0
    assert json.loads(out.read_text()) == {
        "orders": [0, 1, 2],
        "totes": [0, 2],
        "units": 7,
        "unitsPerTote": 3.5,
        "bound": 3.5,
    }
    told = json.loads(capsys.readouterr().out)
    assert (told["units"], told["gap"]) == (7, 0.0)


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        ("{", "no JSON"),
        (SOUND | {"orders": [{"A": -1}]}, "orders[0].A"),
        (SOUND | {"totes": []}, "totes"),
        (SOUND | {"minUnits": 8}, "more than maxUnits"),
        (SOUND | {"orders": [{"C": 1}]}, "there is no wave"),
        (SOUND | {"orders": [{"A": 4}], "minUnits": 5}, "there is no wave"),
    ],
    ids=("no JSON", "negative", "empty", "limits", "no stock", "too few"),
)
def test_a_problem_without_an_answer_ends_with_a_sentence_and_no_file(
    problem: object, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = allocate(tmp_path, problem)
    assert status == 1
    assert sentence in capsys.readouterr().err
    assert not out.exists()


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["wes", "allocate", str(tmp_path / "none.json"), "--out", str(tmp_path / "out.json")])
    assert ended.value.code == 1
    assert "cannot be read" in capsys.readouterr().err


def test_what_cannot_be_written_to_is_told_before_anything_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "problem.json").write_text(json.dumps(SOUND))
    with pytest.raises(SystemExit) as ended:
        main(
            ["wes", "allocate", str(tmp_path / "problem.json"), "--out", str(tmp_path / "none" / "out.json")]
        )
    assert ended.value.code == 1
    assert "there is no folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["wes", "allocate", str(tmp_path / "problem.json"), "--out", str(tmp_path)])
    assert "it is a folder" in capsys.readouterr().err


def test_it_waits_for_no_library_of_the_gateway() -> None:
    """It is given a time for all of it, so it loads what it needs and nothing else."""
    seen = (
        "import sys; from gateway.cli import main\n"
        "try: main(['wes', 'allocate', 'none.json', '--out', 'none'])\n"
        "except SystemExit: pass\n"
        "heavy = {'highspy', 'httpx', 'asyncua', 'pymodbus', 'fastapi', 'yaml', 'structlog', 'sqlite3'}\n"
        "print(' '.join(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout) == (0, "highspy\n")
