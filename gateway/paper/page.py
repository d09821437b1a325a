"""An HTML page that stands alone: with its style and its bar codes in it, it asks for nothing, and prints on A4 as it looks.

It may be opened where somebody has put it, so nothing in it is ever a script, and every text is escaped.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from gateway.contract.labels import CodeView
from gateway.paper import code128
from gateway.paper.drawing import Bars, content_of
from gateway.paper.svg import FONTS, part_as_svg

BAR_MODULE: Final = 0.3
BAR_HEIGHT: Final = 10.0
"""mm."""
WIDTH_MAX: Final = 170.0
"""mm between the margins of A4; a code that is wider is written in letters alone."""
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""What a browser lets a page do: look as it looks, and nothing else."""
STYLE: Final = f"""@page {{ size: A4; margin: 15mm 20mm; }}
body {{ font: 10pt {FONTS}; color: #000; background: #fff; margin: 0 auto; max-width: 180mm; }}
h1 {{ font-size: 16pt; margin: 0 0 2mm; }} h2 {{ font-size: 12pt; margin: 6mm 0 2mm; }}
header {{ display: flex; justify-content: space-between; align-items: flex-start; gap: 8mm; margin-bottom: 4mm; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 1mm 4mm; margin: 0 0 4mm; }}
dt {{ color: #555; }} dd {{ margin: 0; }}
table {{ border-collapse: collapse; width: 100%; }} thead {{ display: table-header-group; }} tr {{ break-inside: avoid; }}
th, td {{ text-align: left; vertical-align: top; border-bottom: 0.2mm solid #999; padding: 1.5mm 2mm 1.5mm 0; }}
td.number, th.number {{ text-align: right; }} td.blank {{ min-width: 20mm; border: 0.2mm solid #999; }}
figure {{ margin: 0; text-align: center; }} svg {{ display: block; margin: 0 auto; }}"""


def page(title: str, body: Iterable[str]) -> str:
    """Return a page; its title is a text, its body is HTML."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style></head>\n<body>\n{chr(10).join(body)}\n</body>\n</html>\n"
    )


def heading(title: str, code: CodeView | None = None) -> str:
    """Return the head of a page, with a bar code at its right."""
    return f"<header><h1>{escape(title)}</h1>{'' if code is None else bar_code(code)}</header>"


def facts(told: Iterable[tuple[str, object]]) -> str:
    """Return what is said with a word each; what is nothing or empty is left out."""
    pairs = (
        f"<dt>{escape(word)}</dt><dd>{escape(str(value))}</dd>"
        for word, value in told
        if value not in (None, "")
    )
    return f"<dl>{''.join(pairs)}</dl>"


def bar_code(code: CodeView) -> str:
    """Return a bar code with its text below; one that bars cannot say, or not on this paper, is its text alone."""
    said, text = content_of(code), f"<figcaption>{escape(code.text)}</figcaption>"
    if not code128.fits(said):
        return f"<figure>{text}</figure>"
    width = (len(code128.modules(said)) + 2 * code128.QUIET) * BAR_MODULE
    if width > WIDTH_MAX:
        return f"<figure>{text}</figure>"
    bars = Bars(x=code128.QUIET * BAR_MODULE, y=0, height=BAR_HEIGHT, module=BAR_MODULE, content=said)
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.2f}mm" height="{BAR_HEIGHT:g}mm"'
        f' viewBox="0 0 {width:.2f} {BAR_HEIGHT:g}">{part_as_svg(bars)}</svg>'
    )
    return f"<figure>{drawn}{text}</figure>"


def rows(heads: Sequence[str], lines: Iterable[Iterable[object]]) -> str:
    """Return a table: numbers stand at the right, None is an empty field to write into, and a code is drawn."""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    body = "".join(f"<tr>{''.join(map(_cell, line))}</tr>\n" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table>"


def _cell(value: object) -> str:
    match value:
        case None:
            return '<td class="blank"></td>'
        case CodeView():
            return f"<td>{bar_code(value)}</td>"
        case int() | float():
            return f'<td class="number">{value}</td>'
        case _:
            return f"<td>{escape(str(value))}</td>"
