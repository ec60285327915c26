"""The report of one hour: its frames, where they come from, and the text to read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import Self, get_type_hints

import polars as pl

from pvtop.core.hour import Hour

RULES_VERSION = 2  # raised when the same dump, blacklist and settings would give another report


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a report comes from and what was met on the way; nothing in it changes from run to run.

    Attributes:
        stamp: The dump's stamp, `2019-04-01T12:00:00Z`.
        start: When the hour whose views are counted began, in the same form.
        end: When it ended: the stamp.
        source: Address of the dump, without secrets.
        dump_bytes: Size of the dump, as gzip.
        dump_sha256: Its digest, in hex.
        dump_etag: The server's ETag, None where unknown.
        dump_last_modified: The server's Last-Modified, as sent, None where unknown.
        rows: Well-formed lines read.
        views: Their views.
        malformed: Lines left out as malformed.
        unknown_rows: Pages left out for their title `-`.
        unknown_views: Their views.
        blacklisted_rows: Pages left out by the blacklist.
        blacklisted_views: Their views.
        domains: Domains in the report.
        entries: Ranked pages in the report.
        entry_views: Their views.
        top: How many pages a domain gets.
        keep_unknown: Whether pages titled `-` were ranked.
        blacklist: Address of the blacklist, without secrets, or `none`.
        blacklist_sha256: Its digest, in hex; None for none.
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

    def to_json(self) -> str:
        """Write a JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self | None:
        """Read what `to_json` wrote; None where another version wrote other fields."""
        try:
            made = cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            return None
        sound = all(isinstance(getattr(made, name), kind) for name, kind in _kinds().items())
        return made if sound else None


@cache
def _kinds() -> dict[str, type]:
    return get_type_hints(Provenance)


@dataclass(frozen=True, slots=True)
class Report:
    """The report of one hour.

    Attributes:
        hour: The hour.
        top_pages: `domain_code` String, `rank` UInt32, `page_title` String, `views` Int64; by domain and rank.
        domains: `domain_code` String, `pages`, `views`, `blacklisted_pages`, `blacklisted_views` Int64; every code of
            the dump, blacklisted and unknown pages included in `pages` and `views`.
        provenance: Where it comes from.
    """

    hour: Hour
    top_pages: pl.DataFrame
    domains: pl.DataFrame
    provenance: Provenance
