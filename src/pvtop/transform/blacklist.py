"""Parse a blacklist into a frame of pages, both as written and percent-decoded. Count its lines and entries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote_to_bytes

import polars as pl

from pvtop.core.counted import counted
from pvtop.core.domain import Domain
from pvtop.core.errors import BlacklistError
from pvtop.transform.schemas import BLACKLIST

MAX_ENTRY_BYTES = 4_096  # bytes; a title has at most 255, and three times as many when percent-encoded
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The code may be empty or two quotes. The title has none of the characters that no title of a wiki contains. It may be
# missing.
CODE = r'(?:[a-z][a-z0-9-]*(?:\.[a-z]+)*|"")?'
ENTRY = rf"^{CODE}(?: [^ <>\[\]{{}}|][^<>\[\]{{}}|]*)?$"
HOST_NAME = r"\.(?:org|com|net)$|\.(?:mediawiki|wiki[a-z]+)(?:\.|$)"


@dataclass(frozen=True, slots=True)
class NeverMatching:
    """Entries that match no page of any dump, all for one reason.

    Attributes:
        reason: What they have: `a host name instead of a domain code`.
        entries: How many they are.
        example: The first of them.
    """

    reason: str
    entries: int
    example: str


@dataclass(frozen=True, slots=True)
class BlacklistCounts:
    """What the file of a blacklist contains. `lines` is the sum of `blank`, `untitled` and `entries`.

    Attributes:
        lines: All lines.
        blank: Lines with nothing but white space.
        untitled: Lines that have a domain code but no title. They are skipped.
        entries: The other lines. Each gives a spelling as written.
        decoded: Entries that also give another spelling, the percent-decoded title.
        written_only: Entries that are percent-encoded, but not UTF-8 when decoded.
        never_matching: Entries that match no page, by reason. An entry counts for one reason only.
    """

    lines: int
    blank: int
    untitled: int
    entries: int
    decoded: int
    written_only: int
    never_matching: tuple[NeverMatching, ...]


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
    written = _series(map(_text, lines))
    _check_is_blacklist(written, name)
    pages = pl.concat([_pages(written), _pages(_series(filter(None, map(_decoded, lines))))])
    if pages.is_empty():
        raise BlacklistError(
            f"{name} is not a blacklist: it has no entry", "to exclude nothing, use none", setting="blacklist"
        )
    return pages.sort("domain_code", "page_title").unique(maintain_order=True)


def _lines(content: bytes) -> list[bytes]:
    """Return the lines, without a byte-order mark before the first and without ASCII white space at their ends."""
    return [line.rstrip() for line in content.removeprefix(BYTE_ORDER_MARK).split(b"\n")]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def _series(lines: Iterable[str]) -> pl.Series:
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
    return f"{_text(code)} {decoded}"


def count_entries(content: bytes) -> BlacklistCounts:
    """Count the lines and entries in the bytes of a blacklist file."""
    lines = _lines(content)
    if not content or content.endswith(b"\n"):
        lines.pop()  # nothing follows the last newline
    entries = [line for line in lines if b" " in line]
    encoded = [line for line in entries if b"%" in line.partition(b" ")[2]]
    decoded = [_decoded(line) for line in encoded]
    return BlacklistCounts(
        lines=len(lines),
        blank=lines.count(b""),
        untitled=len(lines) - lines.count(b"") - len(entries),
        entries=len(entries),
        decoded=sum(other not in {None, _text(line)} for line, other in zip(encoded, decoded, strict=True)),
        written_only=decoded.count(None),
        never_matching=tuple(_never_matching(map(_text, entries))),
    )


def _never_matching(entries: Iterable[str]) -> list[NeverMatching]:
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for entry in entries:
        if reason := _why_it_never_matches(entry):
            counts[reason] += 1
            examples.setdefault(reason, entry)
    return [NeverMatching(reason, count, examples[reason]) for reason, count in counts.most_common()]


def _why_it_never_matches(entry: str) -> str:
    """Return why an entry matches no page of any dump. Return an empty string if it may match one."""
    code, _, title = entry.partition(" ")
    if re.search(HOST_NAME, code, re.IGNORECASE):
        return "a host name instead of a domain code"
    if code != code.lower():
        return "a domain code with capital letters"
    if not re.fullmatch(CODE, code) or (code.strip('"') and Domain.of(code).project == "other"):
        return "an unknown domain code"
    return "two spaces after the domain code" if title.startswith(" ") else ""


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
        what = f"{len(others):,} of {counted(len(lines), 'line')} {are_no}"
        raise BlacklistError(
            f"{name} is not a blacklist: {what}, such as {others[0][:40]!r}",
            "each line must be a domain code, a space and a title; choose another file",
            setting="blacklist",
        )


def no_blacklist() -> pl.DataFrame:
    """Return the empty blacklist, with the columns of `read_blacklist`."""
    return pl.DataFrame(schema=BLACKLIST)
