"""The rules of days, series and rollups once more: slow, in memory, in plain Python, to be checked by reading.

The tests and the benchmarks compare pvtop with this module. It shares no code with pvtop: a mistake must be made twice
to pass. `support.reference` reads lines and blacklists. Dumps are inflated bytes, one for each hour, in order. None
stands for a missing dump. A page that occurs twice in a dump counts once, with the sum of its views. A title on desktop
and on mobile is two pages.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from support.reference import MAX_COUNT, Page, lines_of, page_of, utf8

Key = tuple[str, str]
"""Domain code and title."""


class DayPage(NamedTuple):
    """One row of a day file."""

    domain_code: str
    page_title: str
    views: int
    start_hours: list[int]
    counts: list[int]


@dataclass(frozen=True)
class Rollup:
    """What the rollup of some hours holds."""

    top_pages: list[tuple[str, int, str, int, int | None]]
    """domain_code, rank, page_title, views, mobile_views; domains ascend in UTF-8 byte order."""
    domains: list[tuple[str, int, int, int, int]]
    """domain_code, pages, views, blacklisted_pages, blacklisted_views: the sums of the hours."""


def hours_of_pages(dumps: Iterable[bytes | None], wanted: Collection[Key] | None = None) -> dict[Key, dict[int, int]]:
    """Return the views of each page in each hour in which it occurs: the place of the dump, from 0 on, and the views.

    Args:
        dumps: The hours. For a day, the place of a dump is the hour at which its views start.
        wanted: The pages, None for all. Pages that never occur are left out.
    """
    found: dict[Key, dict[int, int]] = {}
    for place, dump in enumerate(dumps):
        for page in pages_of(dump):
            if wanted is None or (page.code, page.title) in wanted:
                hours = found.setdefault((page.code, page.title), {})
                hours[place] = hours.get(place, 0) + page.views
    return found


def day_pages(dumps: Sequence[bytes | None]) -> list[DayPage]:
    """Return the rows of the day file of 24 dumps: every page, ascending by code and title in UTF-8 byte order."""
    found = hours_of_pages(dumps)
    rows = []
    for code, title in sorted(found, key=lambda key: (utf8(key[0]), utf8(key[1]))):
        hours = found[code, title]
        rows.append(DayPage(code, title, fitting(sum(hours.values())), list(hours), list(hours.values())))
    return rows


def series(dumps: Sequence[bytes | None], page: Key) -> list[int | None]:
    """Return the views of a page hour by hour: None if the dump is missing, 0 if the page is not in it."""
    hours = hours_of_pages(dumps, {page}).get(page, {})
    return [None if dump is None else hours.get(place, 0) for place, dump in enumerate(dumps)]


def rollup(
    dumps: Iterable[bytes | None],
    entries: Collection[Key] = frozenset(),
    *,
    top: int = 25,
    keep_unknown: bool = False,
    desktop_code: Callable[[str], str | None] | None = None,
) -> Rollup:
    """Return the rollup of some hours. Missing hours count as nothing.

    Args:
        dumps: The hours, in any order.
        entries: The blacklist as `entries_of` reads it. It is applied to each page, by the code of its lines.
        top: How many pages of a domain are ranked.
        keep_unknown: Whether to rank pages titled `-`.
        desktop_code: Rolls desktop and mobile up together: returns the desktop code of a wiki, None if the code is
            empty or unknown. Without it `mobile_views` is None.
    """
    views: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    mobile: dict[Key, int] = defaultdict(int)
    domains: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for dump in dumps:
        for (code_of_line, title), hours in hours_of_pages([dump]).items():
            code = code_of_line if desktop_code is None else desktop_code(code_of_line) or code_of_line
            count, totals = hours[0], domains[code]
            totals[0] += 1
            totals[1] += count
            if title == "-" and not keep_unknown:
                continue
            if (code_of_line, title) in entries:
                totals[2] += 1
                totals[3] += count
            else:
                views[code][title] += count
                if code_of_line != code:
                    mobile[code, title] += count

    top_pages: list[tuple[str, int, str, int, int | None]] = []
    for code in sorted(views, key=utf8):
        ranked = sorted(views[code], key=lambda title: (-views[code][title], utf8(title)))
        merged = desktop_code is not None and desktop_code(code) is not None
        for rank, title in enumerate(ranked[:top], start=1):
            on_mobile = mobile.get((code, title), 0) if merged else None
            top_pages.append((code, rank, title, fitting(views[code][title]), on_mobile))
    sums: list[tuple[str, int, int, int, int]] = []
    for code in sorted(domains, key=utf8):
        pages, seen, blacklisted_pages, blacklisted_views = map(fitting, domains[code])
        sums.append((code, pages, seen, blacklisted_pages, blacklisted_views))
    return Rollup(top_pages, sums)


def pages_of(dump: bytes | None) -> Iterator[Page]:
    """Yield the well-formed lines of a dump."""
    for line in [] if dump is None else lines_of(dump):
        page = page_of(line)
        if page is not None:
            yield page


def fitting(total: int) -> int:
    """Return a sum that fits into 64 bits.

    Raises:
        OverflowError: It does not. pvtop fails, too.
    """
    if total > MAX_COUNT:
        raise OverflowError(total)
    return total
