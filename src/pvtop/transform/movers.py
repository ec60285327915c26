"""Movers and spikes: pages far above their own level of the days before, and pages viewed mostly in one hour.

`docs/movers.md` defines the measures. The pages come from day files, desktop and mobile together, in parts that are
merged by page. Each part is reduced to its best pages at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from zlib import crc32

import polars as pl

from pvtop.transform.reduce import detach
from pvtop.transform.schemas import MOVERS, PAGE_KEY, SUM_DTYPE

FILTER_BITS = 27  # a power of two: 16 MiB, so that with a million candidates fewer than 1 in 100 other pages pass
SCORE_DECIMALS = 6  # more would be noise, which must not break ties
HELD_POSITIONS = 1_000_000  # set at a time, because setting bits copies the filter
HOURS = range(24)


class CandidateFilter:
    """A Bloom filter of pages: no false negatives, few false positives, and a size that does not grow."""

    def __init__(self) -> None:
        self._bits = pl.zeros(1 << FILTER_BITS, pl.Boolean, eager=True)
        self._new: list[pl.Series] = []

    def add(self, code: str, titles: pl.Series) -> None:
        """Add pages of a wiki."""
        self._new.append(_positions(code, titles))
        if sum(map(len, self._new)) > HELD_POSITIONS:
            self._set_new()

    def passes(self, code: str, titles: pl.Series) -> pl.Series:
        """Return a Boolean for each title: whether the page may have been added."""
        self._set_new()
        return self._bits.gather(_positions(code, titles))

    def _set_new(self) -> None:
        if self._new:
            self._bits = self._bits.scatter(pl.concat(self._new), values=True)
            self._new.clear()


def _positions(code: str, titles: pl.Series) -> pl.Series:
    return (titles.hash(crc32(code.encode())) & ((1 << FILTER_BITS) - 1)).cast(pl.UInt32)


def may_have_views(views: pl.Series, least: int, codes: int) -> pl.Series:
    """Return a Boolean for each row: whether its page may reach a number of views because of this row.

    A page that reaches it has a row with its share of it at least, as it has at most one row for each code.

    Args:
        views: The views of the rows.
        least: The number of views to reach.
        codes: The number of domain codes of the wiki.
    """
    return views >= -(-least // codes)


def without_excluded(rows: pl.DataFrame, titles: pl.Series | None, *, unknown: str | None) -> pl.DataFrame:
    """Return the rows of one domain code without those of excluded pages.

    Args:
        rows: `page_title` String, and other columns.
        titles: The titles on the blacklist for this code, None if there are none.
        unknown: The title of unknown pages, None to keep them.
    """
    kept = rows if titles is None else rows.filter(~pl.col("page_title").is_in(titles.implode()))
    return kept if unknown is None else kept.filter(pl.col("page_title") != unknown)


@dataclass(frozen=True, slots=True)
class MoverRules:
    """What makes a page a mover.

    Attributes:
        hours: The number of hours with data on the day itself.
        earlier_hours: The same for each earlier day, oldest first. None for a day that has no day file.
        min_views: The minimum of views on the day.
        min_ratio: The minimum ratio of these views to those of the page's earlier level.
    """

    hours: int
    earlier_hours: tuple[int | None, ...]
    min_views: int
    min_ratio: float

    def find(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the movers among pages.

        Args:
            rows: `domain_code` String, `page_title` String, `views` Int64, `number` UInt8 (of the day: the earlier
                ones from 0, then the day itself), `is_mobile` Boolean; all rows of each page.

        Returns:
            The columns of `MOVERS` without `rank`, in no order.

        Raises:
            polars.exceptions.InvalidOperationError: The views of a page do not fit into 64 bits.
        """
        last, before = len(self.earlier_hours), sum(hours or 0 for hours in self.earlier_hours)
        of_day = pl.col("number") == last
        sums = rows.group_by(PAGE_KEY).agg(
            views=_sum(pl.col("views").filter(of_day)),
            mobile_views=_mobile(_sum(pl.col("views").filter(of_day & pl.col("is_mobile")))),
            earlier=pl.col("views").filter(~of_day).cast(SUM_DTYPE).sum().cast(pl.Float64),
            **{f"day_{number}": _sum(pl.col("views").filter(pl.col("number") == number)) for number in range(last)},
        )
        mean = pl.col("earlier") * self.hours / before
        reached = (pl.col("views") >= self.min_views) & (pl.col("views") >= self.min_ratio * pl.col("earlier_mean"))
        ratio = pl.when(pl.col("earlier_mean") > 0).then(pl.col("views") / pl.col("earlier_mean"))
        found = sums.with_columns(earlier_mean=mean).filter(reached)
        score = _log_likelihood(pl.col("views").cast(pl.Float64), pl.col("earlier"), self.hours, before)
        return found.with_columns(ratio=ratio, score=score, daily_views=self._daily_views()).select(_unranked(MOVERS))

    def _daily_views(self) -> pl.Expr:
        days = [
            pl.lit(None, pl.Int64) if hours is None else pl.col(f"day_{number}")
            for number, hours in enumerate(self.earlier_hours)
        ]
        return pl.concat_list(*days, "views")


