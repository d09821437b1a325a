"""`gateway backup`: copies of the databases that there are, in a folder of their own."""

from contextlib import closing
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.store.database import open_writer
from gateway.wes.schema import MIGRATIONS
from tests.cli_bench import typed

pytestmark = pytest.mark.unit


def backup(data: Path, to: Path) -> object:
    with pytest.raises(SystemExit) as ended:
        main(["backup", "--data", str(data), "--to", str(to)])
    return ended.value.code


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data of a gateway that runs no WES."""
    folder = tmp_path / "data"
    folder.mkdir()
    open_writer(folder / "gateway.db").close()
    return folder


def test_the_databases_are_copied_and_can_be_used(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_writer(data / "wes.db", MIGRATIONS).close()
    assert backup(data, tmp_path / "copy") == 0
    assert "2 files in" in capsys.readouterr().out
    assert sorted(each.name for each in (tmp_path / "copy").iterdir()) == ["gateway.db", "wes.db"]
    with closing(open_writer(tmp_path / "copy" / "wes.db", MIGRATIONS)) as copy:
        assert copy.execute("SELECT COUNT(*) FROM orders").fetchone() == (0,)


def test_a_gateway_without_a_wes_has_one_database(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backup(data, tmp_path / "copy") == 0
    assert "1 file in" in capsys.readouterr().out


def test_an_older_copy_is_never_overwritten(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backup(data, tmp_path / "copy") == 0
    assert backup(data, tmp_path / "copy") == 1
    assert "a folder that does not exist yet" in capsys.readouterr().err


def test_a_folder_without_a_database_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backup(tmp_path, tmp_path / "copy") == 1
    assert "holds no database" in capsys.readouterr().err
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("gateway.db", b"", "gateway.db is no database of a gateway"),
        ("wes.db", b"no database" * 100, "the storage cannot be trusted any more"),
    ],
    ids=["nothing in it", "no database"],
)
def test_a_backup_that_fails_leaves_nothing_and_may_be_asked_for_again(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, why: str
) -> None:
    sound = (data / "gateway.db").read_bytes()
    (data / name).write_bytes(content)
    assert backup(data, tmp_path / "copy") == 1
    assert why in capsys.readouterr().err
    assert not (tmp_path / "copy").exists()
    (data / "wes.db").unlink(missing_ok=True)
    (data / "gateway.db").write_bytes(sound)
    assert backup(data, tmp_path / "copy") == 0


def test_what_is_no_database_of_a_wes_is_not_verified(data: Path) -> None:
    open_writer(data / "wes.db").close()
    ended = typed("wes", "verify", "--data", str(data))
    assert ended.code == 1
    assert "is no database of a WES of this version: no such table" in ended.err
