"""The command line as a client of the HTTP contract: one request, one answer, and what a person should do if it fails.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the gateway cannot be reached.
"""

import json
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, final
from urllib.parse import quote

import httpx
import typer
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from gateway.cli.credentials import TOKEN_VARIABLE, kept_session, token_of
from gateway.cli.failure import REFUSED, UNREACHABLE, Failure
from gateway.contract.problems import Problem, Reason
from gateway.paper.table import BOM

DEFAULT_URL: Final = "http://127.0.0.1:8080"
TIMEOUT_S: Final = 10.0
PAGE_MAX: Final = 200

UrlOption = Annotated[
    str, typer.Option("--url", envvar="GATEWAY_URL", metavar="URL", help="Where the gateway listens.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the gateway's answer as JSON.")]
TableOption = Annotated[
    Path | None,
    typer.Option(
        "--csv",
        metavar="FILE",
        dir_okay=False,
        help="Write all of it into a table instead, for a spreadsheet.",
    ),
]

M = TypeVar("M", bound=BaseModel)
Params = Mapping[str, str | int | list[str]]
"""Query parameters; a list is repeated."""


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What an HTTP status means to a person."""

    whose: str
    again: str
    remedy: str


_REQUEST: Final = "the request's"
_NO: Final = "no, it would be refused again"
_SAFE: Final = "with the same id nothing happens twice"
_MEANINGS: Final[dict[int, _Meaning]] = {
    401: _Meaning(
        "the caller's: nobody is signed in, or the token is wrong",
        _NO,
        f"gateway login NAME; or give --token-file FILE or set ${TOKEN_VARIABLE}; then repeat",
    ),
    403: _Meaning(
        "the caller's: no right to it", _NO, "ask somebody who may, or an administrator for the right"
    ),
    404: _Meaning(
        f"{_REQUEST}: there is no such thing",
        _NO,
        "look its id up: with its list command, or in `gateway events`",
    ),
    409: _Meaning(
        "nobody's: it contradicts how things stand now",
        "once that has changed",
        "read the reason, change what stands in the way, then repeat",
    ),
    410: _Meaning(
        "nobody's: what is asked for is no longer kept", _NO, "ask for what is still kept: see the reason"
    ),
    413: _Meaning(f"{_REQUEST}: it is too large", _NO, "make it smaller"),
    423: _Meaning(
        "the caller's: too many wrong passwords", "once the lock is over", "wait, or ask an administrator"
    ),
    429: _Meaning("nobody's: the gateway is busy", f"yes, in a second; {_SAFE}", "repeat the command"),
    503: _Meaning(
        "the gateway's", f"yes, in a few seconds; {_SAFE}", "repeat the command; if it stays so, see its log"
    ),
    507: _Meaning(
        "the gateway's: its disk is full",
        f"yes, once there is room; {_SAFE}",
        "make room on the gateway's disk",
    ),
}
_NO_SUCH_PATH: Final = _Meaning(
    "the address's: what listens there does not serve this",
    _NO,
    "name what does with --url or $GATEWAY_URL; a gateway with --no-wes has no WES core (gateway wes run)",
)
_WRONG_REQUEST: Final = _Meaning(_REQUEST, _NO, "correct what is named above, then repeat")
_WRONG_GATEWAY: Final = _Meaning("the gateway's", f"yes; {_SAFE}", "look at the gateway's log")


@final
class GatewayClient:
    """Asks a gateway. Every answer that is not a success is a Failure."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.url = str(http.base_url).rstrip("/")

    def get(
        self, path: str, params: Params | None = None, accept: str = "application/json"
    ) -> httpx.Response:
        """Ask for something, in the form that is accepted.

        Raises:
            Failure: refused (1), or the gateway cannot be reached (3).
        """
        return self._send("GET", path, params=params, headers={"Accept": accept})

    def post(self, path: str, body: Mapping[str, JsonValue] | None = None) -> httpx.Response:
        """Ask for something to be done.

        Raises:
            Failure: refused (1), or the gateway cannot be reached (3).
        """
        return self._send("POST", path, json=body)

    def put(self, path: str, body: Mapping[str, JsonValue]) -> httpx.Response:
        """Tell how something is.

        Raises:
            Failure: refused (1), or the gateway cannot be reached (3).
        """
        return self._send("PUT", path, json=body)

    def patch(self, path: str, body: Mapping[str, JsonValue]) -> httpx.Response:
        """Ask for a part of something to be changed.

        Raises:
            Failure: refused (1), or the gateway cannot be reached (3).
        """
        return self._send("PATCH", path, json=body)

    def delete(self, path: str) -> httpx.Response:
        """Ask for something to be ended.

        Raises:
            Failure: refused (1), or the gateway cannot be reached (3).
        """
        return self._send("DELETE", path)

    def items(self, path: str, params: Params, limit: int) -> dict[str, Any]:
        """Read pages of a list until there are `limit` items; return one page that has them all.

        Raises:
            Failure: refused (1), or the gateway cannot be reached (3).
        """
        items: list[Any] = []
        cursor: str | None = None
        while len(items) < limit:
            page = {**params, "limit": min(limit - len(items), PAGE_MAX)}
            if cursor is not None:
                page["cursor"] = cursor
            answer = parse(Page, self.get(path, page))
            items.extend(answer.items)
            cursor = answer.next_cursor
            if cursor is None:
                return {"items": items}
        return {"items": items, "nextCursor": cursor}

    def table(self, path: str, params: Params) -> Generator[str]:
        """Yield all of a list as a table (CSV).

        Raises:
            Failure: refused (1), or the gateway cannot be reached, or breaks the table off (3).
        """
        try:
            with self._http.stream("GET", path, params=params, headers={"Accept": "text/csv"}) as response:
                if not response.is_success:
                    response.read()
                    raise refused(response)
                yield from response.iter_text()
        except httpx.TransportError as error:
            raise unreachable(self.url, error) from error

    def whole(self, path: str) -> dict[str, Any]:
        """Read a list that comes in one piece.

        Raises:
            Failure: refused (1), or the gateway cannot be reached (3).
        """
        return {"items": parse(Page, self.get(path)).items}

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **content)
        except httpx.TransportError as error:
            raise unreachable(self.url, error) from error
        except httpx.DecodingError as error:
            raise no_gateway(self.url, str(error)) from error
        if not response.is_success:
            raise refused(response)
        return response


