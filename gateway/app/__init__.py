"""The composition root: the only room that knows every other, and the drivers.

`settings`: how one gateway is run. `surroundings`: all that is outside it, with `brokers` that run beside it, the way to
`upstream`, and who plans (`allocation`). `wires`: links and drivers. `rooms`: where it decides. `gateway`: all of it put together.
`wes`: the bundled core, beside it or in a process of its own. `serving`: HTTP.
"""

from gateway.app.brokers import EmbeddedBroker, check_ports, embedded_broker
from gateway.app.gateway import Gateway, open_gateway, run_gateway
from gateway.app.serving import PortRefused, http_port, serve_http, start_is_over
from gateway.app.settings import Settings, make_data_folder
from gateway.app.surroundings import Surroundings, WesSurroundings, real_surroundings
from gateway.app.upstream import UpstreamRefused
from gateway.app.wes import RunningWes, run_wes

__all__ = [
    "EmbeddedBroker",
    "Gateway",
    "PortRefused",
    "RunningWes",
    "Settings",
    "Surroundings",
    "UpstreamRefused",
    "WesSurroundings",
    "check_ports",
    "embedded_broker",
    "http_port",
    "make_data_folder",
    "open_gateway",
    "real_surroundings",
    "run_gateway",
    "run_wes",
    "serve_http",
    "start_is_over",
]
