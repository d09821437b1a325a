"""Planning elsewhere: the solver in a process of its own, an algorithm service over HTTP, and all the ways in which they fail."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from gateway.app.allocation import open_allocator
from gateway.delivery.allocation import Elsewhere, NoPlan
from gateway.delivery.solver import SolverProcess
from gateway.site.wes import AlgorithmService, Allocation, BuiltIn
from gateway.wes.allocation.baseline import Greedy
from gateway.wes.allocation.greedy import greedy_plan
from gateway.wes.allocation.plans import check
from gateway.wes.allocation.port import PLAN_JSON, PROBLEM_JSON, Plan, Problem
from tests.unit.test_wes_allocation import SOUND, with_pick
from tests.unit.wes_rig import command
from tests.wire.processes import DEMO, GATEWAY, ROOT, Program, free_ports
from tests.wire.serving import serve

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

UNTIL_S = 60.0
IN_TIME_S = 20.0
SOON_S = 0.3


def as_json(plan: Plan) -> bytes:
    return PLAN_JSON.dump_json(plan, by_alias=True)


class Service:
    """An algorithm service that can be made to fail."""

    def __init__(self) -> None:
        self.fault = ""
        self.problems: list[Problem] = []
        self.app = FastAPI()
        self.app.add_api_route("/allocate", self.answer, methods=["POST"])
        self.app.add_api_route("/elsewhere", self.answer, methods=["POST", "GET"])

    async def answer(self, request: Request) -> Response:
        problem = PROBLEM_JSON.validate_json(await request.body())
        self.problems.append(problem)
        match self.fault:
            case "":
                return Response(as_json(greedy_plan(problem)), media_type="application/json")
            case "slow":
                await asyncio.sleep(10 * SOON_S)
                return Response(as_json(greedy_plan(problem)))
            case "unsound":
                return Response(as_json(with_pick(quantity=3)))
            case "error":
                return Response(status_code=500)
            case "twice":
                return Response(as_json(greedy_plan(problem)).replace(b"{", b'{"assignments": [], ', 1))
            case "away":
                return Response(status_code=307, headers={"location": "/elsewhere"})
            case "dripping":
                return StreamingResponse(drops())
            case "long":
                return Response(b" " * (17 * 2**20))
            case _:
                return Response(b"<html>Welcome</html>")


async def drops() -> AsyncGenerator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(SOON_S / 10)


@asynccontextmanager
async def allocator_with(service: Service, timeout_s: float) -> AsyncGenerator[Any]:
    async with serve(service.app) as url:
        named = AlgorithmService(url=f"{url}/allocate", timeout_s=timeout_s)
        async with open_allocator(Allocation(by=BuiltIn.GREEDY, service=named)) as allocator:
            yield allocator


async def test_a_service_is_asked_and_its_sound_plan_is_taken() -> None:
    service = Service()
    async with allocator_with(service, IN_TIME_S) as allocator:
        found = await allocator.plan(SOUND)
    assert service.problems == [SOUND]
    assert (found.plan, found.by, found.remarks) == (greedy_plan(SOUND), "external", ())


@pytest.mark.parametrize(
    ("fault", "timeout_s", "why"),
    [
        ("slow", SOON_S, "has not answered within 0.3 s"),
        ("dripping", SOON_S, "has not answered within 0.3 s"),
        ("unsound", IN_TIME_S, "plan is not sound: 3 units of position 1, which has 2"),
        ("error", IN_TIME_S, "answered 500"),
        ("away", IN_TIME_S, "answered 307"),
        ("long", IN_TIME_S, "answer is longer than"),
        ("page", IN_TIME_S, "answer is no JSON"),
        ("twice", IN_TIME_S, "answer is no JSON: an object has more than one assignments"),
    ],
)
async def test_a_service_that_fails_is_stood_in_for_and_the_answer_says_why(
    fault: str, timeout_s: float, why: str
) -> None:
    service = Service()
    service.fault = fault
    async with allocator_with(service, timeout_s) as allocator:
        found = await allocator.plan(SOUND)
        assert (found.plan, found.by) == (greedy_plan(SOUND), "greedy")
        assert found.remarks[0].startswith("the algorithm service")
        assert why in found.remarks[0]


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "xn--", "é..example"], ids=("not there", "no name", "no name either")
)
async def test_a_service_that_is_not_there_is_stood_in_for_by_the_solver(host: str) -> None:
    named = AlgorithmService(url=f"http://{host.format(port=free_ports(1))}/allocate")
    async with open_allocator(Allocation(service=named)) as allocator:
        found = await allocator.plan(SOUND)
    assert found.by == "solver"
    assert check(SOUND, found.plan) == []
    assert "cannot be asked" in found.remarks[0]


# ── the solver's process ──────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def solving(*words: str, limit_s: float = 30.0) -> AsyncGenerator[SolverProcess]:
    process = SolverProcess(*([(sys.executable, *words)] if words else []), limit_s=limit_s)
    try:
        yield process
    finally:
        await process.close()


async def test_the_solver_computes_in_a_process_that_stays() -> None:
    async with solving() as process:
        allocator = Elsewhere(process, Greedy())
        first = await allocator.plan(SOUND)
        pid = process.pid
        second = await allocator.plan(SOUND)
        assert (first.by, first.remarks) == ("solver", ())
        assert check(SOUND, first.plan) == []
        assert first == second, "the same problem, the same plan"
        assert pid == process.pid != os.getpid()
    assert process.pid is None


async def test_when_the_solver_dies_the_baseline_plans_that_round_and_a_new_solver_the_next() -> None:
    async with solving() as process:
        allocator = Elsewhere(process, Greedy())
        await allocator.plan(SOUND)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        orphaned = await allocator.plan(SOUND)
        assert (orphaned.plan, orphaned.by) == (greedy_plan(SOUND), "greedy")
        assert "the solver's process has ended" in orphaned.remarks[0]
        assert (await allocator.plan(SOUND)).by == "solver"


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import time; time.sleep(60)", "has not answered within"),
        ("print('{}', end='', flush=True); import sys; sys.stdin.readline()", "has ended"),
        ("raise SystemExit(3)", "has ended"),
        ("print(' ' * (17 * 2**20), flush=True)", "has ended"),
    ],
    ids=("hangs", "half an answer", "ends at once", "no end of an answer"),
)
async def test_a_process_that_fails_is_ended_and_says_how(program: str, why: str) -> None:
    async with solving("-c", program, limit_s=1.0 if "sleep" in program else 30.0) as process:
        with pytest.raises(NoPlan, match=why):
            await process.ask(b"{}")
        assert process.pid is None


async def test_a_round_that_is_given_up_leaves_no_answer_for_the_next() -> None:
    async with solving() as process, asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(process.ask(PROBLEM_JSON.dump_json(SOUND, by_alias=True)))
        while process.pid is None:
            await asyncio.sleep(0.01)
        asked.cancel()
        await asyncio.wait([asked])
        assert process.pid is None


PARENT = """
import asyncio
from gateway.delivery.solver import SolverProcess
from tests.unit.test_wes_allocation import PROBLEM_JSON, SOUND

