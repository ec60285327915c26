"""The rollup: the ranked pages of many hours, their domain totals, and where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import polars as pl

from pvtop.core.errors import UsageError
from pvtop.core.hour import Hour, first_runs
from pvtop.core.known_issues import known_issues
from pvtop.core.period import Period
from pvtop.transform.ranked import RankedPages

MISSING = "missing"
"""What a provenance has instead of the digest of a dump that is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupProvenance:
    """Where a rollup comes from. It has only what day files and dumps both know, so it is the same from either.

    Attributes:
        first: The first stamp, `2019-04-01T01`.
        last: The last stamp, in the same form.
        merged: Whether desktop, mobile and zero of a wiki are added up.
        ambiguous: The domain codes in the hours that may also mean the wiki of a chapter, and were added to the
            Wikipedia; empty if access is not merged.
        top: Number of pages per domain.
        keep_unknown: Whether pages titled `-` were ranked.
        blacklist_sha256: Digest of the blacklist, in hex; None without a blacklist.
        rules: `pvtop.transform.report.RULES_VERSION` when the rollup was made.
        dumps: By stamp, the sha256 of each dump in hex, or `missing`.
    """

    first: str
    last: str
    merged: bool
    ambiguous: tuple[str, ...]
    top: int
    keep_unknown: bool
    blacklist_sha256: str | None
    rules: int
    dumps: Mapping[str, str]

    def __repr__(self) -> str:
        return f"<RollupProvenance of {self.period}: {len(self.dumps) - len(self.missing):,} dumps>"

    @property
    def missing(self) -> list[Hour]:
        """The hours whose dumps were missing."""
        return [Hour.parse(stamp) for stamp, digest in self.dumps.items() if digest == MISSING]

    @property
    def period(self) -> Period:
        """The hours of the rollup, missing ones included."""
        return Period.of_hours(Hour.parse(self.first), Hour.parse(self.last))

    def to_json(self) -> str:
        """Return the provenance as a JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self | None:
        """Parse the output of `to_json`. Return None if the text is damaged or another version wrote other fields."""
        try:
            fields: dict[str, Any] = json.loads(text)
            parsed = cls(**fields | {"ambiguous": tuple(fields["ambiguous"])})
            return parsed if parsed._is_valid() else None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UsageError):
            return None

    def _is_valid(self) -> bool:
        kinds: dict[type, tuple[object, ...]] = {
            str: (*self.ambiguous, *self.dumps.values(), self.blacklist_sha256 or ""),
            int: (self.top, self.rules),
            bool: (self.merged, self.keep_unknown),
        }
        valid = all(type(value) is kind for kind, values in kinds.items() for value in values)
        return valid and list(self.dumps) == [hour.iso for hour in self.period.hours]


@dataclass(frozen=True, slots=True)
class Rollup(RankedPages):
    """The ranked pages of many hours.

    Attributes:
        period: The hours.
        top_pages: `domain_code` String, `rank` UInt32, `page_title` String, `views` Int64; by domain and rank. If
            access is merged, `domain_code` is the desktop code, and there is also `mobile_views` Int64: the views that
            are mobile or zero, null if the domain code is empty or unknown.
        domains: `domain_code` String, `pages`, `views`, `blacklisted_pages`, `blacklisted_views` Int64, and
            `mobile_views` Int64 if access is merged; one row for each domain. They are the sums of the hours' totals:
            `pages` and `blacklisted_pages` count a page once for each hour in which it was viewed, even if a dump lists
            it more than once. A title on desktop and on mobile is two pages, even if access is merged. `pages` and
            `views` include the excluded pages.
        provenance: Where the rollup comes from.
    """

    period: Period
    top_pages: pl.DataFrame
    domains: pl.DataFrame
    provenance: RollupProvenance

    @property
    def merged(self) -> bool:
        """Whether desktop, mobile and zero of a wiki are added up."""
        return self.provenance.merged

    def __repr__(self) -> str:
        return f"<Rollup of {self.period}: {self.counts}>"

    def _repr_html_(self) -> str:
        """Return the first pages of the largest domains, as notebooks show them."""
        return self.html_table(f"{self.period}; {self.counts}", self.notes)

    @property
    def notes(self) -> list[str]:
        """What is known to be wrong with its hours: those that are missing, and the known issues."""
        missing = self.provenance.missing
        return [
            *([f"Missing: {first_runs(missing)}"] if missing else []),
            *(f"Note: {issue}" for issue in known_issues(self.period.hours)),
        ]
