"""Small tables of HTML, as notebooks show them. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from pvtop.core.escape import printable

IGNORED_BY_MATHJAX = "tex2jax_ignore mathjax_ignore"  # classes: notebooks would show text between dollars as formulas


class Link(NamedTuple):
    """A text that leads to an address. Without an address, it is only text."""

    text: str
    address: str | None


class Heading(NamedTuple):
    """A text that is a row of its own, above the rows that it is about."""

    text: str


Row = Heading | Sequence[str | Link]


def table(caption: str, rows: Iterable[Row], notes: Iterable[str] = ()) -> str:
    """Return a table of rows, with notes below the caption. Text with digits only is aligned to the right."""
    above = "<br>".join(map(_escaped, (caption, *notes)))
    body = "\n".join(map(_row, rows))
    head = f'<caption style="text-align: left; white-space: normal">{above}</caption>'
    return f'<table class="{IGNORED_BY_MATHJAX}">\n{head}\n{body}\n</table>'


def _row(row: Row) -> str:
    if isinstance(row, Heading):
        return f'<tr><th colspan="9" style="text-align: left">{_escaped(row.text)}</th></tr>'
    return f"<tr>{''.join(map(_cell, row))}</tr>"


def _cell(cell: str | Link) -> str:
    if isinstance(cell, Link):
        shown = _escaped(cell.text)
        shown = shown if cell.address is None else f'<a href="{_escaped(cell.address)}">{shown}</a>'
        return f'<td style="text-align: left">{shown}</td>'
    side = "right" if cell.replace(",", "").isdecimal() else "left"
    return f'<td style="text-align: {side}">{_escaped(cell)}</td>'


def _escaped(text: str) -> str:
    """Return text that HTML shows as it is, and in which unsafe characters are visible."""
    return escape(printable(text))
