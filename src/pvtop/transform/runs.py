"""Put the rows of a dump into sorted runs. A dump since 2023 is sorted, so it is one run and nothing is sorted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from pvtop.core.domain import SHARED_CODES
from pvtop.transform.schemas import NOT_UTF8, PAGE_KEY, SUM_DTYPE

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


class RunSorter:
    """Puts the chunks of a dump into sorted runs. Adds up the views of a page that occurs more than once in a part.

    Args:
        sorted_rows: Number of rows to sort at a time if the chunks are not sorted.
    """

    def __init__(self, sorted_rows: int = SORTED_ROWS) -> None:
        self._sorted_rows = sorted_rows
        self._last: tuple[str, str] | None = None
        self._unsorted: list[pl.DataFrame] = []

    def add(self, chunk: pl.DataFrame) -> Iterator[RunPart]:
        """Take a chunk. Yield the parts that are complete.

        Args:
            chunk: `domain_code` String, `page_title` String, `views` Int64; decoded, without malformed lines.
        """
        if not len(chunk):
            return
        if not self._unsorted and is_sorted(chunk) and (self._last is None or self._last < _key(chunk, 0)):
            yield RunPart(self._last is None, chunk, chunk.select(PAGE_KEY).head(0))
            self._last = _key(chunk, -1)
            return
        self._unsorted.append(chunk)
        if sum(map(len, self._unsorted)) >= self._sorted_rows:
            yield from self.end()

    def end(self) -> Iterator[RunPart]:
        """Yield what is left."""
        if self._unsorted:
            yield _sort(self._unsorted)
        self._last, self._unsorted = None, []


def is_sorted(rows: pl.DataFrame) -> bool:
    """Return whether rows ascend by domain code and title in byte order, without repeats."""
    code, title = (rows.get_column(name) for name in PAGE_KEY)
    earlier_code, earlier_title = code.shift(), title.shift()
    ordered = (code > earlier_code) | ((code == earlier_code) & (title > earlier_title))
    return bool(ordered.slice(1).all())


def may_repeat() -> pl.Expr:
    """Return whether a correct dump can list a page more than once.

    Its code may stand for several wikis, or its bytes were not UTF-8: different bytes become the same U+FFFD.
    """
    not_utf8 = pl.any_horizontal(pl.col(name).str.contains(NOT_UTF8, literal=True) for name in PAGE_KEY)
    return not_utf8 | pl.col("domain_code").is_in(sorted(SHARED_CODES))


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
