"""What the gateway's books make of a report about the channel, after gateway.transport.outcome."""

from tests.model.mailbox.state import Kernel, Said


def heard(kernel: Kernel, said: Said) -> Kernel:
    """Return the books once what was said is durable."""
    match said.kind:
        case "offline":
            return kernel._replace(online=False)
        case "online":
            last_seq = kernel.last_seq if kernel.open else said.ack
            return kernel._replace(online=True, boot=said.boot, last_seq=last_seq)
        case "done" | "rejected":
            return closed(kernel, said.job, said.kind)
        case "unknown" if kernel.open and kernel.open.job == said.job:
            return closed(kernel, said.job, said.kind)._replace(boot=0)
        case _:
            return kernel


def closed(kernel: Kernel, job: int, outcome: str) -> Kernel:
    """Return the books with this outcome of a command, unless it has one."""
    if kernel.open is None or kernel.open.job != job:
        return kernel
    outcomes = list(kernel.outcomes)
    outcomes[job - 1] = outcome
    return kernel._replace(open=None, outcomes=tuple(outcomes))
