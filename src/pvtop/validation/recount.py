"""A second way to a report: the domains of a dump found, and some counted, line by line in plain Python.

Nothing of `dump` or `ranking` is used here, and no Polars: a mistake would have to be made twice to go unseen.
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
LARGEST = 2**63 - 1


@dataclass(slots=True)
class DomainCount:
    """What a dump holds of one domain.

    Attributes:
        pages: All its pages, as in the totals of a report.
        views: Their views.
        blacklisted_pages: Those on the blacklist.
        blacklisted_views: Their views.
        ranked: The pages on top as (views, title), in their order.
    """

    pages: int = 0
    views: int = 0
    blacklisted_pages: int = 0
    blacklisted_views: int = 0
    ranked: list[tuple[int, str]] = field(default_factory=list)

    def rank(self, top: int) -> None:
        """Order the pages and keep those on top. Python compares titles by code point, which is UTF-8 byte order."""
        self.ranked.sort(key=lambda page: (-page[0], page[1]))
        del self.ranked[top:]


@dataclass(frozen=True, slots=True)
class Recount:
    """What a dump holds.

    Attributes:
        codes: The domain codes of all its well-formed lines.
        domains: What it holds of those that were to be counted.
    """

    codes: frozenset[str]
    domains: dict[str, DomainCount]


def recount(
    dump: Path, codes: Collection[str], blacklist: Collection[tuple[str, str]], top: int, *, keep_unknown: bool
) -> Recount:
    """Count some domains of a dump, holding no more than twice their top pages at a time.

    Args:
        dump: A dump, gzip.
        codes: The domain codes to count.
        blacklist: Code and title of the pages to leave out, in both spellings.
        top: How many pages a domain gets.
        keep_unknown: Whether pages titled `-` are ranked.

    Raises:
        CorruptError: The dump is truncated, corrupt or not gzip.
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
        raise CorruptError(f"{dump} cannot be read: {error}") from error
    for domain in counted.values():
        domain.rank(top)
    return Recount(frozenset(found), counted)


def _pages(dump: Path, codes: Collection[str], found: Collection[str]) -> Iterator[tuple[str, str, int]]:
    """Give code, title and views of the well-formed lines of some domains, and of those that are not found yet."""
    with gzip.open(dump) as lines:
        for number, line in enumerate(lines):
            content = line if number else line.removeprefix(BYTE_ORDER_MARK)
            code = content.partition(b" ")[0].decode("utf-8", "replace")
            if code == '""':
                code = ""
            if (code in codes or code not in found) and (page := _page(content)):
                yield code, *page


def _page(line: bytes) -> tuple[str, int] | None:
    """Read title and views of a line; None where it is malformed."""
    fields = line.removesuffix(b"\n").rstrip(b"\r").split(b" ")
    if len(fields) != 4 or not fields[1]:  # noqa: PLR2004 - code, title, views, size
        return None
    views, size = _count(fields[2]), _count(fields[3])
    return None if views is None or size is None else (_title(fields[1].decode("utf-8", "replace")), views)


def _count(written: bytes) -> int | None:
    """Read a non-negative 64-bit integer; None where it is none."""
    digits = written.lstrip(b"0") or b"0"
    if not DIGITS.fullmatch(written) or len(digits) > len(str(LARGEST)):
        return None
    count = int(digits)
    return count if count <= LARGEST else None


def _title(written: str) -> str:
    r"""Read a title: quoted from end to end with a `\"` in it, it loses its quotes and escapes; all others stay."""
    if '\\"' in written and QUOTED.fullmatch(written):
        return ESCAPED.sub(r"\1", written[1:-1])
    return written
