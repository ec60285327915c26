"""Reads day files in parts, from bytes that may be damaged.

pyarrow reads them: it raises an error if a file is damaged, but Polars panics or ends the process.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from pvtop.core.errors import OutputError
from pvtop.lake.data_pages import DataPageIndex, DataPages
from pvtop.lake.day_format import DATA_PAGE_ROWS, GROUP_ROWS, INDEX_KEY, file_schema, read_metadata
from pvtop.storage.atomic import output_error
from pvtop.transform.day import Lists
from pvtop.transform.schemas import DAY_PAGES, PAGE_KEY

if TYPE_CHECKING:
    import pyarrow as pa

PageKey = tuple[str, str]  # domain code and title
LISTS = ["start_hours", "counts"]
DATA_PAGES_AT_ONCE = 512  # of each column in memory, when pages are looked up
HELD_GROUPS = 4  # row groups kept in memory for each file
DAMAGED = frozenset(["remake_day", "replace_day"])
"""The remedies of a damaged day file. The plan finds damage with the first remedy, but not with the second."""


def _as_frame(table: pa.Table, columns: Sequence[str]) -> pl.DataFrame:
    """Return columns of `DAY_PAGES` as a frame.

    Raises:
        ArrowException: Text is not UTF-8.
    """
    import pyarrow as pa

    table.validate(full=True)
    plain = pa.table(table.columns, names=table.column_names)  # without the metadata, which may be damaged
    frame = pl.DataFrame(plain).cast({name: DAY_PAGES[name] for name in columns})
    if "page_title" in columns:
        _refuse_empty(frame.get_column("page_title").cast(pl.Binary))
    return frame.select(columns)


def _refuse_empty(titles: pl.Series) -> None:
    """Check that no title is empty. The first one of a data page is, if its header has the wrong encoding.

    Raises:
        ValueError: There is one.
    """
    if titles.bin.size().min() == 0:
        raise ValueError("a title is empty")


def _find(title: bytes, rows: range, read_title: Callable[[int], bytes]) -> int | None:
    """Return the row that has a title, None if none has. The titles ascend."""
    place = bisect_left(rows, title, key=read_title)
    return rows[place] if place < len(rows) and read_title(rows[place]) == title else None


def _title_reader(titles: pa.Array) -> Callable[[int], bytes]:
    """Return a function that returns the title in a row. It takes a third of the time of pyarrow's own."""
    _, offsets, text = titles.buffers()
    ends, text = memoryview(offsets).cast("q"), memoryview(text)
    return lambda row: text[ends[row] : ends[row + 1]].tobytes()