class Page(BaseModel):
    """One page of a list."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    items: tuple[Any, ...]
    next_cursor: Annotated[str | None, Field(alias="nextCursor")] = None


@contextmanager
def connect(url: str, token_file: Path | None) -> Generator[GatewayClient]:
    """Open a client.

    Raises:
        Failure: whatever is asked of it may fail.
        typer.BadParameter: the address or the token file is not usable.
    """
    with httpx.Client(**connection(url, token_file)) as http:
        yield GatewayClient(http)


def connection(url: str, token_file: Path | None, silence_s: float = TIMEOUT_S) -> dict[str, Any]:
    """Return what httpx clients of this gateway are made with.

    Args:
        url: where the gateway listens.
        token_file: as the option says.
        silence_s: an answer of which nothing comes for so long is given up.

    Raises:
        typer.BadParameter: the address or the token file is not usable.
    """
    address = address_of(url, "--url")
    return _options(address, token_of(token_file) or _session_token(address), silence_s)


@contextmanager
def connect_as(url: str, token: str | None) -> Generator[GatewayClient]:
    """Open a client that shows this token, whatever else is given or kept.

    Raises:
        Failure: whatever is asked of it may fail.
        typer.BadParameter: the address is not usable.
    """
    with httpx.Client(**_options(address_of(url, "--url"), token, TIMEOUT_S)) as http:
        yield GatewayClient(http)


def _options(address: httpx.URL, token: str | None, silence_s: float) -> dict[str, Any]:
    return {
        "base_url": address,
        "headers": {} if token is None else {"Authorization": f"Bearer {token}"},
        "timeout": httpx.Timeout(TIMEOUT_S, read=silence_s),
        # A proxy of the environment is no way to one's own machine.
        "trust_env": address.host not in ("127.0.0.1", "localhost", "::1"),
    }


def _session_token(address: httpx.URL) -> str | None:
    session = kept_session()
    return session.token if session is not None and httpx.URL(session.url) == address else None


def address_of(url: str, option: str) -> httpx.URL:
    """Return the address of a gateway as somebody has typed it.

    Raises:
        typer.BadParameter: it is none, or one with a password; `option` is named.
    """
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise typer.BadParameter(f"{url} is no address: {error}", param_hint=option) from error
    if address.userinfo:  # not repeated: it would stand in every sentence about this gateway, and in its log
        raise typer.BadParameter(
            f"an address has no user and password; what proves who asks is a token: --token-file FILE or ${TOKEN_VARIABLE}",
            param_hint=option,
        )
    if address.scheme not in ("http", "https") or not address.host:
        raise typer.BadParameter(f"{url} is not an address such as {DEFAULT_URL}", param_hint=option)
    return address


def unreachable(url: str, error: httpx.TransportError) -> Failure:
    """Tell a person that the gateway cannot be reached, and how to start it."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Failure(
            UNREACHABLE,
            f"cannot reach a gateway at {url}",
            ("reason", str(error)),
            ("try again", "yes, once it runs; nothing has been done"),
            ("what to do", "start it: gateway run --site DIR --data DIR   (or, simulated: gateway demo)"),
            ("", "it listens elsewhere: --url URL or $GATEWAY_URL"),
        )
    return Failure(
        UNREACHABLE,
        f"no answer from the gateway at {url}",
        ("reason", str(error) or type(error).__name__),
        ("try again", f"yes; it may have been done already, but {_SAFE}"),
        ("what to do", "see whether the gateway runs, then repeat the command"),
    )