def _log_likelihood(views: pl.Expr, earlier: pl.Expr, hours: int, earlier_hours: int) -> pl.Expr:
    """Return G2 of two counts over some hours each: how much better two levels explain them than one level.

    Without earlier views, the second term is 0, which is its limit.
    """
    both, all_hours = views + earlier, hours + earlier_hours
    now = views * (views / (both * hours / all_hours)).log()
    before = earlier * (earlier / (both * earlier_hours / all_hours)).log()
    score = 2 * (now + pl.when(earlier > 0).then(before).otherwise(0.0))
    return score.round(SCORE_DECIMALS) + 0.0  # -0.0 becomes 0.0


@dataclass(frozen=True, slots=True)
class SpikeRules:
    """What makes a page a spike.

    Attributes:
        missing: The hours of the day without data, by the hour at which they begin.
        min_views: The minimum of views on the day.
        min_peak_share: The minimum share of them in one hour.
    """

    missing: frozenset[int]
    min_views: int
    min_peak_share: float

    def find(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the pages with a spike.

        Args:
            rows: `domain_code` String, `page_title` String, `start_hours` List(UInt8), `counts` List(Int64),
                `is_mobile` Boolean; all rows of each page.

        Returns:
            The columns of `SPIKES` without `rank`, with the hour of the day `peak_hour` UInt8 instead of `peak_start`,
            in no order.

        Raises:
            polars.exceptions.InvalidOperationError: The views of a page do not fit into 64 bits.
        """
        by_hour = rows.select(*PAGE_KEY, "is_mobile", "start_hours", "counts").explode(
            "start_hours", "counts", empty_as_null=False
        )
        hours = by_hour.group_by(*PAGE_KEY, "start_hours").agg(
            count=_sum(pl.col("counts")), mobile=_mobile(_sum(pl.col("counts").filter(pl.col("is_mobile"))))
        )
        # The first hour of each page is its peak: the earliest of those with the most views.
        hours = hours.sort("count", "start_hours", descending=[True, False])
        pages = hours.group_by(PAGE_KEY, maintain_order=True).agg(
            views=_sum(pl.col("count")),
            peak_hour=pl.col("start_hours").first(),
            peak_views=pl.col("count").first(),
            peak_mobile=pl.col("mobile").first(),
            mobile=_sum(pl.col("mobile")),
            known=pl.col("mobile").first().is_not_null(),
            hours=pl.struct("start_hours", "count"),
        )
        share = pl.col("peak_views") / pl.col("views")
        found = pages.filter((pl.col("views") >= self.min_views) & (share >= self.min_peak_share))
        return found.select(
            *PAGE_KEY,
            "peak_hour",
            "peak_views",
            "views",
            peak_share=share,
            peak_mobile_share=pl.when("known").then(pl.col("peak_mobile") / pl.col("peak_views")),
            mobile_share=pl.when("known").then(pl.col("mobile") / pl.col("views")),
            hourly_views=self._hourly_views(found.get_column("hours")),
        )

    def _hourly_views(self, pages: pl.Series) -> pl.Series:
        """Return the views in each hour of the day: 0 if there are none, null if there is no data."""
        empty = [None if hour in self.missing else 0 for hour in HOURS]
        filled = []
        for hours in pages.to_list():
            counts = {hour["start_hours"]: hour["count"] for hour in hours}
            filled.append([counts.get(hour, empty[hour]) for hour in HOURS])
        return pl.Series("hourly_views", filled, pl.List(pl.Int64))


def _sum(counts: pl.Expr) -> pl.Expr:
    return counts.cast(SUM_DTYPE).sum().cast(pl.Int64)


def _mobile(views: pl.Expr) -> pl.Expr:
    """Return mobile views, null if it is unknown which views are mobile."""
    return pl.when(pl.col("is_mobile").first().is_not_null()).then(views)


def _unranked(schema: pl.Schema) -> list[str]:
    return [name for name in schema.names() if name != "rank"]


MOVER_ORDER = ("score", "views")
SPIKE_ORDER = ("peak_views", "views")


def best(pages: pl.DataFrame, order: Collection[str], top: int, *, per_domain: bool) -> pl.DataFrame:
    """Return the best pages, ranked. The order is total: domain code and title, ascending in byte order, break ties.

    Args:
        pages: `domain_code` String, `page_title` String, and other columns. Any `rank` is replaced.
        order: The columns to rank by, largest first.
        top: Number of pages, of each domain or of all.
        per_domain: Rank each domain by itself.

    Returns:
        The same columns and `rank` UInt32 from 1 without gaps, in the order of the ranks; by domain first if each is
        ranked by itself.
    """
    first = ["domain_code"] if per_domain else []
    by = [*first, *order, *PAGE_KEY]
    rank = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32)
    ranked = pages.sort(by, descending=[name in order for name in by]).with_columns(
        rank=rank.over("domain_code") if per_domain else rank
    )
    return ranked.filter(pl.col("rank") <= top).with_columns(detach(pl.col(PAGE_KEY)))
