"""The command line without a gateway: its help, wrong usage (exit status 2), and what it does not load."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import COMMANDS
from gateway.cli.transport import ActionWord
from gateway.contract.faults import OperatorAction
from tests.cli_bench import typed

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "config" / "demo")
GROUPS = {
    "transport": ["submit", "list", "show", "cancel", "resolve"],
    "device": ["list", "show", "enable", "disable", "reset", "localise", "telegrams"],
    "put": ["submit", "show", "cancel"],
    "tags": ["import", "export"],
}


def test_help_lists_every_command() -> None:
    ended = typed("--help")
    assert ended.code == 0
    for name in COMMANDS:
        assert f"│ {name} " in ended.out


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_under_its_own_name(name: str) -> None:
    ended = typed(name, "--help")
    assert ended.code == 0
    assert f"Usage: gateway {name} [OPTIONS]" in ended.out
    assert "range>" not in ended.out, "the type of a number says less than a word for it"
    for word in GROUPS.get(name, []):
        assert f"│ {word} " in ended.out
        inner = typed(name, word, "--help")
        assert inner.code == 0
        assert "range>" not in inner.out
        assert f"Usage: gateway {name} {word} [OPTIONS]" in inner.out


def test_help_waits_for_no_heavy_library() -> None:
    seen = (
        "import sys; from gateway.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pydantic', 'httpx', 'asyncua', 'pymodbus', 'fastapi', 'yaml', 'structlog', 'sqlite3'}\n"
        "sys.stderr.write(' '.join(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, cwd=ROOT, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_program_ends_without_looking_for_garbage() -> None:
    seen = (
        "import atexit, gc, sys\n"
        "atexit.register(lambda: sys.stderr.write(str(gc.get_freeze_count() > 0)))\n"
        "from gateway.cli import main\n"
        "main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, cwd=ROOT, timeout=30)
    assert (done.returncode, done.stderr) == (0, "True")


def test_what_a_locale_has_no_sign_for_is_told_all_the_same(tmp_path: Path) -> None:
    site = tmp_path / "仓库"
    site.mkdir()
    command = [sys.executable, "-m", "gateway", "check", "--site", str(site)]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 1, ended.stderr
    assert b"\\u4ed3\\u5e93:1: the folder holds no *.yaml file" in ended.stdout


def test_the_module_and_the_script_are_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "transport", "no-such-word"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=30,
    )
    assert done.returncode == 2
    assert "No such command 'no-such-word'" in done.stderr


def test_operators_type_the_actions_of_the_contract() -> None:
    assert {OperatorAction[word.name] for word in ActionWord} == set(OperatorAction)


RUN = ("run", "--site", DEMO, "--data", "/nowhere")
RESOLVE = ("transport", "resolve", "T-1", "--reason", "I looked")
SUBMIT = ("transport", "submit", "--container", "C-1", "--to", "S1-1")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "Usage: gateway [OPTIONS] COMMAND"),
        (("nonsense",), "No such command 'nonsense'"),
        (("transport", "submit"), "Missing option '--container'"),
        ((*SUBMIT, "--priority", "10"), "should be less than or equal to 9"),
        ((*SUBMIT, "--attribute", "novalue"), "novalue is not of the form key=value"),
        ((*SUBMIT, "--url", "ftp://somewhere"), "ftp://somewhere is not an address"),
        ((*SUBMIT, "--url", "http://127.0.0.1:port"), "http://127.0.0.1:port is no address: Invalid port"),
        ((*SUBMIT, "--url", "http://[::1"), "http://[::1 is no address"),
        ((*SUBMIT, "--token-file", "/nowhere/token"), "cannot read /nowhere/token"),
        ((*RESOLVE, "--action", "complete-at"), "complete-at needs --location"),
        ((*RESOLVE, "--action", "explode"), "'explode' is not one of"),
        ((*RESOLVE, "--action", "retry", "--operator", ""), "say who decides; what stands there is empty"),
        (
            ("device", "localise", "agv-1", "--at", "N1", "--reason", "I looked", "--theta", "nan"),
            "Invalid value for '--theta'",
        ),
        (("transport", "list", "--status", "lost"), "'lost' is not one of"),
        (("events", "--types", "transport.done"), "transport.done: not among"),
        (
            ("put", "submit", "--wall", "w", "--slot", "s", "--quantity", "0"),
            "should be greater than or equal to 1",
        ),
        ((*RUN, "--host", "0.0.0.0"), "can be reached from outside"),
        ((*RUN, "--host", "gateway.example"), "can be reached from outside"),
        ((*RUN, "--ports-from", "65535"), "must be from 1 to 65535"),
        ((*RUN, "--broker", "http://somewhere"), "is neither `embedded` nor"),
        (("demo", "--exit"), "say with --orders N or"),
        (("demo", "--orders", "1", "--transports", "1"), "not both"),
        (("sim", "--site", DEMO, "--speed", "0"), "should be greater than or equal to 0.01"),
        (("sim", "--site", DEMO, "--faults", "/nowhere"), "does not exist"),
        (("run", "--site", DEMO, "--data", ""), "'--data': what stands there is empty"),
        (("run", "--site", "", "--data", "/nowhere"), "'--site': what stands there is empty"),
        (("run", "--site", DEMO, "--data", __file__), "is a file, not a folder"),
        (("wes", "run", "--site", DEMO, "--data", ""), "'--data': what stands there is empty"),
        (
            ("wes", "run", "--site", DEMO, "--data", "/nowhere", "--gateway", "localhost"),
            "Invalid value for --gateway: localhost is not an address such as http://127.0.0.1:8080",
        ),
        (
            ("wes", "run", "--site", DEMO, "--data", "/nowhere", "--gateway", "http://[::1"),
            "Invalid value for --gateway: http://[::1 is no address",
        ),
        (("check", "--site", ""), "'--site': what stands there is empty"),
        (("sim", "--site", ""), "'--site': what stands there is empty"),
        (("demo", "--site", ""), "'--site': what stands there is empty"),
        (("demo", "--data", ""), "'--data': what stands there is empty"),
        (("tags", "export", "--site", "", "--profile", "p"), "'--site': what stands there is empty"),
        (("backup", "--data", "", "--to", "/nowhere"), "'--data': what stands there is empty"),
        (("wes", "verify", "--data", ""), "'--data': what stands there is empty"),
        (("wes", "verify", "--database", ""), "--database: what stands there is empty"),
    ],
)
def test_wrong_usage_is_told_and_ends_with_2(words: tuple[str, ...], why: str) -> None:
    ended = typed(*words)
    assert ended.code == 2
    assert why in _one_line(ended.out + ended.err)


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        (("device", "list", "--url", "http://ann:correct-horse@127.0.0.1:1"), "--token-file FILE"),
        ((*RUN, "--broker", "mqtt://ann:correct-horse@127.0.0.1:1"), "`username`, `password_file`"),
        ((*RUN, "--broker", "mqtt://ann:@correct-horse@127.0.0.1:1"), "`username`, `password_file`"),
        ((*RUN, "--broker", "ann:correct-horse@127.0.0.1:1"), "`username`, `password_file`"),
    ],
)
def test_a_password_in_the_address_is_refused_and_not_repeated(words: tuple[str, ...], instead: str) -> None:
    ended = typed(*words)
    assert ended.code == 2
    told = _one_line(ended.out + ended.err)
    assert instead in told
    assert "correct-horse" not in told


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:port", "ann:hor/se@127.0.0.1:1", "ann:hor?se@127.0.0.1:1", "[::1", "127.0.0.1:70000"],
)
def test_what_is_no_address_of_a_database_is_told_and_not_repeated(address: str) -> None:
    ended = typed("wes", "verify", "--database", f"postgresql://{address}/wes")
    assert ended.code == 1
    assert ended.err.startswith("what is given is no address of a database: write postgresql://")
    assert "hor" not in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("typed_id", ["", ".", "..", "a/b"])
@pytest.mark.parametrize("shown", [("transport", "show"), ("wes", "transfers", "show"), ("wes", "counts")])
def test_what_is_no_part_of_a_path_is_no_id(shown: tuple[str, ...], typed_id: str) -> None:
    ended = typed(*shown, typed_id, "--url", "http://127.0.0.1:1")
    assert ended.code == 1
    assert f"`{typed_id}` is no id" in ended.err
    assert "the request's: there is no such thing" in _one_line(ended.err)


def test_a_sentence_stays_in_one_line_where_nobody_sits_at_a_terminal() -> None:
    words = ("run", "--site", DEMO, "--data", "/nowhere", "--host", "gateway.example.warehouse.internal")
    ended = subprocess.run(
        [sys.executable, "-m", "gateway", *words], cwd=ROOT, capture_output=True, text=True
    )
    told = "gateway.example.warehouse.internal can be reached from outside: give --token-file FILE or set $GATEWAY_TOKEN"
    assert any(told in line for line in ended.stderr.splitlines())


@pytest.mark.parametrize("token", ["", "two words", "línea", "two\nlines"])
def test_a_token_is_one_printable_word(tmp_path: Path, token: str) -> None:
    file = tmp_path / "token"
    file.write_text(token, encoding="utf-8")
    file.chmod(0o600)
    ended = typed("device", "list", "--token-file", str(file))
    assert ended.code == 2
    assert "one word of printable ASCII" in _one_line(ended.err)
    assert not token or token not in ended.err


@pytest.mark.parametrize("command", [("device", "list"), ("run", "--site", DEMO, "--data", "/nowhere")])
def test_a_short_token_is_refused_and_how_to_make_one_is_told(
    tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("x" * 15)
    file.chmod(0o600)
    from_file = typed(*command, "--token-file", str(file))
    monkeypatch.setenv("GATEWAY_TOKEN", "x" * 15)
    for ended in (from_file, typed(*command)):
        assert ended.code == 2
        told = _one_line(ended.err)
        assert "too short, 15 characters where 16 are the least" in told
        assert "openssl rand -hex 32" in told


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_token_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text("correct-horse-battery")
    file.chmod(mode)
    ended = typed("run", "--site", DEMO, "--data", "/nowhere", "--token-file", str(file))
    assert ended.code == 2
    told = _one_line(ended.err)
    assert "chmod 600" in told
    assert "correct-horse" not in told


@pytest.mark.parametrize("command", ["run", "sim", "demo"])
def test_a_wrong_site_is_told_with_everything_that_is_wrong(tmp_path: Path, command: str) -> None:
    (tmp_path / "site.yaml").write_text("locations:\n  - {id: A, kind: nonsense}\n", encoding="utf-8")
    data = ("--data", str(tmp_path / "data")) if command == "run" else ()
    ended = typed(command, "--site", str(tmp_path), *data)
    assert ended.code == 1
    told = _one_line(ended.err)
    assert "2 finding(s)" in told
    assert "the site has no id" in told
    assert "site.yaml:2" in told.replace(" ", "")
    assert not (tmp_path / "data").exists()


def test_nobody_named_and_no_user_known_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)

    def unknown(_: int) -> None:
        raise KeyError(os.getuid())

    monkeypatch.setattr("pwd.getpwuid", unknown)
    ended = typed(*RESOLVE, "--action", "retry")
    assert ended.code == 2
    assert "say who decides" in _one_line(ended.err)


def _one_line(boxed: str) -> str:
    """Return a message as it reads, without the frame and the line breaks of the terminal."""
    return " ".join(boxed.replace("│", " ").split())
