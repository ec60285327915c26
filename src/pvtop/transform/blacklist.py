"""The blacklist as a frame of pages, in both spellings."""

from __future__ import annotations

from typing import cast
from urllib.parse import unquote

import polars as pl

from pvtop.core.errors import BlacklistError
from pvtop.transform.schemas import BLACKLIST

MAX_LINE_BYTES = 4_096  # bytes; a title has 255 at most, and three times as many when percent-encoded
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Two quotes or nothing may stand for a code; of titles, only what none begins with or holds is looked at.
ENTRY = r'^(?:[a-z][a-z0-9-]*(?:\.[a-z]+)*|"")? (?:[^ <>\[\]{}|][^<>\[\]{}|]*)?$'


def parse_blacklist(content: bytes, shown: str) -> pl.DataFrame:
    """Do what `read_blacklist` does with the bytes of a file, which a message calls `shown`.

    Raises:
        BlacklistError: They are no blacklist, or hold no entry.
    """
    text = pl.Series("line", [content.removeprefix(BYTE_ORDER_MARK).decode("utf-8", "replace")])
    lines = text.str.split("\n").explode().str.strip_chars_end("\r")
    lines = lines.filter(lines != "")
    _refuse_other_files(lines, shown)
    code, title = pl.col("field_0"), pl.col("field_1")
    written = (
        lines.str.splitn(" ", 2)
        .struct.unnest()
        .filter(title != "")
        .select(domain_code=pl.when(code == '""').then(pl.lit("")).otherwise(code), page_title=title)
    )
    encoded = written.filter(pl.col("page_title").str.contains("[% ]"))  # the others decode to themselves
    decoded = [unquote(one).replace(" ", "_") for one in encoded.get_column("page_title")]
    again = encoded.with_columns(page_title=pl.Series(decoded, dtype=pl.String))
    if written.is_empty():
        raise BlacklistError(
            f"{shown} is not a blacklist: it has no entry", "to leave nothing out, give --blacklist none"
        )
    return pl.concat([written, again]).sort("domain_code", "page_title").unique(maintain_order=True)


def _refuse_other_files(lines: pl.Series, shown: str) -> None:
    """Refuse markup, tables, other encodings, archives: files most of whose lines cannot be entries.

    A domain code is in small letters. What follows it may be anything: titles written by hand hold spaces, too.

    Raises:
        BlacklistError: It is such a file, or has a line that is longer than `MAX_LINE_BYTES`.
    """
    if (longest := cast("int", lines.str.len_bytes().max() or 0)) > MAX_LINE_BYTES:
        raise BlacklistError(
            f"{shown} is not a blacklist: it has a line of {longest:,} bytes", "check that it is a blacklist"
        )
    others = lines.filter(~lines.str.contains(ENTRY))
    if 2 * len(others) > len(lines):
        raise BlacklistError(
            f"{shown} is not a blacklist: {len(others):,} of its {len(lines):,} lines are no entry, "
            f"such as {others[0][:40]!r}",
            "a blacklist has lines of domain code, a space, title",
        )


def no_blacklist() -> pl.DataFrame:
    """Give the empty blacklist, in the columns of `read_blacklist`."""
    return pl.DataFrame(schema=BLACKLIST)