def refused(response: httpx.Response) -> Failure:
    """Tell a person why the gateway refused, whose fault it is and what to do; reads problem+json."""
    status = response.status_code
    fallback = _WRONG_REQUEST if status < 500 else _WRONG_GATEWAY
    meaning = _MEANINGS.get(status, fallback)
    try:
        problem = Problem.model_validate_json(response.content, extra="ignore")
    except ValidationError:
        title, reasons = f"HTTP {status} {response.reason_phrase}", [("reason", "the answer does not say")]
    else:
        title = problem.title
        told = [(reason.field or "reason", _sentence(reason)) for reason in problem.reasons]
        reasons = told or [("reason", problem.detail)]
        if [reason.code for reason in problem.reasons] == ["notFound"]:
            meaning = _NO_SUCH_PATH
    return _failure(f"refused: {title}", reasons, meaning)


def _failure(what: str, reasons: Iterable[tuple[str, str]], meaning: _Meaning) -> Failure:
    return Failure(
        REFUSED,
        what,
        *reasons,
        ("whose fault", meaning.whose),
        ("try again", meaning.again),
        ("what to do", meaning.remedy),
    )


def _sentence(reason: Reason) -> str:
    return f"{reason.message} ({reason.code})"


def segment(identifier: str) -> str:
    """Return an identifier as a part of a path, whatever somebody has typed.

    Raises:
        Failure: it would be more than one part, or none.
    """
    if "/" in identifier or identifier in ("", ".", ".."):
        reason = "an id has a letter or a digit, and no / in it"
        raise _failure(f"`{identifier}` is no id", [("reason", reason)], _MEANINGS[404])
    return quote(identifier, safe="")


def content(response: httpx.Response) -> Any:
    """Return an answer as it is, for whoever wants JSON.

    Raises:
        Failure: whatever answered is no gateway.
    """
    try:
        return response.json()
    except ValueError as error:
        raise no_gateway(_asked(response), "the answer is no JSON") from error


def parse(model: type[M], response: httpx.Response) -> M:
    """Read an answer, fields that are newer than this program left out.

    Raises:
        Failure: whatever answered is no gateway of this contract.
    """
    try:
        return model.model_validate_json(response.content, extra="ignore")
    except ValidationError as error:
        raise no_gateway(_asked(response), _unfit(model, error)) from error


def acknowledged(response: httpx.Response) -> None:
    """Take an answer that has nothing to say but that it was done.

    Raises:
        Failure: whatever answered is no gateway.
    """
    if response.content:
        raise no_gateway(_asked(response), "it says something where a gateway has nothing to say")


def parse_items(model: type[M], page: Mapping[str, Any]) -> list[M]:
    """Read the items of a page, fields that are newer than this program left out.

    Raises:
        Failure: whatever answered is no gateway of this contract.
    """
    try:
        return [model.model_validate(item, extra="ignore") for item in page["items"]]
    except ValidationError as error:
        raise no_gateway("the gateway", _unfit(model, error)) from error


def _unfit(model: type[BaseModel], error: ValidationError) -> str:
    return f"{error.error_count()} fields do not fit {model.__name__}"


def _asked(response: httpx.Response) -> str:
    return str(response.request.url)


def no_gateway(who: str, reason: str) -> Failure:
    """Tell a person that something answers there which is no gateway."""
    return Failure(
        REFUSED,
        f"{who} answered, but not as a gateway does",
        ("reason", reason),
        ("what to do", "see whether --url names a gateway of the same version"),
    )


def save_table(gateway: GatewayClient, path: str, params: Params, file: Path) -> None:
    """Write all of a list into a file, for a spreadsheet; one that is broken off leaves the file as it was.

    Raises:
        Failure: the list cannot be read, or the file not be written.
    """
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as table:
            table.write(BOM)
            for text in gateway.table(path, params):
                table.write(text)
        part.replace(file)
    except OSError as error:
        raise Failure(REFUSED, f"{file} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    sys.stdout.write(f"{file} is written\n")


def print_json(value: object) -> None:
    """Print a JSON value for a script."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
