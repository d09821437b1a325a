"""How one gateway is run."""

from dataclasses import dataclass
from pathlib import Path

from gateway.delivery.sender import Network
from gateway.site.model import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one gateway is run.

    Attributes:
        data: folder of everything durable.
        token: what callers of the API must show; None only where nobody else can reach the port.
        names: under which others ask, besides its addresses and `localhost`; looked at where there is no token.
        webhook_networks: private networks to which webhooks may be posted, besides public addresses and this machine.
    """

    site: Site
    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    names: frozenset[str] = frozenset()
    webhook_networks: tuple[Network, ...] = ()

    @property
    def url(self) -> str:
        """Return where it listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def authorization(self) -> dict[str, str]:
        """Return the headers that show the token."""
        return {} if self.token is None else {"authorization": f"Bearer {self.token}"}


def make_data_folder(data: Path) -> None:
    """Make the folder of everything durable, if it is not there: for its owner alone, as it holds what webhooks are signed with."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
