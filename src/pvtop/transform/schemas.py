"""The columns of every frame: names, order and dtypes."""

from __future__ import annotations

import polars as pl

SUM_DTYPE = pl.Int128()
"""The dtype of intermediate sums. It cannot overflow."""

START = pl.Datetime("us", "UTC")
"""The dtype of the beginning of an hour."""

PAGE_KEY = ["domain_code", "page_title"]
"""The columns that identify a page."""

UNKNOWN = "-"
"""The title of unknown pages."""

NOT_UTF8 = "\ufffd"
"""What bytes that are not UTF-8 become."""

ROWS = pl.Schema({"domain_code": pl.String(), "page_title": pl.String(), "views": pl.Int64()})
"""The rows of a dump."""

DOMAIN_MEANING = pl.Schema(
    {
        "project": pl.String(),
        "language": pl.String(),
        "host": pl.String(),
        "access": pl.String(),
        "ambiguous": pl.Boolean(),
    }
)
"""What domain codes mean: attributes of `pvtop.core.domain.Domain`."""

BLACKLIST = pl.Schema({"domain_code": pl.String(), "page_title": pl.String()})
"""The pages of a blacklist."""

CHUNK_TOTALS = pl.Schema({"domain_code": pl.String(), "pages": pl.Int64(), "views": SUM_DTYPE})
"""The totals of each domain in one chunk of a dump."""

CANDIDATES = pl.Schema({**ROWS, "can_rank": pl.Boolean()})
"""The pages of a dump that can rank or may be excluded."""

TOP_PAGES = pl.Schema({"domain_code": pl.String, "rank": pl.UInt32, "page_title": pl.String, "views": pl.Int64})
"""The ranked pages of a report."""

DOMAINS = pl.Schema(
    {
        "domain_code": pl.String,
        "pages": pl.Int64,
        "views": pl.Int64,
        "blacklisted_pages": pl.Int64,
        "blacklisted_views": pl.Int64,
    }
)
"""The domain totals of a report."""

MERGED_TOP_PAGES = pl.Schema([*TOP_PAGES.items(), ("mobile_views", pl.Int64())])
"""The ranked pages of a rollup that merges access."""

MERGED_DOMAINS = pl.Schema([*DOMAINS.items(), ("mobile_views", pl.Int64())])
"""The domain totals of a rollup that merges access."""

HOUR_ROWS = pl.Schema([*ROWS.items(), ("start_hour", pl.UInt8())])
"""The pages of the hours of a day. `start_hour` is the hour of the day at which an hour begins, 0 to 23."""

DAY_PAGES = pl.Schema(
    {
        "domain_code": pl.String(),
        "page_title": pl.String(),
        "views": pl.Int64(),
        "start_hours": pl.List(pl.UInt8()),
        "counts": pl.List(pl.Int64()),
    }
)
"""The pages of a day file. `start_hours` ascend and pair with `counts`, which add up to `views`."""

DAYS = pl.Schema({"start": pl.Datetime("us", "UTC"), **DAY_PAGES})
"""The pages of many day files. `start` is the beginning of the day in UTC."""

SERIES = pl.Schema(
    {
        "start": pl.Datetime("us", "UTC"),
        "domain_code": pl.String(),
        "page_title": pl.String(),
        "views": pl.Int64(),
    }
)
"""The views of pages over time. `start` is the start of the hour or the day."""

MERGED_SERIES = pl.Schema({**SERIES, "mobile_views": pl.Int64()})
"""A series of desktop, mobile and zero together."""

MOVERS = pl.Schema(
    {
        "domain_code": pl.String(),
        "rank": pl.UInt32(),
        "page_title": pl.String(),
        "views": pl.Int64(),
        "mobile_views": pl.Int64(),
        "earlier_mean": pl.Float64(),
        "ratio": pl.Float64(),
        "score": pl.Float64(),
        "daily_views": pl.List(pl.Int64()),
    }
)
"""Pages far above their own earlier level. `pvtop.pipeline.movers.find_movers` describes the columns."""

SPIKES = pl.Schema(
    {
        "domain_code": pl.String(),
        "rank": pl.UInt32(),
        "page_title": pl.String(),
        "peak_start": pl.Datetime("us", "UTC"),
        "peak_views": pl.Int64(),
        "views": pl.Int64(),
        "peak_share": pl.Float64(),
        "peak_mobile_share": pl.Float64(),
        "mobile_share": pl.Float64(),
        "hourly_views": pl.List(pl.Int64()),
    }
)
"""Pages with most of a day's views in one hour. `pvtop.pipeline.movers.find_spikes` describes the columns."""
