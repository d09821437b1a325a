"""What the gateway's books make of a report about the slot, after gateway.transport.puts."""

from tests.model.slot.state import Kernel, Said


def heard(kernel: Kernel, said: Said) -> Kernel:
    """Return the books once what was said is durable."""
    match said.kind:
        case "ended":
            return _closed(kernel, said.job, f"{'short' if said.short else 'confirmed'} {said.quantity}")
        case "darkened":
            return _closed(kernel, said.job, "unknown" if kernel.forgotten else "cancelled")
        case "forgotten" if said.job in kernel.open:
            return kernel._replace(forgotten=True)
        case "hands":
            return kernel._replace(hands=kernel.hands + said.hands)
        case _:
            return kernel


def _closed(kernel: Kernel, job: int, outcome: str) -> Kernel:
    if job not in kernel.open:
        return kernel
    outcomes = list(kernel.outcomes)
    outcomes[job - 1] = outcome
    left = tuple(each for each in kernel.open if each != job)
    return kernel._replace(open=left, cancelled=False, forgotten=False, outcomes=tuple(outcomes))
