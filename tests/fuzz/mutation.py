"""Inputs that are almost right: real samples changed at random, or built anew along their structure. All of it by a seed."""

import json
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any, Final, TypeVar

T = TypeVar("T")

SEED: Final = int(os.environ.get("SEED", "1"))
TIMES: Final = float(os.environ.get("FUZZ", "1"))
"""How many times as many inputs as in CI."""

NUMBERS: Final = (
    *(
        sign * (2**bits + more)
        for bits in (0, 15, 16, 31, 32, 53, 63, 64)
        for sign in (1, -1)
        for more in (-1, 0)
    ),
    *(10**30, 10**400, 0.5, -0.0, 1e-320, 1e308, 1e309, -1e309, float("nan")),
)
TEXTS: Final = (
    *"| |\0|\n|\r\n|a\u0301|容器|\u202e|\ud800|\uffff|\U0001f4e6|%00|../../etc|'--".split("|"),
    *"NaN|Infinity|-1|1e999|true|null|None|0x10|0001-01-01T00:00:00|9999-12-31T23:59:59.999999Z".split("|"),
    *"0001-01-01T00:00:00+14:00|2026-02-30T00:00:00Z|2026-11-22T08:00:00+99:99|2026-W47|20261122|24:00".split(
        "|"
    ),
    *("x" * 100, "x" * 70_000),
)
BYTES: Final = (
    *b'\0|\xff|\xef\xbb\xbf|\xc3|\xed\xa0\x80|"|\\|{|}|[|]|,|:|&a |*a|- |\n|\r|\t|!!python/object|<<: |1e999|NaN'.split(
        b"|"
    ),
    *(b"9" * 5000, b"[" * 2000, b"null", b"#", b"'", b"|"),
)


def inputs(count: int, make: Callable[[Random], T]) -> Iterator[T]:
    """Return so many inputs, always the same for the same seed."""
    rng = Random(SEED)
    return (make(rng) for _ in range(round(count * TIMES)))


def bytes_like(rng: Random, sample: bytes) -> bytes:
    """Return a sample with a few bytes changed, gone, doubled or new."""
    data = bytearray(sample)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        start = rng.randint(0, len(data))
        end = min(len(data), start + rng.choice((1, 1, 2, 8, 64)))
        match rng.randrange(6):
            case 0:
                data[start:end] = rng.randbytes(end - start)
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = data[start:end] * rng.choice((1, 2, 50))
            case 3:
                data[start:start] = rng.choice(BYTES)
            case 4:
                data[start:end] = rng.choice(BYTES)
            case _:
                del data[start:]
    return bytes(data)


def text_like(rng: Random, sample: str) -> str:
    """Return a sample with a few characters changed."""
    return bytes_like(rng, sample.encode(errors="replace")).decode(errors="replace")


def tree_like(rng: Random, sample: Any) -> Any:
    """Return JSON data with a few values changed, gone, doubled or of another kind."""
    tree = deepcopy(sample)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        tree = _changed(rng, tree)
    return tree


def json_like(rng: Random, sample: Any) -> bytes:
    """Return JSON, or almost JSON, that looks like a sample."""
    text = json.dumps(tree_like(rng, sample), ensure_ascii=rng.random() < 0.5).encode(errors="surrogatepass")
    return bytes_like(rng, text) if rng.random() < 0.3 else text


def anything(rng: Random) -> Any:
    """Return a value of any kind."""
    match rng.randrange(8):
        case 0 | 1:
            return rng.choice(NUMBERS)
        case 2 | 3:
            return rng.choice(TEXTS)
        case 4:
            return rng.choice((None, True, False))
        case 5:
            return rng.choice(([], {}, [[]], [None], {"": None}, {"id": 1}))
        case 6:
            return rng.getrandbits(rng.choice((8, 16, 32, 64, 128)))
        case _:
            return rng.random() * 10.0 ** rng.randint(-10, 300)


def _changed(rng: Random, tree: Any) -> Any:
    """Return data with one place changed, found by going down at random."""
    if isinstance(tree, dict) and tree and rng.random() < 0.85:
        key = rng.choice(list(tree))
        match rng.randrange(8):
            case 0:
                del tree[key]
            case 1:
                tree[rng.choice(TEXTS)] = tree[key]
            case _:
                tree[key] = _changed(rng, tree[key])
        return tree
    if isinstance(tree, list) and tree and rng.random() < 0.85:
        index = rng.randrange(len(tree))
        match rng.randrange(8):
            case 0:
                del tree[index]
            case 1:
                tree[index:index] = [deepcopy(tree[index])] * rng.choice((1, 3, 200))
            case _:
                tree[index] = _changed(rng, tree[index])
        return tree
    if isinstance(tree, str) and rng.random() < 0.3:
        return text_like(rng, tree)
    return anything(rng)
