"""The pages of a day with their views hour by hour, and where they come from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import polars as pl

from pvtop.core.arguments import MAX_INTEGER
from pvtop.core.day import Day
from pvtop.core.errors import UsageError
from pvtop.core.hour import Hour
from pvtop.transform.schemas import DAY_PAGES, PAGE_KEY, SUM_DTYPE

DAY_RULES_VERSION = 1  # raise it if the same dumps would give another day file


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpRecord:
    """A dump that a day file was made from. Its attributes mean what they mean in `Provenance`, but for the stamp.

    Attributes:
        stamp: Its stamp, `2019-04-01T12`.
        source: Its address, without secrets.
        dump_bytes: Size of the gzip file.
        dump_sha256: Digest of the gzip file, in hex.
        dump_last_modified: The server's Last-Modified as sent, None if unknown.
        rows: Number of well-formed lines.
        malformed: Number of malformed lines, which were skipped.
    """

    stamp: str
    source: str
    dump_bytes: int
    dump_sha256: str
    dump_last_modified: str | None
    rows: int
    malformed: int

    @property
    def is_valid(self) -> bool:
        """Whether the values have their types."""
        modified = "" if self.dump_last_modified is None else self.dump_last_modified
        texts = (self.stamp, self.source, self.dump_sha256, modified)
        counts = (self.dump_bytes, self.rows, self.malformed)
        return all(isinstance(text, str) for text in texts) and all(type(count) is int for count in counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayProvenance:
    """Where a day file comes from, and its counts. The same dumps give the same provenance.

    Attributes:
        day: The UTC day, `2019-04-01`.
        start: The start of the day, `2019-04-01T00:00:00Z`.
        end: The end of the day, in the same form.
        dumps: The dumps of its hours, in order. Those that are not here were missing.
        pages: Number of pages.
        views: Views of all pages.
        domains: Number of pages of each domain: pairs of domain code and number, in the order of the file.
        rules: `DAY_RULES_VERSION` when the file was made.
        version: pvtop's version when the file was made.
    """

    day: str
    start: str
    end: str
    dumps: tuple[DumpRecord, ...]
    pages: int
    views: int
    domains: tuple[tuple[str, int], ...]
    rules: int
    version: str

    def __repr__(self) -> str:
        return f"<DayProvenance of {self.day}: {len(self.dumps)} dumps, {self.pages:,} pages, {self.views:,} views>"

    @property
    def missing(self) -> list[Hour]:
        """The hours whose dumps were missing."""
        there = {dump.stamp for dump in self.dumps}
        return [hour for hour in Day.parse(self.day).hours if hour.iso not in there]

    def to_json(self) -> str:
        """Return the provenance as a JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self | None:
        """Parse the output of `to_json`. Return None if the text is damaged or another version wrote other fields."""
        try:
            parsed = cls(**_parsed(json.loads(text)))
            return parsed if parsed._is_valid() else None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UsageError):
            return None

    def _is_valid(self) -> bool:
        texts, counts = (self.day, self.start, self.end, self.version), (self.pages, self.views, self.rules)
        if not all(isinstance(text, str) for text in texts) or not all(type(count) is int for count in counts):
            return False
        hours = [hour.iso for hour in Day.parse(self.day).hours]
        in_order = [stamp for stamp in hours if stamp in {dump.stamp for dump in self.dumps}]
        return [dump.stamp for dump in self.dumps] == in_order and all(dump.is_valid for dump in self.dumps)


def _parsed(fields: dict[str, Any]) -> dict[str, Any]:
    dumps = tuple(DumpRecord(**dump) for dump in fields["dumps"])
    return fields | {"dumps": dumps, "domains": tuple(_parsed_domain(*domain) for domain in fields["domains"])}


def _parsed_domain(code: object, pages: object) -> tuple[str, int]:
    if not isinstance(code, str) or type(pages) is not int or pages < 1:
        raise ValueError(f"{code!r} and {pages!r} are not a domain and its number of pages")
    return code, pages


class Lists(NamedTuple):
    """The lists of a column of `DAY_PAGES`.

    Attributes:
        lengths: The length of each list: Int64.
        values: The values of all lists, one list after the other.
    """

    lengths: pl.Series
    values: pl.Series


class HoursOfPages:
    """Rows of the hours of a day, page by page.

    Which rows are of the same page is computed once only, because that takes longest.

    Args:
        rows: The columns of `HOUR_ROWS`, ascending by code, title and hour. At least one row.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows
        continues = _equal_to_next(rows.get_column("page_title"))
        codes = rows.get_column("domain_code")
        if codes[0] != codes[-1]:
            continues &= _equal_to_next(codes)
        self._continues = continues  # for each row but the last, whether the next one has the same page

    @cached_property
    def repeated(self) -> pl.DataFrame:
        """The pages that occur again in an hour: `domain_code`, `page_title`, `start_hour`."""
        again = self._continues & _equal_to_next(self._rows.get_column("start_hour"))
        return self._rows.select(*PAGE_KEY, "start_hour").slice(1).filter(again)

    def gather(self) -> pl.DataFrame:
        """Gather the hours of each page. If a page occurs more than once in an hour, its views are added up.

        Returns:
            The columns of `DAY_PAGES`, in the same order.

        Raises:
            polars.exceptions.InvalidOperationError: The views of a page do not fit into 64 bits.
        """
        import pyarrow as pa

        rows = self._rows
        if len(self.repeated):
            key = [*PAGE_KEY, "start_hour"]
            sums = rows.group_by(key, maintain_order=True).agg(pl.col("views").cast(SUM_DTYPE).sum().cast(pl.Int64))
            return HoursOfPages(sums.select(rows.columns)).gather()
        last = (~self._continues).arg_true().cast(pl.Int64)  # the last row of each page but the last page
        ends = pl.concat([last + 1, pl.Series([len(rows)], dtype=pl.Int64)])
        offsets = pl.concat([pl.Series([0], dtype=pl.Int64), ends])
        lists = {
            "start_hours": pa.LargeListArray.from_arrays(offsets.to_arrow(), rows.get_column("start_hour").to_arrow()),
            "counts": pa.LargeListArray.from_arrays(offsets.to_arrow(), rows.get_column("views").to_arrow()),
        }
        views = _sum_until(rows.get_column("views"), ends)
        pages = rows.select(PAGE_KEY).select(pl.all().gather(offsets.head(-1))).with_columns(views)
        return pages.hstack([pl.Series(name, values) for name, values in lists.items()]).select(DAY_PAGES.names())


def _equal_to_next(values: pl.Series) -> pl.Series:
    """Return for each value but the last whether the next one is the same."""
    return values.slice(1) == values.head(-1)


def _sum_until(views: pl.Series, ends: pl.Series) -> pl.Series:
    """Return for each end the sum of the views since the end before it."""
    fits = int(views.max()) * len(views) <= MAX_INTEGER  # type: ignore[arg-type] # there is a row
    sums = (views if fits else views.cast(SUM_DTYPE)).cum_sum().gather(ends - 1)
    return (sums - sums.shift(fill_value=0)).cast(pl.Int64)
