"""`gateway wes`: what is done with the WES core from a terminal."""

import typer

from gateway.cli.allocate import allocate
from gateway.cli.import_stock import import_stock
from gateway.cli.run_wes import run_wes
from gateway.cli.verify import verify
from gateway.cli.wes_attention import alarms, exceptions, messages
from gateway.cli.wes_floor import orders, replenishments, stations, stock

wes = typer.Typer(
    help="The WES core: run, allocate, import stock, verify; what waits for a person.", no_args_is_help=True
)
wes.command("run")(run_wes)
wes.command()(allocate)
wes.command()(verify)
wes.command("import-stock")(import_stock)
wes.command()(orders)
wes.command()(stations)
wes.command()(stock)
wes.command()(replenishments)
wes.command()(alarms)
wes.add_typer(exceptions, name="exceptions")
wes.add_typer(messages, name="messages")
