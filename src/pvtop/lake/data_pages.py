"""Finds and reads single data pages of day files.

pyarrow decodes every data page of a row group. This module copies the wanted ones into a small Parquet file, and
pyarrow decodes that. The data pages stay as they are: this module reads their headers, and writes the footer of the
small file.

Headers and footers have the fields of <https://parquet.apache.org/docs/file-format/metadata/> in the compact protocol
of Apache Thrift. A field begins with a byte: how much its number is above that of the previous field, and its type (5
and 6 are integers, 8 is text, 9 a list, 12 a structure). A zero byte ends a structure. Integers have seven bits in a
byte, the lowest first. The lowest bit is the sign.
"""

from __future__ import annotations

import io
import json
import re
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, groupby, islice, takewhile
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from zlib import crc32

import polars as pl

from pvtop.lake.day_format import COMPRESSION, DATA_PAGE_ROWS, GROUP_ROWS, file_schema
from pvtop.transform.schemas import DAY_PAGES

if TYPE_CHECKING:
    import pyarrow as pa

IN_GROUP = GROUP_ROWS // DATA_PAGE_ROWS  # data pages of a row group; the last one has fewer
MAGIC = b"PAR1"
HEADER = re.compile(
    rb"\x15(?P<kind>[\x00\x04])\x15%(n)b\x15(?P<size>%(n)b)\x15(?P<checksum>%(n)b)"  # kind, two sizes, checksum
    rb"[\x1c\x3c]\x15(?P<values>%(n)b)(?P<encodings>(?:\x15%(n)b){1,3})[\x11\x12]?\x00\x00"  # and whether sorted
    % {b"n": rb"[\x80-\xff]{0,9}[\x00-\x7f]"}
)
DICTIONARY = b"\x04"
ENCODINGS = {"page_title": 7, "start_hours": 8, "counts": 5}
"""The columns of which single data pages can be read, and how Parquet numbers the encodings of their values."""

LEVEL_ENCODINGS = b"\x15\x06\x15\x06"  # which follow in a header
NO_ROWS = b"\x16\x00\x19\x0c"  # in the footer of an empty file: it has 0 rows, and a list of 0 row groups
TYPES = {pl.List(pl.UInt8): 1, pl.List(pl.Int64): 2, pl.String(): 6}  # as Parquet stores the values
CODECS = {"zstd": 6, "lz4": 7}


class Chunks(NamedTuple):
    """Where a column is in the file. Each row group has a dictionary and data pages. A missing dictionary has size 0.

    Attributes:
        starts: For each row group, where its dictionary starts.
        sizes: For each dictionary and each data page, the bytes with the header.
    """

    starts: array[int]
    sizes: array[int]


