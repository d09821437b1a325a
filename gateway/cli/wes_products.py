"""`gateway wes delete-product`: a product that came to be by mistake is forgotten."""

from typing import Annotated

import typer
from pydantic import JsonValue

from gateway.cli.acts import OperatorOption, ReasonOption, act, derived_id
from gateway.cli.appearance import stdout
from gateway.cli.client import DEFAULT_URL, JsonOption, UrlOption, connect, content, print_json
from gateway.cli.credentials import TokenFileOption


def delete_product(
    sku: Annotated[str, typer.Argument(metavar="SKU", help="The product.")],
    reason: ReasonOption,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="OWNER", help="Whose; without it: the site's own.")
    ] = None,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a product that no document and no stock has ever named; upstream takes any other out of use."""
    body: dict[str, JsonValue] = {"actId": derived_id(), "skuId": sku, **act(operator, reason)}
    with connect(url, token_file) as gateway:
        response = gateway.post(
            "/v1/wes/products/deletions", body | ({} if owner is None else {"ownerId": owner})
        )
    if as_json:
        print_json(content(response))
        return
    stdout().print(f"{sku}: deleted.")
