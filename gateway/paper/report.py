"""The last days as one page: what left and how well, what was found too much or too little, how suppliers delivered (S2-157)."""

from zoneinfo import ZoneInfo

from gateway.contract.reporting import ReportView
from gateway.paper.page import facts, heading, page, rows


def report_page(view: ReportView, zone: ZoneInfo) -> str:
    """Return a report as a page, with the site's times."""
    done = view.performance
    since, until = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (view.since, view.until))
    title = f"{view.warehouse_id}, {since} to {until}"
    body = [
        heading(title),
        "<h2>Outbound</h2>",
        facts(
            (
                ("packages that left", view.packages),
                ("pieces that left", view.pieces),
                ("orders shipped", done.shipped),
                ("in time", _share(done.in_time, done.due, done.fulfilment, "with a deadline")),
                (
                    "picked right",
                    _share(done.shipped - done.differing, done.shipped, done.accuracy, "shipped"),
                ),
            )
        ),
        "<h2>Stock</h2>",
        facts(
            (
                ("pieces in stock now", done.quantity),
                ("found", done.gained),
                ("missing", done.lost),
                ("shrinkage", _percent(done.shrinkage)),
            )
        ),
        "<h2>Suppliers</h2>",
        rows(
            (
                "supplier",
                "notices",
                "exact",
                "accuracy",
                "in time",
                "announced",
                "received",
                "missing",
                "surplus",
            ),
            (
                (
                    *(each.supplier or "not said", each.notices, each.exact, _percent(each.accuracy)),
                    _share(each.in_time, each.due, each.punctuality, "due"),
                    *(each.announced, each.received, each.missing, each.surplus),
                )
                for each in view.suppliers
            ),
        )
        if view.suppliers
        else "<p>No announced goods have ended.</p>",
    ]
    return page(title, body)


def _share(part: int, whole: int, share: float | None, of: str) -> str:
    return f"none {of}" if share is None else f"{part} of {whole} {of} ({_percent(share)})"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.2%}"