@dataclass
class DataPageIndex:
    """Where the data pages of a day file are. Their numbers go on from row group to row group.

    Attributes:
        borders: For each data page, a short text: greater than the last title of the previous data page, and at most
            its own first title. If a domain starts with its first title, it may be smaller.
        columns: Where each column of `ENCODINGS` is.
    """

    borders: list[str] = field(default_factory=list)
    columns: dict[str, Chunks] = field(
        default_factory=lambda: {name: Chunks(array("Q"), array("I")) for name in ENCODINGS}
    )
    _last_title: str = ""

    def add(self, titles: pl.Series, start: int, content: bytes) -> None:
        """Add row groups.

        Args:
            titles: All their titles.
            start: Where the first one starts in the file.
            content: All their bytes.

        Raises:
            ValueError: pyarrow has written something unknown.
        """
        before = titles.shift(fill_value=self._last_title).gather_every(DATA_PAGE_ROWS)
        self.borders += map(_border, before, titles.gather_every(DATA_PAGE_ROWS))
        self._last_title = titles[-1]
        parts = _parts(content)
        for first in range(0, len(titles), GROUP_ROWS):
            count = len(range(first, min(first + GROUP_ROWS, len(titles)), DATA_PAGE_ROWS))
            for column in DAY_PAGES:
                dictionary, pages = _chunk(parts, count)
                sizes = [dictionary, *map(_size, pages)]
                if column in ENCODINGS:
                    if {page["encodings"] for page in pages} != {_encodings(column)}:
                        raise ValueError("pyarrow has written data pages in another encoding")
                    self.columns[column].starts.append(start)
                    self.columns[column].sizes.extend(sizes)
                start += sum(sizes)
        if next(parts, None):
            raise ValueError("pyarrow has written more data pages than expected")

    def to_json(self) -> bytes:
        """Return the index as JSON. A day has 50,000 borders, so they are one text: no title has a line break."""
        numbers = {name: [b64encode(some).decode() for some in chunks] for name, chunks in self.columns.items()}
        return json.dumps({"borders": "\n".join(self.borders)} | numbers, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> DataPageIndex:
        """Return the index that `to_json` wrote.

        Raises:
            ValueError: The text is something else.
        """
        try:
            values = json.loads(text)
            borders = values["borders"].split("\n") if values["borders"] else []
            columns = {name: Chunks(*map(array, "QI", map(b64decode, values[name]))) for name in ENCODINGS}
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError("its index of data pages is damaged") from error
        return cls(borders, columns)

    def fits(self, rows: int) -> bool:
        """Return whether the index is that of a file with so many rows."""
        groups, pages = len(range(0, rows, GROUP_ROWS)), len(range(0, rows, DATA_PAGE_ROWS))
        lengths = [(len(starts), len(sizes)) for starts, sizes in self.columns.values()]
        return len(self.borders) == pages and set(lengths) == {(groups, groups + pages)}


def _border(before: str, after: str) -> str:
    """Return the shortest start of a title that is greater than the title before."""
    shared = takewhile(lambda both: both[0] == both[1], zip(before, after, strict=False))
    return after[: sum(1 for _ in shared) + 1]


def _parts(content: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the headers of the dictionaries and data pages of row groups."""
    start = 0
    while start < len(content):
        header = HEADER.match(content, start)
        if header is None:
            raise ValueError("pyarrow has written an unknown header")
        yield header
        start = header.end() + _number(header["size"])


def _chunk(parts: Iterator[re.Match[bytes]], count: int) -> tuple[int, list[re.Match[bytes]]]:
    """Return the size of the next dictionary, 0 if there is none, and the headers of the data pages that follow.

    Raises:
        ValueError: There are fewer data pages.
    """
    header = next(parts, None)
    size = 0
    if header and header["kind"] == DICTIONARY:
        size, header = _size(header), next(parts, None)
    pages = [page for page in (header, *islice(parts, count - 1)) if page]
    if len(pages) < count:
        raise ValueError("pyarrow has written fewer data pages than expected")
    return size, pages


def _size(header: re.Match[bytes]) -> int:
    """Return the bytes of a dictionary or a data page, with its header."""
    return header.end() - header.start() + _number(header["size"])


def _encodings(column: str) -> bytes:
    """Return the encodings in the headers of a column. No checksum covers them."""
    return b"\x15" + _integer(ENCODINGS[column]) + LEVEL_ENCODINGS


class _Picked(NamedTuple):
    """Data pages of a column in a row group.

    Attributes:
        dictionary: The values that they refer to, with the header. Empty if the column has no dictionary.
        pages: The data pages, each with its header.
        values: The number of their values.
        rows: The number of their rows.
    """

    dictionary: bytes
    pages: list[bytes]
    values: int
    rows: int

    @property
    def size(self) -> int:
        """The bytes of the dictionary and the data pages."""
        return len(self.dictionary) + sum(map(len, self.pages))


class DataPages:
    """The data pages of a day file.

    Args:
        file: The day file.
        index: Where they are.
        rows: The number of its rows.
    """

    def __init__(self, file: BinaryIO, index: DataPageIndex, rows: int) -> None:
        self._file = file
        self._index = index
        self._rows = rows

    def read(self, column: str, numbers: Iterable[int]) -> pa.ChunkedArray:
        """Return the rows of some data pages, one after the other.

        Args:
            column: One of `ENCODINGS`.
            numbers: The numbers of the data pages, ascending.

        Raises:
            ArrowException, OSError, ValueError: The file is damaged.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        groups = groupby(numbers, lambda number: number // IN_GROUP)
        picked = [self._pick(column, group, list(some)) for group, some in groups]
        content = pa.BufferReader(_small_file(column, picked))
        found = pq.ParquetFile(content, pre_buffer=False).read(use_threads=False).column(0)
        if len(found) != sum(some.rows for some in picked):
            raise ValueError("a data page has the wrong number of rows")
        return found

    def _pick(self, column: str, group: int, numbers: Sequence[int]) -> _Picked:
        """Return some data pages of a column in a row group."""
        chunks, encodings = self._index.columns[column], _encodings(column)
        first = group * (1 + IN_GROUP)
        sizes = chunks.sizes[first : first + 1 + IN_GROUP]
        starts = list(accumulate(sizes, initial=chunks.starts[group]))
        dictionary = self._read(starts[0], sizes[0]).string if sizes[0] else b""
        places = [1 + number % IN_GROUP for number in numbers]
        pages = [self._read(starts[place], sizes[place]) for place in places]
        if any(page["encodings"] != encodings for page in pages):
            raise ValueError("a data page has the wrong encoding")
        values = sum(_number(page["values"]) for page in pages)
        rows = sum(min(DATA_PAGE_ROWS, self._rows - number * DATA_PAGE_ROWS) for number in numbers)
        return _Picked(dictionary, [page.string for page in pages], values, rows)

    def _read(self, start: int, size: int) -> re.Match[bytes]:
        """Return the header of a dictionary or a data page. Its `string` has all bytes."""
        self._file.seek(start)
        content = self._file.read(size)
        header = HEADER.match(content)
        if header is None or _size(header) != size:
            raise ValueError("the header of a data page is damaged")
        if crc32(memoryview(content)[header.end() :]) != _number(header["checksum"]) & 0xFFFFFFFF:
            raise ValueError("the checksum of a data page is wrong")
        return header


def _small_file(column: str, picked: Sequence[_Picked]) -> bytes:
    """Return a Parquet file that has only one column, and only some data pages of some row groups."""
    path, codec = list(COMPRESSION.items())[DAY_PAGES.names().index(column)]
    kind = b"\x15" + _integer(TYPES[DAY_PAGES[column]])
    kind += b"\x19\x15" + _integer(0)  # the encodings: each data page names its own
    kind += b"\x19" + _list(8, [_varint(len(name)) + name.encode() for name in path.split(".")])
    kind += b"\x15" + _integer(CODECS[codec])
    start, groups = len(MAGIC), []
    for some in picked:
        groups.append(_row_group(some, kind, start))
        start += some.size
    before, after = _empty_footer(column).split(NO_ROWS)
    rows = sum(some.rows for some in picked)
    footer = before + b"\x16" + _integer(rows) + b"\x19" + _list(12, groups) + after
    contents = [content for some in picked for content in (some.dictionary, *some.pages)]
    return b"".join([MAGIC, *contents, footer, len(footer).to_bytes(4, "little"), MAGIC])


def _number(integer: bytes) -> int:
    """Decode an integer."""
    number = 0
    for byte in reversed(integer):
        number = number << 7 | byte & 127
    return number >> 1 ^ -(number & 1)


def _integer(number: int) -> bytes:
    """Encode an integer that is not negative. `_number` decodes it."""
    return _varint(number << 1)


def _varint(number: int) -> bytes:
    """Encode an integer that has no sign."""
    low, high = number & 127, number >> 7
    return bytes([low | 128]) + _varint(high) if high else bytes([low])


def _list(kind: int, items: Sequence[bytes]) -> bytes:
    """Encode a list of items of a type. A 15 in the first byte means that the number of items follows."""
    return bytes([15 << 4 | kind]) + _varint(len(items)) + b"".join(items)


def _row_group(picked: _Picked, kind: bytes, start: int) -> bytes:
    """Return the entry in a footer of a row group with a single column.

    Args:
        picked: Its data pages.
        kind: Type, encodings, path and codec of the column.
        start: Where it starts in the file.
    """
    size, data = _integer(picked.size), _integer(start + len(picked.dictionary))
    column = kind + b"\x16" + _integer(picked.values) + b"\x16" + size + b"\x16" + size + b"\x26" + data
    if picked.dictionary:
        column += b"\x26" + _integer(start)
    columns = b"\x19\x1c" + b"\x26" + _integer(start) + b"\x1c" + column + b"\x00\x00"
    return columns + b"\x16" + size + b"\x16" + _integer(picked.rows) + b"\x00"


@cache
def _empty_footer(column: str) -> bytes:
    """Return the footer of a file that has only a column of `DAY_PAGES`, and no rows.

    Raises:
        RuntimeError: It is not as expected. That is no damage of a day file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with io.BytesIO() as file:
        pq.ParquetWriter(file, pa.schema([file_schema().field(column)])).close()
        content = file.getvalue()
    footer = content[-8 - int.from_bytes(content[-8:-4], "little") : -8]
    if footer.count(NO_ROWS) != 1:
        raise RuntimeError("pyarrow writes footers that pvtop does not know: install another version of pyarrow")
    return footer