async def main():
    solver = SolverProcess()
    await solver.ask(PROBLEM_JSON.dump_json(SOUND, by_alias=True))
    print(solver.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_the_solver_does_not_outlive_a_gateway_that_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(UNTIL_S):
        while is_running(pid):
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    """Tell whether a process that is not our child still runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# ── a running gateway ─────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def gateway_asking(folder: Path, service: Service) -> AsyncGenerator[httpx.AsyncClient]:
    """Run the demo site's gateway, without devices, with an algorithm service."""
    port = free_ports(16)
    async with serve(service.app) as url:
        shutil.copytree(DEMO.parent, folder / "config")
        site = folder / "config" / "demo"
        asked = f"allocation: {{service: {{url: '{url}/allocate', timeout_s: {IN_TIME_S}}}}}"
        (site / "wes.yaml").write_text(f"wes:\n  warehouse_id: WH-1\n  {asked}\n", encoding="utf-8")
        ports = ("--port", str(port), "--ports-from", str(port + 1))
        run = (*GATEWAY, "run", "--site", str(site), "--data", str(folder / "data"), *ports)
        program = Program("run", *run, log=folder / "run.log")
        await program.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
                await until(lambda: answers(http))
                yield http
        finally:
            await program.stop(signal.SIGKILL)


async def until(holds: Any) -> None:
    async with asyncio.timeout(UNTIL_S):
        while not await holds():
            await asyncio.sleep(0.05)


async def answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/livez")).status_code == 200
    except httpx.TransportError:
        return False


async def counts(http: httpx.AsyncClient, by: str) -> bool:
    return f'wes_plans_total{{by="{by}"}}' in (await http.get("/metrics")).text


async def alarms(http: httpx.AsyncClient) -> list[Any]:
    return (await http.get("/v1/wes/alarms")).json()["items"]


async def test_people_are_told_while_another_one_plans_than_the_site_names(tmp_path: Path) -> None:
    service = Service()
    async with gateway_asking(tmp_path, service) as http:
        items = [{"skuId": "A", "skuName": "A", "version": 1}]
        await http.post("/api/wms/product/sync", json={"items": items})
        goods = [{"skuId": "A", "quantity": 50}]
        receipt = {"actId": "in-1", "operator": "Eve", "holderId": "TOTE-0009", "lines": goods}
        assert (await http.post("/v1/wes/inbound/receipts", json=receipt)).is_success

        async def order(name: str) -> None:
            assert (await http.post("/api/wms/outbound/command", json=command(name, ("A", 1)))).is_success

        async def verified() -> bool:
            return "wes_findings 0.0" in (await http.get("/metrics")).text

        await until(verified)
        await order("C-1")
        await until(lambda: counts(http, "external"))
        assert await alarms(http) == []

        service.fault = "error"
        await order("C-2")
        await until(lambda: counts(http, "solver"))
        (alarm,) = await alarms(http)
        assert (alarm["subject"], alarm["code"]) == ("planning", "anotherPlans")
        assert "the algorithm service answered 500" in alarm["text"]
        assert alarm["advice"]

        service.fault = ""
        await order("C-3")

        async def cleared() -> bool:
            return await alarms(http) == []

        await until(cleared)
    log = (tmp_path / "run.log").read_text()
    assert log.count("the algorithm service answered 500") == 1
    assert "Traceback" not in log
