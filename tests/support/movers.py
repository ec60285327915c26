"""Movers and spikes once more: slow, in plain Python, to be checked by reading. Shares no code with pvtop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

Views = Mapping[tuple[str, str], Mapping[int, int]]
PageKey = tuple[str, str]

Wikis = Mapping[str, tuple[str, bool]]
"""By domain code, the desktop code of its wiki and whether it is mobile. Other codes are unknown."""

WIKIS: Wikis = {
    "en": ("en", False),
    "en.m": ("en", True),
    "en.zero": ("en", True),
    "de.m": ("de", True),
    "m.wd": ("www.wd", True),
}
"""The codes of the tests with made-up pages."""


@dataclass(frozen=True)
class Input:
    """What both have in common."""

    blacklist: Collection[PageKey]
    keep_unknown: bool
    wikis: Wikis = field(default_factory=lambda: WIKIS)

    def hours(self, views: Views) -> dict[PageKey, dict[int, list[int]]]:
        """Return the views of each page of a wiki in each hour: all, and mobile ones."""
        found: dict[PageKey, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        for (code, title), counts in views.items():
            if (code, title) in self.blacklist or (title == "-" and not self.keep_unknown):
                continue
            wiki, mobile = self.wikis.get(code, (code, False))
            for hour, count in counts.items():
                found[wiki, title][hour][0] += count
                found[wiki, title][hour][1] += count * mobile
        return found

    def totals(self, views: Views) -> dict[PageKey, tuple[int, int]]:
        """Return the views of each page: all, and mobile ones."""
        return {
            page: (sum(count for count, _ in hours.values()), sum(mobile for _, mobile in hours.values()))
            for page, hours in self.hours(views).items()
        }

    def is_known(self, wiki: str) -> bool:
        """Return whether it is known which views of a wiki are mobile."""
        return wiki in {known for known, _ in self.wikis.values()}


def ranked(rows: list[dict[str, Any]], order: Sequence[str], top: int, *, per_domain: bool) -> list[dict[str, Any]]:
    """Return the first rows with their ranks."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (*(-row[name] for name in order), utf8(row))):
        groups[row["domain_code"] if per_domain else ""].append(row)
    return [row | {"rank": rank} for _, rows in sorted(groups.items()) for rank, row in enumerate(rows[:top], 1)]


def utf8(row: dict[str, Any]) -> tuple[bytes, bytes]:
    """Return code and title as bytes."""
    return row["domain_code"].encode(), row["page_title"].encode()


def find_movers(
    day: tuple[Views, int], earlier: Sequence[tuple[Views, int] | None], given: Input, min_views: int, min_ratio: float
) -> list[dict[str, Any]]:
    """Return all movers. Each day has its views and the number of its hours with data; None lacks."""
    totals, hours = given.totals(day[0]), day[1]
    before = [(given.totals(found[0]), found[1]) if found else None for found in earlier]
    all_before = sum(found[1] for found in before if found)
    rows = []
    for page, (views, mobile) in totals.items():
        daily = [found[0].get(page, (0, 0))[0] if found else None for found in before]
        y = sum(count or 0 for count in daily)
        mean = y * hours / all_before
        if views < min_views or views < min_ratio * mean:
            continue
        one_level = (views + y) / (hours + all_before)
        score = 2 * (views * log(views / (one_level * hours)) + (y * log(y / (one_level * all_before)) if y else 0))
        rows.append(
            {
                "domain_code": page[0],
                "page_title": page[1],
                "views": views,
                "mobile_views": mobile if given.is_known(page[0]) else None,
                "earlier_mean": mean,
                "ratio": views / mean if mean else None,
                "score": round(score, 6) + 0.0,
                "daily_views": [*daily, views],
            }
        )
    return rows


def find_spikes(
    views: Views, missing: Collection[int], given: Input, min_views: int, min_peak_share: float
) -> list[dict[str, Any]]:
    """Return all spikes."""
    rows = []
    for page, hours in given.hours(views).items():
        total = sum(count for count, _ in hours.values())
        peak_hour = min(hours, key=lambda hour: (-hours[hour][0], hour))
        peak, mobile = hours[peak_hour]
        if total < min_views or peak / total < min_peak_share:
            continue
        known = given.is_known(page[0])
        rows.append(
            {
                "domain_code": page[0],
                "page_title": page[1],
                "peak_hour": peak_hour,
                "peak_views": peak,
                "views": total,
                "peak_share": peak / total,
                "peak_mobile_share": mobile / peak if known else None,
                "mobile_share": sum(count for _, count in hours.values()) / total if known else None,
                "hourly_views": [None if hour in missing else hours.get(hour, [0])[0] for hour in range(24)],
            }
        )
    return rows
