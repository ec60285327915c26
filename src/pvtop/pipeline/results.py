"""The result of an hour."""

from __future__ import annotations

from dataclasses import dataclass

from pvtop.core.errors import PvtopError
from pvtop.core.hour import Hour
from pvtop.core.html import table
from pvtop.core.states import HourState
from pvtop.transform.report import Provenance


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
