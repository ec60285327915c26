"""The blacklist as a frame of pages, in both spellings."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import cast
from urllib.parse import unquote

import polars as pl

from pvtop.core.errors import BlacklistError
from pvtop.storage.atomic import open_regular

PAGES = {"domain_code": pl.String, "page_title": pl.String}
LONGEST = 64_000_000  # bytes, a million entries; the public one has some 2.5 million
LONGEST_LINE = 4_096  # bytes; a title has 255 at most, and three times as many when percent-encoded
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Two quotes or nothing may stand for a code; of titles, only what none begins with or holds is looked at.
ENTRY = r'^(?:[a-z][a-z0-9-]*(?:\.[a-z]+)*|"")? (?:[^ <>\[\]{}|][^<>\[\]{}|]*)?$'


def read_blacklist(path: Path) -> pl.DataFrame:
    """Read a blacklist: lines of `domain_code page_title`, one space between them.

    Entries are percent-encoded in part, a dump's titles are decoded: each entry counts as it is written and decoded
    (as UTF-8, what is not becoming U+FFFD as in a dump; a space becoming `_`). Entries without a title are skipped.

    Args:
        path: The file.

    Returns:
        `domain_code` String (`""` becomes the empty string), `page_title` String; no row twice, sorted.

    Raises:
        BlacklistError: The file cannot be read, or is no blacklist but, say, a web page.
    """
    return parse_blacklist(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """Read a blacklist's bytes.

    Raises:
        BlacklistError: The file cannot be read, or is too long.
    """
    try:
        with open_regular(path) as file:
            content = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BlacklistError(
            f"the blacklist {path} cannot be read: {reason}", "--blacklist takes an address, a path, or none"
        ) from error
    if len(content) > LONGEST:
        raise BlacklistError(f"the blacklist {path} is longer than {LONGEST:,} bytes", "check that it is a blacklist")
    return content


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
        BlacklistError: It is such a file, or has a line that is longer than `LONGEST_LINE`.
    """
    if (longest := cast("int", lines.str.len_bytes().max() or 0)) > LONGEST_LINE:
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


def verify_blacklist(path: Path, shown: str) -> str:
    """Read a blacklist that was downloaded to see whether it is one, and give the sha256 of the file, in hex.

    Raises:
        BlacklistError: It is none.
    """
    content = read_bytes(path)
    parse_blacklist(content, shown)
    return sha256(content).hexdigest()


def no_blacklist() -> pl.DataFrame:
    """Give the empty blacklist, in the columns of `read_blacklist`."""
    return pl.DataFrame(schema=PAGES)
