"""The movers and the spikes of a day: the pages that were found, and how they show themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pvtop.core.counted import counted, percent
from pvtop.core.day import HOURS_OF_A_DAY, Day
from pvtop.core.domain import Domain
from pvtop.core.hour import Hour, first_runs
from pvtop.core.html import Blocks, Columns, Link, Row, more_rows, table
from pvtop.core.known_issues import notes_on
from pvtop.core.sparkline import sparkline

PAGES_SHOWN = 10  # in a notebook
MOVER_COLUMNS = Columns(["rank", "page", "views", "mobile", "earlier", "ratio", "score", "days"])
SPIKE_COLUMNS = Columns(["rank", "page", "peak", "views", "share", "mobile", "of the day", "mobile", "00 to 24 UTC"])


@dataclass(frozen=True, slots=True)
class Movers:
    """The pages furthest above their own earlier level on a day.

    Attributes:
        day: The day.
        pages: The pages, as `find_movers` describes them.
        earlier: The days before it that were read, oldest first.
        days_without_file: The days before it that have no day file and are skipped.
        hours_without_data: The hours of all these days without data, in order.
        hours_with_data: The number of hours of the day that have data.
        earlier_hours_with_data: The number of hours of the earlier days that have data.
    """

    day: Day
    pages: pl.DataFrame
    earlier: list[Day]
    days_without_file: list[Day]
    hours_without_data: list[Hour]
    hours_with_data: int
    earlier_hours_with_data: int

    def __repr__(self) -> str:
        return f"<Movers of {self.day}: {self._counts}>"

    def _repr_html_(self) -> str:
        """Return the first pages with the numbers that say why, as notebooks show them."""
        days = [*self.earlier, self.day]
        notes = [f"No day file, so left out: {first_runs(self.days_without_file)}"] if self.days_without_file else []
        notes += notes_on([hour for day in days for hour in day.hours], self.hours_without_data)
        width = len(self.earlier) + len(self.days_without_file) + 1
        rows = [_mover_row(page, width) for page in self.pages.head(PAGES_SHOWN).to_dicts()]
        return _table(f"Movers of {self.day}: {self._counts}", MOVER_COLUMNS, rows, len(self.pages), notes)

    @property
    def _counts(self) -> str:
        level = f"{counted(self.earlier_hours_with_data, 'hour')} of {counted(len(self.earlier), 'earlier day')}"
        return f"{counted(len(self.pages), 'page')}, {counted(self.hours_with_data, 'hour')} against {level}"


@dataclass(frozen=True, slots=True)
class Spikes:
    """The pages with most of a day's views in one hour.

    Attributes:
        day: The day.
        pages: The pages, as `find_spikes` describes them.
        hours_without_data: The hours of the day without data, in order.
    """

    day: Day
    pages: pl.DataFrame
    hours_without_data: list[Hour]

    def __repr__(self) -> str:
        return f"<Spikes of {self.day}: {self._counts}>"

    def _repr_html_(self) -> str:
        """Return the first pages with the numbers that say why, as notebooks show them."""
        rows = [_spike_row(page) for page in self.pages.head(PAGES_SHOWN).to_dicts()]
        notes = notes_on(self.day.hours, self.hours_without_data)
        return _table(f"Spikes of {self.day}: {self._counts}", SPIKE_COLUMNS, rows, len(self.pages), notes)

    @property
    def _counts(self) -> str:
        return f"{counted(len(self.pages), 'page')}, {counted(HOURS_OF_A_DAY - len(self.hours_without_data), 'hour')}"


def _table(caption: str, columns: Columns, rows: Sequence[Row], count: int, notes: Sequence[str]) -> str:
    return table(caption, [*([columns] if rows else []), *rows, *more_rows(count - len(rows), "page")], notes)


def _mover_row(page: dict[str, Any], width: int) -> Row:
    mobile = None if page["mobile_views"] is None else page["mobile_views"] / page["views"]
    return [
        str(page["rank"]),
        _linked(page),
        f"{page['views']:,}",
        percent(mobile),
        f"{page['earlier_mean']:,.0f}",
        "new" if page["ratio"] is None else f"{page['ratio']:,.1f}x",
        f"{page['score']:,.0f}",
        Blocks(sparkline(page["daily_views"], width)),
    ]


def _spike_row(page: dict[str, Any]) -> Row:
    start = page["peak_start"].hour
    return [
        str(page["rank"]),
        _linked(page),
        f"{start:02}:00 to {start + 1:02}:00",
        f"{page['peak_views']:,}",
        percent(page["peak_share"]),
        percent(page["peak_mobile_share"]),
        f"{page['views']:,}",
        percent(page["mobile_share"]),
        Blocks(sparkline(page["hourly_views"], HOURS_OF_A_DAY)),
    ]


def _linked(page: dict[str, Any]) -> Link:
    """Return a page as a series takes it, which leads to its article."""
    domain = Domain.of(page["domain_code"])
    return Link(f"{domain.label}:{page['page_title']}", domain.page_address(page["page_title"]))
