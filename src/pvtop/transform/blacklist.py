"""Parse a blacklist into a frame of pages, both as written and percent-decoded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast
from urllib.parse import unquote_to_bytes

import polars as pl

from pvtop.core.errors import BlacklistError
from pvtop.transform.schemas import BLACKLIST

MAX_ENTRY_BYTES = 4_096  # bytes; a title has at most 255, and three times as many when percent-encoded
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The code may be empty or two quotes. The title has none of the characters that no title of a wiki contains. It may be
# missing.
ENTRY = r'^(?:[a-z][a-z0-9-]*(?:\.[a-z]+)*|"")?(?: [^ <>\[\]{}|][^<>\[\]{}|]*)?$'


def parse_blacklist(content: bytes, name: str) -> pl.DataFrame:
    """Parse the bytes of a blacklist file, by the rules of `read_blacklist`.

    Args:
        content: The bytes of the file.
        name: What error messages call the file.

    Returns:
        `domain_code` String, `page_title` String; each entry as written and percent-decoded, sorted, without
        duplicates.

    Raises:
        BlacklistError: The content is not a blacklist, or has no entry.
    """
    lines = [line for line in _lines(content) if line]
    written = _as_text(line.decode("utf-8", "replace") for line in lines)
    _check_is_blacklist(written, name)
    pages = pl.concat([_pages(written), _pages(_as_text(filter(None, map(_decoded, lines))))])
    if pages.is_empty():
        raise BlacklistError(
            f"{name} is not a blacklist: it has no entry", "to exclude nothing, use none", setting="blacklist"
        )
    return pages.sort("domain_code", "page_title").unique(maintain_order=True)


def _lines(content: bytes) -> list[bytes]:
    """Return the lines, without a byte-order mark before the first and without ASCII white space at their ends."""
    return [line.rstrip() for line in content.removeprefix(BYTE_ORDER_MARK).split(b"\n")]


def _as_text(lines: Iterable[str]) -> pl.Series:
    return pl.Series("line", list(lines), dtype=pl.String)


def _decoded(line: bytes) -> str | None:
    """Return an entry with its title percent-decoded, or None if nothing is encoded or the title is not UTF-8 then.

    The bytes are decoded, as a character may be written half raw and half encoded.
    """
    code, _, title = line.partition(b" ")
    if b"%" not in title:
        return None
    try:
        decoded = unquote_to_bytes(title).decode()
    except UnicodeDecodeError:
        return None
    return f"{code.decode('utf-8', 'replace')} {decoded}"


def _pages(lines: pl.Series) -> pl.DataFrame:
    """Return the code and the title of each line. Skip lines without a title."""
    code, title = pl.col("field_0"), pl.col("field_1")
    return (
        lines.str.splitn(" ", 2)
        .struct.unnest()
        .filter(title != "")
        .select(
            domain_code=pl.when(code == '""').then(pl.lit("")).otherwise(code),
            page_title=title.str.replace_all(" ", "_", literal=True),
        )
    )


def _check_is_blacklist(lines: pl.Series, name: str) -> None:
    """Refuse a file if most of its lines cannot be entries: markup, tables, other encodings, archives.

    A domain code has only small letters. Most titles are accepted: some are written by hand and contain spaces.

    Raises:
        BlacklistError: It is such a file, or has a line that is longer than `MAX_ENTRY_BYTES`.
    """
    if (longest := cast("int", lines.str.len_bytes().max() or 0)) > MAX_ENTRY_BYTES:
        raise BlacklistError(
            f"{name} is not a blacklist: it has a line of {longest:,} bytes",
            "check the file, or choose another one",
            setting="blacklist",
        )
    others = lines.filter(~lines.str.contains(ENTRY))
    if 2 * len(others) > len(lines):
        are_no = "is not a blacklist entry" if len(others) == 1 else "are not blacklist entries"
        raise BlacklistError(
            f"{name} is not a blacklist: {len(others):,} of {len(lines):,} lines {are_no}, such as {others[0][:40]!r}",
            "each line must be a domain code, a space and a title; choose another file",
            setting="blacklist",
        )


def no_blacklist() -> pl.DataFrame:
    """Return the empty blacklist, with the columns of `read_blacklist`."""
    return pl.DataFrame(schema=BLACKLIST)
