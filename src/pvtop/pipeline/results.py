"""The results of hours and of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from pvtop.core.day import Day
from pvtop.core.errors import PvtopError
from pvtop.core.hour import Hour, runs_of, span
from pvtop.core.html import Row, first_rows, table
from pvtop.core.states import HourState, counts_as_text
from pvtop.transform.day import DayProvenance
from pvtop.transform.report import Provenance

EXPLAINED = {HourState.FAILED, HourState.MISSING}  # states of a day that need a reason


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long each step of an hour took.

    Attributes:
        download: Seconds until the dump is on this machine, including waits.
        compute: Seconds from then until the report is in the lake, including waits.
    """

    download: float
    compute: float


@dataclass(frozen=True, slots=True)
class HourResult:
    """The result of an hour. Can be pickled.

    Attributes:
        hour: The hour.
        state: `made`, or `unchanged` if the report in the lake is up to date.
        provenance: The report's provenance, including its counts.
        text: Path of the text report.
        top_pages: Path of the Parquet file of the ranked pages.
        domains: Path of the Parquet file of the domain totals.
        written_bytes: Total size of the three files in bytes, or 0 if nothing was written.
        seconds: Duration of each step, in seconds.
    """

    hour: Hour
    state: HourState
    provenance: Provenance
    text: str
    top_pages: str
    domains: str
    written_bytes: int = 0
    seconds: Seconds = Seconds(0, 0)

    def __repr__(self) -> str:
        return f"<HourResult of {self.hour}: {self.state.label}, {self._counts}>"

    def _repr_html_(self) -> str:
        """Return the state, the counts and the files, as notebooks show them."""
        rows = [
            ("state", self.state.label),
            ("report", self._counts),
            ("text", self.text),
            ("ranked pages", self.top_pages),
            ("domain totals", self.domains),
        ]
        return table(str(self.hour), rows)

    @property
    def _counts(self) -> str:
        return f"{self.provenance.domains:,} domains, {self.provenance.entries:,} entries"


@dataclass(frozen=True, slots=True)
class HourOutcome:
    """How an hour of a batch ended.

    Attributes:
        hour: The hour.
        state: `made`, `unchanged`, `not_published` or `failed`.
        result: The result, None if the hour failed, is not published, or needed nothing.
        error: Why the hour failed, None if it did not.
    """

    hour: Hour
    state: HourState
    result: HourResult | None = None
    error: PvtopError | None = None

    def __repr__(self) -> str:
        return f"<HourOutcome of {self.hour}: {self.state.label}{f': {self.error}' if self.error else ''}>"


@dataclass(frozen=True, slots=True)
class DayOutcome:
    """How a day ended.

    Attributes:
        day: The day.
        state: `made`, `unchanged`, `missing` (not all hours are published yet), `not_published` or `failed`.
        reason: Why, as a clause.
        provenance: Where the day file comes from, None if there is none.
        error: Why the day failed, None if it did not.
    """

    day: Day
    state: HourState
    reason: str = ""
    provenance: DayProvenance | None = None
    error: PvtopError | None = None

    def __repr__(self) -> str:
        return f"<DayOutcome of {self.day}: {self.summary}>"

    @property
    def summary(self) -> str:
        """The state, and why if the day has no new day file though it should: `failed: ...`."""
        return f"{self.state.label}: {self.reason}" if self.state in EXPLAINED else self.state.label


@dataclass(slots=True)
class DaysResult:
    """The result of making many days.

    Attributes:
        outcomes: How each day ended, in order.
        layout: How the layout of the source explains that it has none of the hours, or an empty string.
    """

    outcomes: list[DayOutcome] = field(default_factory=list)
    layout: str = ""

    def __repr__(self) -> str:
        return f"<DaysResult: {counts_as_text(self.counts) or 'no days'}>"

    def _repr_html_(self) -> str:
        """Return the counts and the days, as notebooks show them."""
        caption = f"Days: {counts_as_text(self.counts) or 'no days'}"
        return table(caption, rows_of_days(self.outcomes), filter(None, [self.layout]))

    @property
    def counts(self) -> Counter[HourState]:
        """The number of days in each state."""
        return Counter(outcome.state for outcome in self.outcomes)


def rows_of_days(outcomes: Iterable[DayOutcome]) -> list[Row]:
    """Return the days, and how they ended, as rows of a table: those that failed first, and at most `ROWS_SHOWN`.

    Consecutive days that ended alike share a row.
    """
    ordered = sorted(outcomes, key=lambda one: one.state is not HourState.FAILED)
    alike = [(summary, [one.day for one in days]) for summary, days in groupby(ordered, lambda one: one.summary)]
    return first_rows([(span(*run), summary) for summary, days in alike for run in runs_of(days)], "such period")
