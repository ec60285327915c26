"""Small tables of HTML, as notebooks show them. All text is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from pvtop.core.counted import counted
from pvtop.core.escape import printable

NUMBER = r"[\d,]+(\.\d+)?(x| %)?"  # also a ratio or a share
IGNORED_BY_MATHJAX = "tex2jax_ignore mathjax_ignore"  # classes: notebooks would show text between dollars as formulas


ROWS_SHOWN = 31  # of a result that may have thousands: a month of days


class Link(NamedTuple):
    """A text that leads to an address. Without an address, it is only text."""

    text: str
    address: str | None


class Blocks(NamedTuple):
    """A line of blocks, of which spaces are a part."""

    text: str


class Columns(NamedTuple):
    """The names of the columns, as a row of its own."""

    names: Sequence[str]


class Heading(NamedTuple):
    """A text that is a row of its own, above the rows that it is about."""

    text: str


Cell = str | Link | Blocks
Row = Heading | Columns | Sequence[Cell]


def table(caption: str, rows: Iterable[Row], notes: Iterable[str] = ()) -> str:
    """Return a table of rows, with notes below the caption. Numbers and shares are aligned to the right."""
    above = "<br>".join(map(_escaped, (caption, *notes)))
    body = "\n".join(map(_row, rows))
    head = f'<caption style="text-align: left; white-space: normal">{above}</caption>'
    return f'<table class="{IGNORED_BY_MATHJAX}">\n{head}\n{body}\n</table>'


def more_rows(count: int, noun: str) -> list[Row]:
    """Return the last row of a table that does not show all of them: `and 15 more pages`. Nothing if none is left."""
    return [Heading(f"and {counted(count, f'more {noun}')}")] if count > 0 else []


def first_rows(rows: Sequence[Row], noun: str) -> list[Row]:
    """Return at most `ROWS_SHOWN` rows, and how many more there are."""
    return [*rows[:ROWS_SHOWN], *more_rows(len(rows) - ROWS_SHOWN, noun)]


def _row(row: Row) -> str:
    if isinstance(row, Heading):
        return f'<tr><th colspan="9" style="text-align: left">{_escaped(row.text)}</th></tr>'
    if isinstance(row, Columns):
        return f"<tr>{''.join(f'<th>{_escaped(name)}</th>' for name in row.names)}</tr>"
    return f"<tr>{''.join(map(_cell, row))}</tr>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, Blocks):
        return f'<td style="text-align: left; white-space: pre">{_escaped(cell.text)}</td>'
    if isinstance(cell, Link):
        shown = _escaped(cell.text)
        shown = shown if cell.address is None else f'<a href="{_escaped(cell.address)}">{shown}</a>'
        return f'<td style="text-align: left">{shown}</td>'
    side = "right" if re.fullmatch(NUMBER, cell, re.ASCII) else "left"
    return f'<td style="text-align: {side}">{_escaped(cell)}</td>'


def _escaped(text: str) -> str:
    """Return text that HTML shows as it is, and in which unsafe characters are visible."""
    return escape(printable(text))
