"""A dump file as a lazy frame: lines, fields, titles decoded right for both of the writer's eras.

What a line is, and what the writers do to a title, follows the generator's source (wikimedia/analytics-refinery,
`pageview_hourly` to files): raw lines until February 2023, Spark's CSV writer with a space as separator since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

import polars as pl
from polars.io.plugins import register_io_source

from pvtop.transform.schemas import ROWS
from pvtop.transform.titles import decode_code, decode_title

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FIELDS = pl.Schema({**ROWS, "size": pl.UInt8()})  # the size is always 0; a larger one is read line by line
PACKED = (b"\x1f", b"x", b"(")  # how what Polars would inflate once more begins: gzip, zlib, Zstandard

T = TypeVar("T")


def scan_blocks(blocks: Callable[[], Iterator[bytes]]) -> pl.LazyFrame:
    r"""Scan every line of a dump but the blank ones, with codes and titles as they are written.

    `\r` at the end of a line is dropped, bytes that are not UTF-8 become U+FFFD, a byte-order mark at the very start is
    dropped.

    Args:
        blocks: Called once for each collection. Yields the dump's bytes in blocks of whole lines.

    Returns:
        `domain_code` String, `page_title` String, `views` Int64; in the order of the file. Of a malformed line
        `page_title` is the line itself, and the others are null. Collecting raises what `blocks` does.
    """

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, most_rows: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        left = most_rows
        for rows in read_rows(blocks()):
            chunk = rows if left is None else rows.head(left)
            left = None if left is None else left - len(chunk)
            chunk = chunk if predicate is None else chunk.filter(predicate)
            yield chunk if columns is None else chunk.select(columns)
            if left == 0:
                return

    return register_io_source(read, schema=ROWS)


def well_formed(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Keep the well-formed lines of `scan_blocks`, codes and titles decoded.

    Returns:
        `domain_code` String (`""` becomes the empty string), `page_title` String, `views` Int64.
    """
    return rows.filter(pl.col("domain_code").is_not_null()).select(
        decode_code(pl.col("domain_code")), decode_title(pl.col("page_title")), "views"
    )


def read_rows(blocks: Iterator[bytes]) -> Iterator[pl.DataFrame]:
    """Read a dump block by block, in the columns of `scan_blocks`. The next block is inflated meanwhile."""
    for number, block in enumerate(_ahead(blocks)):
        yield read_block(block if number else block.removeprefix(BYTE_ORDER_MARK))


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Make each item while the one before it is worked on."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def read_block(block: bytes) -> pl.DataFrame:
    """Read a block of whole lines: fast, and where that is not proven to be right, line by line.

    Args:
        block: Lines with their newlines; the last may lack it.

    Returns:
        The columns of `scan_blocks`.
    """
    lines = block if block.endswith(b"\n") else block + b"\n"
    rows = _read_clean(lines)
    return _read_lines(lines) if rows is None else rows


def _read_clean(block: bytes) -> pl.DataFrame | None:
    r"""Read a block as typed fields; give None where Polars refuses it, or the rows are not proven to be its lines.

    A CSV reader bends the rules: Polars' own takes `+5`, `\t5` and `007` for counts, drops `\r` and a byte-order mark,
    fills short lines up with nulls. Whatever it bends is shorter when written again, and nothing gets longer. So the
    rows are the lines of the block if and only if they take as many bytes.
    """
    if block.startswith(PACKED):
        return None
    try:
        fields = pl.read_csv(
            block,
            separator=" ",
            has_header=False,
            quote_char=None,
            empty_string_is_null=False,
            glob=False,
            schema=FIELDS,
        )
    except (pl.exceptions.PolarsError, OSError):
        return None
    columns = code, title, views, size = fields.get_columns()
    if any(column.null_count() for column in columns):
        return None
    lengths = title.str.len_bytes()
    if not lengths.min():
        return None
    separators = len(columns) * len(fields)
    texts = int(code.str.len_bytes().sum()) + int(lengths.sum())
    proven = separators + texts + _digits(views) + _digits(size) == len(block)
    return fields.select(ROWS.names()) if proven else None


def _digits(numbers: pl.Series) -> int:
    """Count the digits of all numbers; those of a negative one as one."""
    count, power, most = len(numbers), 10, cast("int", numbers.max() or 0)
    while power <= most:
        count += int((numbers >= power).sum())
        power *= 10
    return count


def _read_lines(block: bytes) -> pl.DataFrame:
    """Read a block line by line: each a single field, split by hand, which is right for whatever it may hold."""
    lines = pl.scan_csv(
        b"\n" + block,  # so that nothing at its start means anything to Polars; blank lines are left out in any case
        separator="\n",  # never met within a line: a line is one field
        has_header=False,
        quote_char=None,
        encoding="utf8-lossy",
        empty_string_is_null=False,
        glob=False,
        schema={"line": pl.String},
    )
    code, title, views, size, rest = (pl.col(f"field_{i}") for i in range(5))
    size = size.str.strip_chars_end("\r")
    well_formed = (
        _in_digits(views, pl.col("views")) & _in_digits(size, pl.col("size")) & rest.is_null() & (title != "")
    ).fill_null(value=False)
    return (
        lines.select("line", pl.col("line").str.split_exact(" ", 4).alias("fields"))
        .unnest("fields")
        .with_columns(views=views.cast(pl.Int64, strict=False), size=size.cast(pl.Int64, strict=False))
        .with_columns(well_formed=well_formed)
        .select(
            pl.when("well_formed").then(code).alias("domain_code"),
            pl.when("well_formed").then(title).otherwise(pl.col("line").str.strip_chars_end("\r")).alias("page_title"),
            pl.when("well_formed").then("views").alias("views"),
        )
        .filter(pl.col("page_title") != "")
        .collect()
    )


def _in_digits(written: pl.Expr, number: pl.Expr) -> pl.Expr:
    """Tell where a field is a non-negative 64-bit integer in digits: a cast alone would take a sign, too."""
    return number.is_not_null() & (written >= "0")
