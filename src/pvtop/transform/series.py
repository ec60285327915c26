"""The views of pages over time: the pages to look for, the rows of each hour, and the whole series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl

from pvtop.core.domain import Domain
from pvtop.core.page import Page
from pvtop.core.period import Period, Step
from pvtop.transform.reduce import SAMPLES
from pvtop.transform.runs import may_repeat
from pvtop.transform.schemas import MERGED_SERIES, PAGE_KEY, SERIES, SUM_DTYPE
from pvtop.transform.titles import decode_code, decode_title, encode_titles

START = SERIES["start"]

SOUGHT = pl.Schema(
    {"domain_code": pl.String(), "page_title": pl.String(), "page": pl.UInt32(), "is_mobile": pl.Boolean()}
)
"""The pages to look for. `page` is the number of the page in the series, to which their views count."""

COUNTS = pl.Schema({"page": pl.UInt32(), "start": START, "views": SUM_DTYPE, "mobile_views": SUM_DTYPE})
"""The views of the pages of a series in the hours or days in which they have any."""


class Sought(NamedTuple):
    """What a series is about.

    Attributes:
        pages: The pages of the series, without repeats.
        rows: The pages to look for, in the columns of `SOUGHT`.
    """

    pages: list[Page]
    rows: pl.DataFrame


def seek_pages(pages: Iterable[Page], *, merge_access: bool) -> Sought:
    """Return the pages of a series, and the pages to look for.

    Args:
        pages: The pages that were asked for.
        merge_access: Whether a page stands for its title on desktop, mobile and zero. The series then has its desktop
            code, and looks for all codes of that wiki. A page with an unknown code stays alone.
    """
    numbers: dict[Page, int] = {}
    rows = []
    for page in pages:
        domain = Domain.of(page.domain_code)
        merged = Page(domain.merged_code if merge_access else domain.code, page.title)
        if merged not in numbers:
            number = numbers[merged] = len(numbers)
            codes = domain.codes if merge_access else [domain.code]
            rows += [(code, page.title, number, bool(Domain.of(code).is_mobile)) for code in codes]
    return Sought(list(numbers), pl.DataFrame(rows, SOUGHT, orient="row"))


def raw_titles(sought: pl.DataFrame) -> pl.Series:
    """Return the titles to look for as dumps write them."""
    return encode_titles(sought.lazy().select(PAGE_KEY).unique()).collect().get_column("page_title").unique()


class Picked(NamedTuple):
    """Rows of a dump.

    Attributes:
        rows: `domain_code`, `page_title`, `views`; decoded, in the order of the dump.
        lines: The number of all lines of the dump.
        malformed: The number of malformed lines.
        samples: The first few malformed lines.
    """

    rows: pl.DataFrame
    lines: int
    malformed: int
    samples: list[str]

    @property
    def repeated(self) -> pl.DataFrame:
        """The pages that occur more than once and may not: `domain_code`, `page_title`."""
        again = self.rows.filter(self.rows.select(PAGE_KEY).is_duplicated())
        return again.filter(~may_repeat()).select(PAGE_KEY)


def pick_titles(rows: pl.LazyFrame, titles: pl.Series) -> Picked:
    """Return the rows of a dump with some titles, in one streaming pass.

    Args:
        rows: The columns of `transform.dump.scan_blocks`.
        titles: The titles as dumps write them.
    """
    lines: list[int] = []
    malformed: list[pl.Series] = []

    def pick(chunk: pl.DataFrame) -> pl.DataFrame:
        is_malformed = chunk.get_column("domain_code").is_null()
        lines.append(len(chunk))
        malformed.append(chunk.get_column("page_title").filter(is_malformed))
        return chunk.filter(~is_malformed & chunk.get_column("page_title").is_in(titles.implode()))

    found = rows.map_batches(pick, streamable=True).select(
        decode_code(pl.col("domain_code")), decode_title(pl.col("page_title")), "views"
    )
    picked = found.collect(engine="streaming")
    samples = [line for some in malformed for line in some.head(SAMPLES)][:SAMPLES]
    return Picked(picked, sum(lines), sum(map(len, malformed)), samples)


def count_day(found: pl.DataFrame, sought: pl.DataFrame, start: datetime, period: Period, step: Step) -> pl.DataFrame:
    """Return the views that a day file has of the pages, within a period.

    Args:
        found: `domain_code`, `page_title`, `start_hours` List(UInt8), `counts` List(Int64).
        sought: The pages to look for.
        start: The start of the day.
        period: Other hours do not count.
        step: Whether to add up the hours.

    Returns:
        The columns of `COUNTS`.
    """
    hour = pl.lit(start, START) + pl.duration(hours=pl.col("start_hours"))
    rows = (
        found.lazy()
        .join(sought.lazy(), on=PAGE_KEY)
        .select("page", "is_mobile", "start_hours", pl.col("counts").alias("views"))
        .explode("start_hours", "views")
        .with_columns(start=hour)
        .filter(pl.col("start") >= period.first.start, pl.col("start") < period.last.stamp)
    )
    return _add_up(rows, step)


def count_hour(picked: pl.DataFrame, sought: pl.DataFrame, start: datetime, step: Step) -> pl.DataFrame:
    """Return the views that an hour has of the pages.

    Args:
        picked: `domain_code`, `page_title`, `views`.
        sought: The pages to look for.
        start: The start of the hour.
        step: Whether the hour counts to its day.

    Returns:
        The columns of `COUNTS`.
    """
    rows = picked.lazy().join(sought.lazy(), on=PAGE_KEY).with_columns(start=pl.lit(start, START))
    return _add_up(rows, step)


def _add_up(rows: pl.LazyFrame, step: Step) -> pl.DataFrame:
    views = pl.col("views").cast(SUM_DTYPE)
    start = pl.col("start").dt.truncate("1d") if step is Step.DAY else pl.col("start")
    sums = rows.group_by("page", start).agg(views=views.sum(), mobile_views=views.filter(pl.col("is_mobile")).sum())
    return sums.select(pl.col(name).cast(dtype) for name, dtype in COUNTS.items()).collect()


def fill_series(
    pages: Sequence[Page], hours: Mapping[datetime, int], counts: Iterable[pl.DataFrame], *, merged: bool
) -> pl.DataFrame:
    """Return the whole series: a row for each page and time, the pages in their order.

    Args:
        pages: The pages of the series.
        hours: The starts of the hours or days, each with the number of its hours that have data.
        counts: Frames in the columns of `COUNTS`.
        merged: Whether the series has mobile views.

    Returns:
        The columns of `SERIES` or `MERGED_SERIES`. Views are null if there is no data, and 0 if there are none. Mobile
        views are also null if the code is unknown.

    Raises:
        polars.exceptions.InvalidOperationError: The views of a page do not fit into 64 bits.
    """
    times = pl.LazyFrame({"start": list(hours), "hours": list(hours.values())}, {"start": START, "hours": pl.Int64})
    grid = _numbered(pages).join(times, how="cross", maintain_order="left_right")
    place = pl.col("page").cast(pl.Int64) * len(hours) + pl.col("time")
    sums = pl.concat([COUNTS.to_frame(), *counts]).lazy().group_by("page", "start").agg(pl.all().sum())
    placed = sums.join(times.with_row_index("time"), on="start").with_columns(place=place).collect()
    has_data, is_known = pl.col("hours") > 0, pl.col("is_known")
    filled = grid.with_columns(_filled(placed, name, len(pages) * len(hours)) for name in ("views", "mobile_views"))
    counted = filled.with_columns(
        views=pl.when(has_data).then(pl.col("views")).cast(pl.Int64),
        mobile_views=pl.when(has_data & is_known).then(pl.col("mobile_views")).cast(pl.Int64),
    )
    return counted.select((MERGED_SERIES if merged else SERIES).names()).collect()


def _filled(placed: pl.DataFrame, name: str, rows: int) -> pl.Series:
    """Return a column with each sum in its row, and 0 in the others. A join takes ten times as long."""
    return pl.zeros(rows, SUM_DTYPE, eager=True).scatter(placed["place"], placed[name]).alias(name)


def _numbered(pages: Sequence[Page]) -> pl.LazyFrame:
    """Return `page`, `domain_code`, `page_title`, and whether the code is known: `is_known`."""
    known = {code: Domain.of(code).desktop_code is not None for code in {page.domain_code for page in pages}}
    rows = [(page.domain_code, page.title, known[page.domain_code]) for page in pages]
    schema = {"domain_code": pl.String, "page_title": pl.String, "is_known": pl.Boolean}
    return pl.LazyFrame(rows, schema, orient="row").with_row_index("page")
