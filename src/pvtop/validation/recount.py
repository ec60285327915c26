"""Count domains of a dump a second way: line by line, in plain Python.

Recount with independent code, so that a bug must exist in both to go unnoticed. Uses neither Polars nor the code that
makes reports.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pvtop.core.errors import CorruptError

DIGITS = re.compile(rb"[0-9]+")
QUOTED = re.compile(r'"(?:[^"\\]|\\["\\])*"')
ESCAPED = re.compile(r'\\(["\\])')
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_COUNT = 2**63 - 1


@dataclass(slots=True)
class DomainCount:
    """The counts of one domain in a dump.

    Attributes:
        pages: All its pages, including the excluded ones.
        views: The views of these pages.
        blacklisted_pages: Its pages on the blacklist.
        blacklisted_views: The views of these pages.
        ranked: The top pages as (views, title); sorted once `rank()` was called.
    """

    pages: int = 0
    views: int = 0
    blacklisted_pages: int = 0
    blacklisted_views: int = 0
    ranked: list[tuple[int, str]] = field(default_factory=list)

    def rank(self, top: int) -> None:
        """Sort the pages and keep the top ones. Python compares strings by code point, which is UTF-8 byte order."""
        self.ranked.sort(key=lambda page: (-page[0], page[1]))
        del self.ranked[top:]


@dataclass(frozen=True, slots=True)
class Recount:
    """The domains of a dump.

    Attributes:
        codes: The domain codes of all well-formed lines.
        domains: The counts of the domains that were asked for.
    """

    codes: frozenset[str]
    domains: dict[str, DomainCount]


def recount(
    dump: Path, codes: Collection[str], blacklist: Collection[tuple[str, str]], top: int, *, keep_unknown: bool
) -> Recount:
    """Recount the views and top pages of some domains from a dump. Holds at most `2 * top` pages per domain in memory.

    Args:
        dump: The dump, as gzip.
        codes: The domain codes to count.
        blacklist: Code and title of each page to exclude. Contains both the title as written and the percent-decoded
            title.
        top: Number of pages per domain.
        keep_unknown: Whether pages titled `-` are ranked.

    Raises:
        CorruptError: The dump is truncated, corrupt, or not gzip.
    """
    counted = {code: DomainCount() for code in codes}
    found: set[str] = set()
    try:
        for code, title, views in _pages(dump, counted, found):
            found.add(code)
            if code not in counted:
                continue
            domain = counted[code]
            domain.pages += 1
            domain.views += views
            if title == "-" and not keep_unknown:
                continue
            if (code, title) in blacklist:
                domain.blacklisted_pages += 1
                domain.blacklisted_views += views
                continue
            domain.ranked.append((views, title))
            if len(domain.ranked) > 2 * top:
                domain.rank(top)
    except (EOFError, OSError, zlib.error) as error:
        raise CorruptError(f"cannot read {dump}: {error}") from error
    for domain in counted.values():
        domain.rank(top)
    return Recount(frozenset(found), counted)


def _pages(dump: Path, codes: Collection[str], found: Collection[str]) -> Iterator[tuple[str, str, int]]:
    """Yield code, title and views of each well-formed line whose domain is in `codes`, or is not yet in `found`."""
    with gzip.open(dump) as lines:
        for number, line in enumerate(lines):
            content = line if number else line.removeprefix(BYTE_ORDER_MARK)
            code = content.partition(b" ")[0].decode("utf-8", "replace")
            if code == '""':
                code = ""
            if (code in codes or code not in found) and (page := _page(content)):
                yield code, *page


def _page(line: bytes) -> tuple[str, int] | None:
    """Parse the title and views of a line. Return None if the line is malformed."""
    fields = line.removesuffix(b"\n").rstrip(b"\r").split(b" ")
    if len(fields) != 4 or not fields[1]:  # noqa: PLR2004 - code, title, views, size
        return None
    views, size = _count(fields[2]), _count(fields[3])
    return None if views is None or size is None else (_title(fields[1].decode("utf-8", "replace")), views)


def _count(written: bytes) -> int | None:
    """Parse a non-negative 64-bit integer. Return None if the field is not one."""
    digits = written.lstrip(b"0") or b"0"
    if not DIGITS.fullmatch(written) or len(digits) > len(str(MAX_COUNT)):
        return None
    count = int(digits)
    return count if count <= MAX_COUNT else None


def _title(written: str) -> str:
    r"""Decode a title: remove quotes and escapes if it is quoted from end to end and contains `\"`."""
    if '\\"' in written and QUOTED.fullmatch(written):
        return ESCAPED.sub(r"\1", written[1:-1])
    return written
