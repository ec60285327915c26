"""A dump file as a lazy frame: lines, fields, titles decoded right for both of the writer's eras.

What a line is, and what the writers do to a title, follows the generator's source (wikimedia/analytics-refinery,
`pageview_hourly` to files): raw lines until February 2023, Spark's CSV writer with a space as separator since.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, cast

import polars as pl
from polars.io.plugins import register_io_source

from pvtop.storage.gzip import read_blocks

QUOTED = r'^"(?:[^"\\]|\\["\\])*"$'
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ROWS = pl.Schema({"domain_code": pl.String(), "page_title": pl.String(), "views": pl.Int64()})
FIELDS = pl.Schema({**ROWS, "size": pl.UInt8()})  # the size is always 0; a larger one is read line by line
PACKED = (b"\x1f", b"x", b"(")  # how what Polars would inflate once more begins: gzip, zlib, Zstandard

T = TypeVar("T")


def scan_dump(path: Path | str) -> pl.LazyFrame:
    """Scan the well-formed lines of a dump.

    Args:
        path: A dump, gzip.

    Returns:
        `domain_code` String (`""` becomes the empty string), `page_title` String (decoded), `views` Int64; in the
        order of the file. Malformed lines are left out; `scan_rows` has them. Collecting all of it raises what
        `gzip_file.read_blocks` does: a file that is broken gives an error, never some of its rows.
    """
    return (
        scan_rows(Path(path))
        .filter(pl.col("domain_code").is_not_null())
        .select(decode_code(pl.col("domain_code")), decode_title(pl.col("page_title")), "views")
    )


def scan_rows(path: Path, shown: str | None = None, most: int | None = None) -> pl.LazyFrame:
    r"""Scan every line of a dump but the blank ones, with codes and titles as they are written.

    `\r` at the end of a line is dropped, bytes that are not UTF-8 become U+FFFD, a byte-order mark at the very start is
    dropped.

    Args:
        path: A dump, gzip.
        shown: How to call it in errors; its path otherwise.
        most: How many bytes it may inflate to.

    Returns:
        `domain_code` String, `page_title` String, `views` Int64; in the order of the file. Of a malformed line
        `page_title` is the line itself, and the others are null. Collecting raises what `gzip_file.read_blocks` does.
    """

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, most_rows: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        left = most_rows
        for rows in read_rows(path, shown or str(path), most):
            chunk = rows if left is None else rows.head(left)
            left = None if left is None else left - len(chunk)
            chunk = chunk if predicate is None else chunk.filter(predicate)
            yield chunk if columns is None else chunk.select(columns)
            if left == 0:
                return

    return register_io_source(read, schema=ROWS)


def read_rows(path: Path, shown: str, most: int | None = None) -> Iterator[pl.DataFrame]:
    """Read a dump block by block; the next is inflated meanwhile. As `scan_rows`, which see."""
    for number, block in enumerate(_ahead(read_blocks(path, shown, most))):
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
        The columns of `scan_rows`.
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


def decode_code(written: pl.Expr) -> pl.Expr:
    """Decode domain codes as written into codes: the empty one has two spellings."""
    return written.replace('""', "")


def decode_title(written: pl.Expr) -> pl.Expr:
    r"""Decode titles as written into titles, by one rule for both eras.

    A field is unquoted only when it is quoted from end to end, every quote and backslash within is escaped, and it
    contains `\"`: the writer since 2023 quotes a title only for the sake of a quote in it, and a raw title from
    before, `"Heroes"`, contains none.
    """
    quoted = written.str.contains('\\"', literal=True) & written.str.contains(QUOTED)
    bare = written.str.strip_prefix('"').str.strip_suffix('"').str.replace_all(r'\\(["\\])', "${1}")
    return pl.when(quoted).then(bare).otherwise(written)


def encode_titles(pages: pl.LazyFrame) -> pl.LazyFrame:
    """Give pages with every spelling of their titles that `decode_title` turns into them.

    So few titles are met as written in a dump, and its millions need no decoding. Where a title has neither quotes nor
    backslashes it is its only spelling.

    Args:
        pages: `domain_code` String, `page_title` String, no row twice.

    Returns:
        The same columns, `page_title` as written; no row twice.
    """
    title = pl.col("page_title")
    special = title.str.contains(r'["\\]')
    return pl.concat([pages.filter(~special), _spellings(pages.filter(special))])


def _spellings(pages: pl.LazyFrame) -> pl.LazyFrame:
    title = pl.col("page_title")
    quoted = '"' + title.str.replace_all(r'(["\\])', r"\${1}") + '"'
    spellings = pl.concat([pages.with_columns(written=title), pages.with_columns(written=quoted)])
    return (
        spellings.filter(decode_title(pl.col("written")) == title).select("domain_code", page_title="written").unique()
    )
