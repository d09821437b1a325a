"""`gateway wes codes`: numbers for labels, one a line; what a scanned text is, in words."""

import asyncio
import re

import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_codes import code_routes
from gateway.store.inline import InlineStore
from gateway.wes.core import WesCore
from tests.cli_bench import Ended, served, typed
from tests.unit.chain_rig import Chain, chain, fill
from tests.unit.test_wes_reads import is_read_as_a_whole

pytestmark = pytest.mark.unit

PALLETS = {"kind": "container", "prefix": "P", "day": "yymmdd", "serial": 6, "check": "luhn"}


async def do(line: Chain, *arguments: str) -> Ended:
    core = WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers)
    app = FastAPI()
    app.include_router(code_routes(core))
    add_problem_handlers(app)
    async with served(app) as url:
        return await asyncio.to_thread(typed, "wes", "codes", *arguments, "--url", url)


def rows(ended: Ended) -> list[str]:
    assert ended.code == 0, ended.err
    return [" ".join(row.split()) for row in ended.out.splitlines()]


async def test_numbers_are_issued_one_a_line_and_the_same_id_gets_the_same_ones() -> None:
    async with chain(codes=[PALLETS]) as line:
        asked = ("issue", "container", "--count", "2", "--id", "labels-1", "--operator", "Paula")
        assert rows(await do(line, *asked)) == ["P2609210000010", "P2609210000028"]
        assert rows(await do(line, *asked)) == ["P2609210000010", "P2609210000028"]
        refused = await do(line, "issue", "product", "--operator", "Paula")
        assert refused.code != 0
        assert "the site numbers no products: add a rule with a `serial` to `wes: codes:`" in refused.err


async def test_rules_are_listed_and_a_text_is_told_for_what_it_is() -> None:
    async with chain(codes=[PALLETS]) as line:
        assert [row for row in rows(await do(line, "list")) if row][
            -1
        ] == "container 1 yes yes P + yymmdd + serial 6 + luhn"
        assert rows(await do(line, "check", "P2609210000010")) == [
            "as a container it is one, its check digit is right (rule container 1: P + yymmdd + serial 6 + luhn)"
        ]
        (told,) = rows(await do(line, "check", "P2609210000019"))
        assert told.startswith(
            "as a container it would be one, but ends with 9, where its check digit would be 0"
        )
        assert rows(await do(line, "check", "3066C4409047E140075BCD15")) == [
            "GTIN 09506000134352",
            "serial number 123456789",
        ]
        assert rows(await do(line, "check", "A")) == ["the books have product A, A"]
        assert rows(await do(line, "check", "(01)1")) == ["it cannot be read: (01) cannot be 1"]
        assert rows(await do(line, "check", "nothing")) == [
            "no rule of the site is about such a code, and the books do not know it"
        ]


async def test_nothing_of_it_reads_a_table_that_grows_as_a_whole() -> None:
    async with chain(codes=[PALLETS]) as line:
        assert isinstance(line.store, InlineStore)
        asked: set[str] = set()
        await fill(line, "T-1", "A1-1-L-05", A=1)
        line.store._connection.set_trace_callback(asked.add)
        await do(line, "issue", "container", "--count", "3", "--operator", "Paula")
        for code in ("P2609210000010", "A", "T-1", "3066C4409047E140075BCD15"):
            await do(line, "check", code)
        line.store._connection.set_trace_callback(None)
        statements = {sql for sql in asked if re.match(r"SELECT|INSERT|UPDATE|DELETE", sql)}
        assert len(statements) > 10
        wrong = {sql for sql in statements if await is_read_as_a_whole(line.store, sql)}
        assert not wrong, "\n\n".join(sorted(wrong))


async def test_a_site_without_rules_says_so() -> None:
    async with chain() as line:
        assert rows(await do(line, "list")) == [
            "the site has no rules for codes: any code will do (docs/site-file.md, CodeRule)"
        ]