class DayFile:
    """A day file that is open for reading.

    Every method raises OutputError if the file is damaged.

    Args:
        file: The file. It must stay open.
        path: Its path, for messages.

    Raises:
        OutputError: The file is damaged, is not Parquet, or another version wrote it.

    Attributes:
        provenance: Where it comes from, and its counts.
        codes: The rows of each domain, by domain code.
    """

    def __init__(self, file: BinaryIO, path: str) -> None:
        import pyarrow.parquet as pq

        self._path, self._remedy = path, "remake_day"
        with self._translate_errors():
            self._file = pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=True)
            if not file_schema().equals(self._file.schema_arrow):
                raise ValueError("its columns are not those of a day file")
            metadata = self._file.metadata
            provenance, _ = read_metadata(metadata.metadata or {})
            self._starts = [0, *accumulate(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))]
            rows = self._starts[-1]
            counts = provenance.pages, sum(pages for _, pages in provenance.domains), rows
            if len(set(counts)) > 1:
                raise ValueError("its counts do not add up")
            if self._starts != [*range(0, rows, GROUP_ROWS), rows]:
                raise ValueError("its row groups have other sizes than those of a day file")
        self.provenance = provenance
        self._codes = [code for code, _ in provenance.domains]
        self._ends = list(accumulate(pages for _, pages in provenance.domains))
        self.codes = {
            code: range(end - pages, end) for (code, pages), end in zip(provenance.domains, self._ends, strict=True)
        }
        self._held: dict[tuple[int, tuple[str, ...]], pl.DataFrame] = {}
        self._source = file
        self._remedy = "replace_day"

    def frames(self, columns: Sequence[str] = DAY_PAGES.names()) -> Iterator[pl.DataFrame]:
        """Yield all pages in order, in these columns of `DAY_PAGES`."""
        for number in range(self.groups):
            yield self._group(number, tuple(columns))

    def read(self, rows: range, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield some rows, in these columns of `DAY_PAGES`."""
        for number, part in self.parts(rows):
            yield self._group(number, tuple(columns)).slice(part.start, len(part))

    def parts(self, rows: range) -> Iterator[tuple[int, range]]:
        """Yield the row groups that have some rows: the number of each, and which of its own rows they are."""
        number = bisect_right(self._starts, rows.start) - 1
        while rows and self._starts[number] < rows.stop and number < self.groups:
            start, end = self._starts[number], self._starts[number + 1]
            yield number, range(max(rows.start, start) - start, min(rows.stop, end) - start)
            number += 1

    @property
    def groups(self) -> int:
        """The number of row groups."""
        return len(self._starts) - 1

    def domains(self, groups: range) -> dict[str, range]:
        """Return the domains of row groups that follow each other, with those of their rows that each has."""
        first, end = self._starts[groups.start], self._starts[groups.stop]
        found, start, place = dict[str, range](), first, bisect_right(self._ends, first)
        while start < end:
            stop = min(self._ends[place], end)
            found[self._codes[place]] = range(start - first, stop - first)
            start, place = stop, place + 1
        return found

    def titles(self, groups: range) -> pl.Series:
        """Read the titles of row groups as bytes, ascending in each domain.

        They are not checked: that takes half as long as reading them. Use `as_text` for those that are needed.
        """
        import pyarrow as pa

        with self._translate_errors():
            chunks = [chunk.view(pa.large_binary()) for chunk in self._chunks(groups, "page_title")]
            titles = pl.Series("page_title", pa.chunked_array(chunks, pa.large_binary()), pl.Binary).rechunk()
            _refuse_empty(titles)
        return titles

    def as_text(self, titles: pl.Series) -> pl.Series:
        """Return titles that were read as bytes as text."""
        with self._translate_errors():
            try:
                return titles.cast(pl.String)
            except pl.exceptions.ComputeError as error:
                raise ValueError("a title is not UTF-8") from error

    def views(self, groups: range) -> pl.Series:
        """Read the views of the pages of row groups."""
        with self._translate_errors():
            return pl.concat([pl.Series("views", chunk) for chunk in self._chunks(groups, "views")], rechunk=True)

    def lists(self, groups: range, column: str) -> Lists:
        """Read the lists of row groups, in a column of `DAY_PAGES`. They are not made into a column of lists."""
        with self._translate_errors():
            chunks = self._chunks(groups, column)
            offsets = [pl.Series("lengths", chunk.offsets) for chunk in chunks]
            lengths = [some.slice(1) - some.head(-1) for some in offsets]
            values = [pl.Series("values", chunk.flatten()) for chunk in chunks]
        return Lists(pl.concat(lengths, rechunk=True), pl.concat(values, rechunk=True))

    def _chunks(self, groups: range, column: str) -> list[pa.Array]:
        """Read a column of row groups. Its text may not be UTF-8 yet."""
        return list(self._file.read_row_groups(groups, columns=[column], use_threads=False).column(0).chunks)

    def find(self, pages: pl.DataFrame) -> pl.DataFrame:
        """Return some pages with their hours and counts, in order. Pages without views on the day have no row.

        Reads the titles of the data pages that can have a page, and other columns only of those that have one.

        Args:
            pages: `domain_code` String, `page_title` String.

        Returns:
            `domain_code` String, `page_title` String, `start_hours` List(UInt8), `counts` List(Int64).
        """
        import pyarrow as pa

        wanted: dict[int, list[PageKey]] = defaultdict(list)
        found: list[PageKey] = []
        lists = [file_schema().empty_table().select(LISTS)]
        with self._translate_errors():
            for page in pages.select(PAGE_KEY).unique().sort(PAGE_KEY).iter_rows():
                if page[0] in self.codes:
                    wanted[self._data_page_of(*page)].append(page)
            numbers = list(wanted)
            for start in range(0, len(numbers), DATA_PAGES_AT_ONCE):
                some = {number: wanted[number] for number in numbers[start : start + DATA_PAGES_AT_ONCE]}
                if rows := self._rows_of(some):
                    found += rows
                    lists.append(self._take_lists(rows.values()))
            keys = pl.DataFrame(found, {name: DAY_PAGES[name] for name in PAGE_KEY}, orient="row")
            return keys.hstack(_as_frame(pa.concat_tables(lists), LISTS))

    @cached_property
    def _index(self) -> DataPageIndex:
        """The index of the data pages. It takes some megabytes, and only `find` needs it."""
        index = DataPageIndex.from_json(self._file.metadata.metadata.get(INDEX_KEY, b"null"))
        if not index.fits(self._starts[-1]):
            raise ValueError("its index of data pages is damaged")
        return index

    @cached_property
    def _data_pages(self) -> DataPages:
        return DataPages(self._source, self._index, self._starts[-1])

    def _data_page_of(self, code: str, title: str) -> int:
        """Return the number of the data page that has a page, if any has. The domain must have pages."""
        rows = self.codes[code]
        first, last = rows.start // DATA_PAGE_ROWS, (rows.stop - 1) // DATA_PAGE_ROWS
        return bisect_right(self._index.borders, title, first + 1, last + 1) - 1

    def _rows_of(self, wanted: Mapping[int, Sequence[PageKey]]) -> dict[PageKey, int]:
        """Return the pages that exist, each with its row in the file.

        Args:
            wanted: The pages by the number of the data page that can have them. Numbers and pages ascend.
        """
        read_title = _title_reader(self._data_pages.read("page_title", wanted).combine_chunks())
        found = {}
        for place, (number, pages) in enumerate(wanted.items()):
            start = number * DATA_PAGE_ROWS
            left_out = start - place * DATA_PAGE_ROWS  # earlier rows that were not read
            for code, title in pages:
                rows = self.codes[code]
                read = range(max(rows.start, start) - left_out, min(rows.stop, start + DATA_PAGE_ROWS) - left_out)
                if (row := _find(title.encode(), read, read_title)) is not None:
                    found[code, title] = row + left_out
        return found

    def _take_lists(self, rows: Collection[int]) -> pa.Table:
        """Return the lists of some rows, which ascend. Reads the data pages that have them."""
        import pyarrow as pa

        places = {number: place for place, number in enumerate(dict.fromkeys(row // DATA_PAGE_ROWS for row in rows))}
        taken = pa.array([places[row // DATA_PAGE_ROWS] * DATA_PAGE_ROWS + row % DATA_PAGE_ROWS for row in rows])
        hours, counts = (self._data_pages.read(name, places).take(taken).combine_chunks() for name in LISTS)
        if hours.offsets != counts.offsets:  # no checksum covers the number of values in the header
            raise ValueError("a page has different numbers of hours and counts")
        return pa.table([hours, counts], schema=pa.schema([file_schema().field(name) for name in LISTS]))

    def _group(self, number: int, columns: tuple[str, ...]) -> pl.DataFrame:
        """Return a row group. The last few are kept, because domains that follow each other share one."""
        key = number, columns
        if key not in self._held:
            while len(self._held) >= HELD_GROUPS:
                del self._held[next(iter(self._held))]
            with self._translate_errors():
                self._held[key] = _as_frame(self._columns(number, columns), columns)
        return self._held[key]

    def _columns(self, number: int, columns: Sequence[str]) -> pa.Table:
        """Read columns of a row group. Their text may not be UTF-8 yet."""
        return self._file.read_row_group(number, columns=list(columns), use_threads=False)

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn what pyarrow raises for a damaged file into an OutputError, and what the disk does into another one.

        Only the first has a remedy of `DAMAGED`: if the disk fails, the day file itself may be intact.
        """
        import pyarrow as pa

        try:
            yield
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            reason = str(error).partition("\n")[0]
            message = f"cannot read {self._path}: {reason}"
            if isinstance(error, OSError) and error.errno is not None:
                raise output_error(message, error, "check its disk and its permissions", "output") from error
            raise OutputError(
                message, "make the day file again", remedy=self._remedy, about=_day_in(self._path)
            ) from error


def _day_in(path: str) -> str:
    """Return the day in the path of a day file, or the empty string if it is not in a lake."""
    return path.rpartition("day=")[2].partition("/")[0] if "day=" in path else ""
