"""The report of one hour: its frames and their provenance."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import Self, get_type_hints

import polars as pl

from pvtop.core.hour import Hour
from pvtop.core.known_issues import known_issues
from pvtop.core.period import Period
from pvtop.transform.ranked import RankedPages

RULES_VERSION = 4  # raise it if the same dump, blacklist and settings would give another report or rollup


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a report comes from, and its counts. Two runs over the same inputs give the same provenance.

    Attributes:
        stamp: The dump's stamp, `2019-04-01T12:00:00Z`.
        start: The start of the hour whose views are counted, in the same form.
        end: The end of that hour, which is the stamp.
        source: Address of the dump, without secrets.
        dump_bytes: Size of the gzip file.
        dump_sha256: Digest of the gzip file, in hex.
        dump_etag: The server's ETag, None if unknown.
        dump_last_modified: The server's Last-Modified as sent, None if unknown.
        rows: Number of well-formed lines.
        views: Views of these lines.
        malformed: Number of malformed lines, which were skipped.
        unknown_rows: Pages excluded as unknown (their title is `-`).
        unknown_views: Views of these pages.
        blacklisted_rows: Pages excluded by the blacklist.
        blacklisted_views: Views of these pages.
        domains: Domains with ranked pages.
        entries: Ranked pages.
        entry_views: Views of the ranked pages.
        top: Number of pages per domain.
        keep_unknown: Whether pages titled `-` were ranked.
        blacklist: Address of the blacklist, without secrets, or `none`.
        blacklist_sha256: Digest of the blacklist, in hex; None without a blacklist.
        rules: `RULES_VERSION` when the report was made.
        version: pvtop's version when the report was made.
    """

    stamp: str
    start: str
    end: str
    source: str
    dump_bytes: int
    dump_sha256: str
    dump_etag: str | None
    dump_last_modified: str | None
    rows: int
    views: int
    malformed: int
    unknown_rows: int
    unknown_views: int
    blacklisted_rows: int
    blacklisted_views: int
    domains: int
    entries: int
    entry_views: int
    top: int
    keep_unknown: bool
    blacklist: str
    blacklist_sha256: str | None
    rules: int
    version: str

    def is_of(self, hour: Hour) -> bool:
        """Return whether it is the provenance of the report of an hour."""
        return self.stamp == f"{hour.stamp:%Y-%m-%dT%H:%M:%SZ}"

    def to_json(self) -> str:
        """Return the provenance as a JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self | None:
        """Parse the output of `to_json`. Return None if the text is damaged or another version wrote other fields."""
        try:
            parsed = cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            return None
        valid = all(isinstance(getattr(parsed, name), kind) for name, kind in _field_types().items())
        return parsed if valid else None


@cache
def _field_types() -> dict[str, type]:
    return get_type_hints(Provenance)


@dataclass(frozen=True, slots=True)
class Report(RankedPages):
    """The report of one hour.

    Attributes:
        hour: The hour.
        top_pages: `domain_code` String, `rank` UInt32, `page_title` String, `views` Int64; by domain and rank.
        domains: `domain_code` String, `pages`, `views`, `blacklisted_pages`, `blacklisted_views` Int64; one row for
            each code in the dump. `pages` and `views` include the excluded pages. Each line of the dump is a page.
        provenance: Where the report comes from, and its counts.
    """

    hour: Hour
    top_pages: pl.DataFrame
    domains: pl.DataFrame
    provenance: Provenance

    @property
    def period(self) -> Period:
        """The hour as a period, as a rollup has one."""
        return Period.of_hours(self.hour, self.hour)

    def __repr__(self) -> str:
        return f"<Report of {self.hour}: {self.counts}>"

    def _repr_html_(self) -> str:
        """Return the first pages of the largest domains, as notebooks show them."""
        interval = f"views from {self.hour.start:%H:%M} to {self.hour.stamp:%H:%M} UTC"
        notes = [f"Note: {issue}" for issue in known_issues([self.hour])]
        return self.html_table(f"{self.hour}, {interval}; {self.counts}", notes)
