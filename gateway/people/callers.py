"""Who asks: everybody, the installation itself, a person, or somebody who has shown nothing."""

from dataclasses import dataclass

from gateway.contract.people import Role
from gateway.people.rows import Person, Session


@dataclass(frozen=True, slots=True)
class Anybody:
    """Nobody is asked who it is: only this machine can reach the port."""

    by: str = "open"


@dataclass(frozen=True, slots=True)
class Installation:
    """Whoever holds the installation's token, and the parts of this process: may do everything."""

    by: str = "token"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person, or a machine, by a session of theirs."""

    person: Person
    session: Session

    @property
    def by(self) -> str:
        """Return who is told to have done it."""
        return self.person.person_id

    @property
    def is_service(self) -> bool:
        """Tell whether it is a machine, which names the operators whose acts it brings."""
        return Role.SERVICE in self.person.roles


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who has shown nothing, where something must be shown."""

    by: str = "nobody"


Caller = Anybody | Installation | SignedIn | Stranger
