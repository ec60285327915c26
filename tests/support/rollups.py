"""Rollups once more: sums over dicts in plain Python, which share no code with pvtop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from support.days import Views

DESKTOP = {
    "de": "de",
    "en": "en",
    "en.m": "en",
    "en.zero": "en",
    "en.b": "en.b",
    "www.wd": "www.wd",
    "m.wd": "www.wd",
    "commons.m": "commons.m",
    "commons.m.m": "commons.m",
    "m": "www",
    "nl": "nl",
    "nl.m": "nl",
    "nl.m.m": "nl.m",
}
"""The desktop code of known codes. All others are unknown."""
MOBILE = {"en.m", "en.zero", "m.wd", "commons.m.m", "m", "nl.m", "nl.m.m"}
UNKNOWN_CODES = ["", "x.y.z", "zz.what"]
CODES = [*DESKTOP, *UNKNOWN_CODES]

Page = tuple[str, str]


@dataclass(frozen=True)
class RollupReference:
    """What a rollup holds: rows in the order of its columns."""

    top_pages: Sequence[tuple[object, ...]]
    domains: Sequence[tuple[object, ...]]


def rollup_reference(
    days: Collection[tuple[Views, Collection[int]]],
    blacklist: Collection[Page] = (),
    *,
    top: int = 25,
    keep_unknown: bool = False,
    merged: bool = False,
) -> RollupReference:
    """Return the rollup of days, each with the hours of the day at which its wanted hours begin."""
    views: dict[Page, int] = defaultdict(int)
    mobile: dict[Page, int] = defaultdict(int)
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for pages, hours in days:
        for (code, title), counts in pages.items():
            wiki = DESKTOP.get(code, code) if merged else code
            for count in (counts[hour] for hour in hours if hour in counts):
                unknown = title == "-" and not keep_unknown
                excluded = (code, title) in blacklist and not unknown
                shown = count if code in MOBILE else 0
                row = (1, count, int(excluded), count if excluded else 0, shown)
                totals[wiki] = [sum(pair) for pair in zip(totals[wiki], row, strict=True)]
                if not unknown and not excluded:
                    views[wiki, title] += count
                    mobile[wiki, title] += shown
    ranked = [
        (code, rank, title, views[code, title], *_split(code, mobile[code, title], merged=merged))
        for code in sorted(totals)
        for rank, title in enumerate(_in_order(code, views)[:top], start=1)
    ]
    domains = [
        (code, *counts, *_split(code, shown, merged=merged)) for code, (*counts, shown) in sorted(totals.items())
    ]
    return RollupReference(ranked, domains)


def _in_order(domain: str, views: Mapping[Page, int]) -> list[str]:
    titles = [title for code, title in views if code == domain]
    return sorted(titles, key=lambda title: (-views[domain, title], title.encode()))


def _split(code: str, shown: int, *, merged: bool) -> list[int | None]:
    if not merged:
        return []
    return [shown if code in DESKTOP.values() else None]
