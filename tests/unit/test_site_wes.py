"""The WES section of a site: a map or `off`, with findings like every other section."""

from pathlib import Path

import pytest

from gateway.site.load import load_site
from gateway.site.wes import AlgorithmService, BuiltIn
from tests.unit.small_site import findings, small_site, write

pytestmark = pytest.mark.unit

FULL = """\
wes:
  warehouse_id: WH-1
  timezone: Asia/Shanghai
  sequence: allocateFirst
  upstream:
    http: {url: "http://oms.example/base", secret_file: secret}
    sync: {full_at: 03:30}
"""
BEHIND_BROKER = """\
wes:
  warehouse_id: WH-1
  upstream:
    broker: {kind: nats, url: "nats://127.0.0.1:4222", topics: {outbound_command: ORDERS}}
"""
ALLOCATION = """\
wes:
  warehouse_id: WH-1
  allocation:
    by: greedy
    service: {url: "http://algorithm.example/allocate", timeout_s: 5}
"""


def told(folder: Path, text: str) -> list[tuple[int, str, str]]:
    files = small_site() | {"wes.yaml": text}
    return [(each.line, each.path, each.message) for each in findings(write(folder, files))]


@pytest.mark.parametrize("text", ["", "wes: off\n", "wes: no\n", "wes: false\n", "wes:\n"])
def test_a_site_may_have_no_wes(tmp_path: Path, text: str) -> None:
    assert load_site(write(tmp_path, small_site() | {"wes.yaml": text})).wes is None


def test_the_section_is_read_and_its_files_count_from_the_sites_folder(tmp_path: Path) -> None:
    wes = load_site(
        write(tmp_path, small_site() | {"wes.yaml": FULL, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    ).wes
    assert wes is not None
    assert (wes.warehouse_id, wes.sequence.value) == ("WH-1", "allocateFirst")
    assert wes.upstream.http is not None
    assert wes.upstream.http.secret_file == tmp_path.resolve() / "secret"
    assert wes.upstream.sync.full_at is not None
    assert wes.upstream.sync.full_at.hour == 3


def test_names_on_a_broker_may_be_the_sites_own(tmp_path: Path) -> None:
    wes = load_site(write(tmp_path, small_site() | {"wes.yaml": BEHIND_BROKER})).wes
    assert wes is not None
    assert wes.upstream.broker is not None
    assert wes.upstream.broker.topics.outbound_command == "ORDERS"
    assert wes.upstream.broker.topics.status_callback == "OMS_STATUS_CALLBACK"


def test_the_solver_plans_unless_the_site_says_otherwise(tmp_path: Path) -> None:
    plain = load_site(write(tmp_path / "a", small_site() | {"wes.yaml": "wes: {warehouse_id: W}\n"})).wes
    assert plain is not None
    assert (plain.allocation.by, plain.allocation.service) == (BuiltIn.SOLVER, None)
    other = load_site(write(tmp_path / "b", small_site() | {"wes.yaml": ALLOCATION})).wes
    assert other is not None
    assert other.allocation.by is BuiltIn.GREEDY
    assert other.allocation.service == AlgorithmService(url="http://algorithm.example/allocate", timeout_s=5)


@pytest.mark.parametrize(
    ("text", "line", "path"),
    [
        ("wes: on\n", 1, "wes"),
        ("wes: {}\n", 1, "wes.warehouse_id"),
        ("wes: {warehouse_id: W, timezone: Mars}\n", 1, "wes.timezone"),
        ("wes:\n  warehouse_id: W\n  waves: {orders: 0}\n", 3, "wes.waves.orders"),
        (
            FULL.replace('{url: "http://oms.example/base"', '{url: "http://me:you@oms"'),
            6,
            "wes.upstream.http.url",
        ),
        (FULL, 6, "wes.upstream.http.secret_file"),
        (BEHIND_BROKER.replace("kind: nats", "kind: nats, username: me"), 4, "wes.upstream.broker.username"),
        (BEHIND_BROKER + '    http: {url: "http://oms"}\n', 3, "wes.upstream"),
        (ALLOCATION.replace("greedy", "magic"), 4, "wes.allocation.by"),
        (ALLOCATION.replace("http://", "ftp://"), 5, "wes.allocation.service.url"),
        (ALLOCATION.replace("http://", "http://me:you@"), 5, "wes.allocation.service.url"),
        (ALLOCATION.replace("timeout_s: 5", "timeout_s: 0"), 5, "wes.allocation.service.timeout_s"),
        ("wes: {warehouse_id: W, verify_at: 25:00}\n", 1, "wes.verify_at"),
        ("wes: {warehouse_id: W, verify_at: 3}\n", 1, "wes.verify_at"),
        ("wes: {warehouse_id: W, verify_at: 03:00Z}\n", 1, "wes.verify_at"),
        (FULL.replace("03:30", "03:30+08:00"), 7, "wes.upstream.sync.full_at"),
        ("wes: {warehouse_id: W, timezone: Asia}\n", 1, "wes.timezone"),
        ("wes: {warehouse_id: W, keep_days: 999999999}\n", 1, "wes.keep_days"),
        (ALLOCATION.replace("algorithm.example", "algorithm:port"), 5, "wes.allocation.service.url"),
        (FULL.replace("oms.example", "oms:99999"), 6, "wes.upstream.http.url"),
        (BEHIND_BROKER.replace("127.0.0.1:4222", "a:4222,nats://b:0"), 4, "wes.upstream.broker.url"),
    ],
    ids=[
        "no map",
        "no warehouse",
        "zone",
        "no order",
        "credentials in the url",
        "no secret",
        "half credentials",
        "two ways",
        "no allocator of ours",
        "no web server",
        "credentials of the service",
        "no time to answer",
        "no time of day",
        "three seconds after midnight",
        "time of another zone",
        "time of another zone for the sync",
        "a region and no zone",
        "longer than there are times",
        "no port",
        "no port of a web server",
        "no port of a broker",
    ],
)
def test_what_is_wrong_is_told_where_it_stands(tmp_path: Path, text: str, line: int, path: str) -> None:
    assert (line, path) in [(number, where) for number, where, _ in told(tmp_path, text)]


def test_a_second_section_is_told(tmp_path: Path) -> None:
    files = small_site() | {"a.yaml": "wes: {warehouse_id: W}\n", "b.yaml": "wes: {warehouse_id: V}\n"}
    (finding,) = findings(write(tmp_path, files))
    assert (finding.file.name, finding.path) == ("b.yaml", "wes")
    assert "a.yaml:1" in finding.message
