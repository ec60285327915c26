"""Small reports, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from pvtop.core.hour import Hour
from pvtop.transform.report import Provenance, Report
from pvtop.transform.schemas import DOMAINS, TOP_PAGES

HOUR = Hour.parse("2019-04-01T12")
PROVENANCE = Provenance(
    stamp="2019-04-01T12:00:00Z",
    start="2019-04-01T11:00:00Z",
    end="2019-04-01T12:00:00Z",
    source="https://dumps.example.org/2019/2019-04/pageviews-20190401-120000.gz",
    dump_bytes=57_000_000,
    dump_sha256="aa" * 32,
    dump_etag='"5ca1ab1e"',
    dump_last_modified=None,
    rows=7,
    views=421_000,
    malformed=0,
    unknown_rows=1,
    unknown_views=1_400,
    blacklisted_rows=2,
    blacklisted_views=1_234,
    domains=2,
    entries=4,
    entry_views=418_300,
    top=25,
    keep_unknown=False,
    blacklist="none",
    blacklist_sha256=None,
    rules=1,
    version="1.2.3",
)
Page = tuple[str, int | None, str | None, int]
Totals = tuple[str, int | None, int | None, int | None, int | None]
PAGES: Sequence[Page] = (
    ("", 1, "Z6", 36),
    ("en", 1, "Main_Page", 382_051),
    ("en", 2, "Climate", 36_183),
    ("en", 3, "Weather", 30),
)
TOTALS: Sequence[Totals] = (("", 1, 36, 0, 0), ("de", 1, 34, 1, 34), ("en", 5, 420_930, 1, 1_200))


def make_report(
    pages: Sequence[Page] = PAGES, totals: Sequence[Totals] = TOTALS, hour: Hour = HOUR, **facts: object
) -> Report:
    """Return a good report, apart from the given values.

    Args:
        pages: Rows of `top_pages`.
        totals: Rows of `domains`.
        hour: Its hour.
        facts: Fields of the provenance.
    """
    stamps = {"stamp": hour.stamp, "start": hour.start, "end": hour.stamp}
    facts = {name: f"{time:%Y-%m-%dT%H:%M:%SZ}" for name, time in stamps.items()} | facts
    return Report(
        hour,
        pl.DataFrame(pages, schema=TOP_PAGES, orient="row"),
        pl.DataFrame(totals, schema=DOMAINS, orient="row"),
        replace(PROVENANCE, **facts),  # type: ignore[arg-type]
    )
