"""A dump file as a lazy frame: lines, fields, titles decoded right for both of the writer's eras.

What a line is, and what the writers do to a title, follows the generator's source (wikimedia/analytics-refinery,
`pageview_hourly` to files): raw lines until February 2023, Spark's CSV writer with a space as separator since.
"""

from __future__ import annotations

import contextlib
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import ClassVar, cast

import polars as pl

from pvtop.errors import CorruptError
from pvtop.gzip_file import BROKEN, check_magic, inflated_size, truncated

QUOTED = r'^"(?:[^"\\]|\\["\\])*"$'


def scan_dump(path: Path) -> pl.LazyFrame:
    """Scan the well-formed lines of a dump.

    Args:
        path: A dump, gzip.

    Returns:
        `domain_code` String (`""` becomes the empty string), `page_title` String (decoded), `views` Int64; in the
        order of the file. Malformed lines are left out; `scan_rows` has them.
    """
    return (
        scan_rows(path)
        .filter(pl.col("domain_code").is_not_null())
        .select(decode_code(pl.col("domain_code")), decode_title(pl.col("page_title")), "views")
    )


class UncleanError(Exception):
    """A dump holds something that a plain reading of typed fields cannot be trusted with; `scan_rows` can."""


class Proof:
    r"""Proves that a typed reading of a dump bent nothing, by its bytes.

    A CSV reader bends the rules: Polars' own takes `+5`, `\t5` and `007` for counts, drops `\r`, fills short lines up
    with nulls. What it bends is shorter when written again; only a last line without its newline is longer, and `END`
    shows whether it has one. So the rows are the lines of the file if and only if they take as many bytes as it has
    inflated, of which gzip says at its end how many.
    """

    END: ClassVar = "\0end"  # domain code of a line that is added to the file: on its own when all before it are whole
    _ADDED = gzip.compress(f"{END} - 0 0\n".encode(), mtime=0)

    def __init__(self) -> None:
        self._inflated = self._bytes = self._ends = 0
        self._lock = Lock()

    def prepare(self, path: Path) -> bytes:
        """Read a dump, add the line `END` to it, and note how long it says it is."""
        self._inflated = inflated_size(path)
        content, size = io.BytesIO(), path.stat().st_size
        content.seek(size)
        content.write(self._ADDED)
        with path.open("rb") as file, content.getbuffer() as view:
            file.readinto(view[:size])
        return content.getvalue()  # no copy: a second one would be there while Polars reads

    def add(self, chunk: pl.DataFrame) -> pl.DataFrame:
        """Count the bytes that a chunk's rows take as lines, and hand the chunk on, without the line `END`.

        Raises:
            UncleanError: A field is missing.
        """
        ends = chunk.get_column("domain_code").tail(1).to_list() == [self.END]
        chunk = chunk.head(len(chunk) - ends)
        columns = chunk.get_columns()
        texts, numbers = columns[:2], columns[2:]
        if any(column.null_count() for column in columns) or (texts[1] == "").any():
            raise UncleanError
        separators = len(columns) * len(chunk)
        count = separators + sum(int(text.str.len_bytes().sum()) for text in texts) + sum(map(_digits, numbers))
        with self._lock:
            self._bytes += count
            self._ends += ends
        return chunk

    def settle(self) -> None:
        """Compare the rows that were read with the file.

        Raises:
            UncleanError: They are not all that it holds, as it stands.
        """
        if (self._bytes % 2**32, self._ends) != (self._inflated, 1):
            raise UncleanError


def _digits(numbers: pl.Series) -> int:
    """Count the digits of all numbers; those of a negative one as one."""
    count, power, most = len(numbers), 10, cast("int", numbers.max() or 0)
    while power <= most:
        count += int((numbers >= power).sum())
        power *= 10
    return count


def scan_clean(path: Path, proof: Proof) -> pl.LazyFrame:
    """Scan a dump the fast way, which is right for a clean one only: whether it was, `proof` tells afterwards.

    Args:
        path: A dump, gzip.
        proof: Is told of every chunk.

    Returns:
        The columns of `scan_rows`, without malformed lines. Collecting raises `UncleanError` or Polars' own errors over
        a dump that is not clean, or is broken.
    """
    schema = pl.Schema({"domain_code": pl.String(), "page_title": pl.String(), "views": pl.Int64(), "size": pl.Int64()})
    fields = pl.scan_csv(
        proof.prepare(path),
        separator=" ",
        has_header=False,
        quote_char=None,
        empty_string_is_null=False,
        glob=False,
        schema=schema,
    )
    return fields.map_batches(proof.add, schema=schema, streamable=True).select("domain_code", "page_title", "views")


def scan_rows(path: Path) -> pl.LazyFrame:
    r"""Scan every line of a dump but the blank ones, with codes and titles as they are written.

    A line is taken whole and split by hand, which is right for whatever a file may hold. `\r` at the end of a line is
    dropped, bytes that are not UTF-8 become U+FFFD, a byte-order mark at the very start is dropped.

    Args:
        path: A dump, gzip.

    Returns:
        `domain_code` String, `page_title` String, `views` Int64. Of a malformed line `page_title` is the line itself,
        and the others are null.
    """
    lines = pl.scan_csv(
        path,
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


@contextlib.contextmanager
def reading(path: Path, shown: str) -> Iterator[None]:
    """Turn what Polars raises over a broken dump into our words.

    Args:
        path: The dump that is read in the context.
        shown: How to call it: its address, or its path.

    Raises:
        CorruptError: The file is empty, truncated, corrupt or not gzip.
    """
    check_magic(path, shown)
    try:
        yield
    except (pl.exceptions.ComputeError, OSError) as error:
        reason = str(error).partition("\n")[0]
        if "unexpected end of file" in reason:
            raise truncated(shown) from error
        raise CorruptError(f"{shown} is corrupt: {reason}", BROKEN) from error
