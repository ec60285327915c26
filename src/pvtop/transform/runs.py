"""Put the rows of a dump into sorted runs. A dump since 2023 is sorted, so it is one run and nothing is sorted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import polars as pl

from pvtop.core.domain import SHARED_CODES
from pvtop.transform.schemas import PAGE_KEY, SUM_DTYPE

SORTED_ROWS = 1_500_000  # rows of a dump that is not sorted, which are sorted at a time


class RunPart(NamedTuple):
    """A part of a run.

    Attributes:
        starts: Whether a new run starts with it.
        rows: `domain_code` String, `page_title` String, `views` Int64; ascending by code and title in byte order,
            without repeats. The first row comes after the last row of the part before it, unless a new run starts.
        repeated: The pages that occur more than once and may not: `domain_code`, `page_title`.
    """

    starts: bool
    rows: pl.DataFrame
    repeated: pl.DataFrame


def sorted_runs(chunks: Iterable[pl.DataFrame], sorted_rows: int = SORTED_ROWS) -> Iterator[RunPart]:
    """Put the chunks of a dump into sorted runs. Add up the views of a page that occurs more than once in a part.

    Args:
        chunks: `domain_code` String, `page_title` String, `views` Int64; decoded, without malformed lines.
        sorted_rows: Number of rows to sort at a time if the chunks are not sorted.
    """
    last: tuple[str, str] | None = None
    unsorted: list[pl.DataFrame] = []
    for chunk in filter(len, chunks):
        if not unsorted and is_sorted(chunk) and (last is None or last < _key(chunk, 0)):
            yield RunPart(last is None, chunk, chunk.select(PAGE_KEY).head(0))
            last = _key(chunk, -1)
            continue
        unsorted.append(chunk)
        if sum(map(len, unsorted)) >= sorted_rows:
            yield _sort(unsorted)
            last, unsorted = None, []
    if unsorted:
        yield _sort(unsorted)


def is_sorted(rows: pl.DataFrame) -> bool:
    """Return whether rows ascend by domain code and title in byte order, without repeats."""
    code, title = (rows.get_column(name) for name in PAGE_KEY)
    earlier_code, earlier_title = code.shift(), title.shift()
    ordered = (code > earlier_code) | ((code == earlier_code) & (title > earlier_title))
    return bool(ordered.slice(1).all())


def may_repeat() -> pl.Expr:
    """Return whether a dump may list a page of this domain more than once."""
    return pl.col("domain_code").is_in(sorted(SHARED_CODES))


def _key(rows: pl.DataFrame, place: int) -> tuple[str, str]:
    code, title = rows.select(PAGE_KEY).row(place)
    return code, title


def _sort(chunks: list[pl.DataFrame]) -> RunPart:
    rows = pl.concat(chunks)
    sums = (
        rows.group_by(PAGE_KEY).agg(pl.col("views").cast(SUM_DTYPE).sum().cast(pl.Int64), count=pl.len()).sort(PAGE_KEY)
    )
    repeated = sums.filter((pl.col("count") > 1) & ~may_repeat()).select(PAGE_KEY)
    return RunPart(starts=True, rows=sums.select(rows.columns), repeated=repeated)
