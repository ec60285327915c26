"""Each whole day of the sample: rollups, series, movers and spikes equal a count in plain Python.

The first day has no day before it, so it has no movers.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pvtop.core.day import Day
from pvtop.core.hour import Hour
from pvtop.core.page import Page
from pvtop.core.period import Period
from pvtop.pipeline.days import build_days
from pvtop.pipeline.movers import find_movers, find_spikes
from pvtop.pipeline.rollup import run_rollup
from pvtop.pipeline.series import read_series
from pvtop.settings import Settings
from support import movers as reference
from support.day_reference import hours_of_pages, rollup
from support.reference import entries_of
from support.samples import DATA, SOURCE

DAYS = [Day.parse("2024-12-29"), Day.parse("2024-12-30"), Day.parse("2024-12-31")]
MISSING = Hour.parse("2024-12-29T13")
ALL_DAYS = Period(DAYS[0].hours[0], DAYS[-1].hours[-1])
DESKTOP = (
    "ar commons.m de de.q de.voy el en en.b en.d en.n en.q en.s en.v en.voy es fr fr.d he hi incubator.m is it ja ko "
    "meta.m pl pt ru ru.d species.m test.wd th uk www www.f www.m www.s www.w www.wd zh"
).split()
MOBILE = {"m.s": "www.s", "m.w": "www.w", "m.wd": "www.wd"} | {
    ".".join((language, "m", *project)): ".".join((language, *project))
    for language, *project in (code.split(".") for code in DESKTOP)
    if language != "www"
}
WIKIS = {code: (code, False) for code in DESKTOP} | {code: (wiki, True) for code, wiki in MOBILE.items()}
PAGES = [
    ("en", "Main_Page"), ("en.m", "Main_Page"), ("en", '"Heroes"'), ("en", 'a"b'), ("en", '\\"q'), ("en", "q\\"),
    ("en", "-"), ("fr.m", '"L\'Heure_bleue"'), ("is", "Forsíða"), ("", "Z6"), ("www.w", 'Manual:$wg"\\"'),
    ("en", "Prime_number"), ("ja", "東京\u3000タワー"), ("en", "Never_seen"),
]  # fmt: skip
EXCLUSIONS = {
    "no blacklist": ("none", False),
    "blacklist": (str(DATA / "blacklist"), False),
    "blacklist, and unknown pages": (str(DATA / "blacklist"), True),
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings for a lake with the day files of the sample."""
    folder = tmp_path_factory.mktemp("sample")
    settings = Settings.load(source=str(SOURCE), output=str(folder / "lake"), cache_dir=folder / "cache")
    assert build_days(DAYS, settings).counts.total() == len(DAYS)
    return settings


@cache
def dump(hour: Hour) -> bytes | None:
    path = SOURCE / hour.dump_path
    return gzip.decompress(path.read_bytes()) if path.exists() else None


@cache
def views_of(day: Day) -> Mapping[tuple[str, str], Mapping[int, int]]:
    return hours_of_pages(map(dump, day.hours))


def excluding(settings: Settings, name: str) -> tuple[Settings, set[tuple[str, str]]]:
    """Return settings that exclude some pages, and the entries of their blacklist."""
    blacklist, keep_unknown = EXCLUSIONS[name]
    entries = set() if blacklist == "none" else entries_of(Path(blacklist).read_bytes())
    return settings.model_copy(update={"blacklist": blacklist, "keep_unknown": keep_unknown}), entries


def desktop_code(code: str) -> str | None:
    return WIKIS[code][0] if code in WIKIS else None


def assert_equal_to_the_reference(
    period: Period, chosen: Settings, entries: set[tuple[str, str]], *, merged: bool
) -> None:
    """Compare the rollup of a period with the reference."""
    found = run_rollup(period, chosen, merge_access=merged).rollup
    by_wiki = desktop_code if merged else None
    expected = rollup(map(dump, period.hours), entries, keep_unknown=chosen.keep_unknown, desktop_code=by_wiki)
    assert found.top_pages.rows() == [row if merged else row[:-1] for row in expected.top_pages]
    assert found.domains.select("domain_code", "^.*pages$", "views", "blacklisted_views").rows() == [
        (code, pages, blacklisted, views, of_blacklisted)
        for code, pages, views, blacklisted, of_blacklisted in expected.domains
    ]
    assert found.provenance.missing == [hour for hour in period.hours if dump(hour) is None]


@pytest.mark.parametrize(
    ("name", "merged"),
    [("no blacklist", False), ("blacklist", True), ("blacklist, and unknown pages", True)],
)
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_rollup_of_a_day_file(lake: Settings, day: Day, name: str, merged: bool) -> None:
    assert_equal_to_the_reference(Period.of_day(day), *excluding(lake, name), merged=merged)


def test_rollup_of_the_dumps_of_a_day(lake: Settings, tmp_path: Path) -> None:
    chosen, entries = excluding(lake, "blacklist")
    elsewhere = chosen.model_copy(update={"output": str(tmp_path / "lake")})
    assert_equal_to_the_reference(Period.of_day(DAYS[0]), elsewhere, entries, merged=True)


def test_rollup_of_day_files_and_odd_hours(lake: Settings) -> None:
    period = Period(DAYS[0].hours[5], DAYS[-1].hours[-1] + 1)
    assert_equal_to_the_reference(period, *excluding(lake, "blacklist"), merged=True)


@pytest.mark.parametrize("step", ["hour", "day"])
def test_series_of_pages(lake: Settings, step: str) -> None:
    found = read_series([Page(*page) for page in PAGES], ALL_DAYS, lake, step)
    expected = []
    for page in PAGES:
        for day in DAYS:
            counts = views_of(day).get(page, {})
            hourly = [None if hour == MISSING else counts.get(hour.start.hour, 0) for hour in day.hours]
            starts = [hour.start for hour in day.hours] if step == "hour" else [day.start]
            steps = hourly if step == "hour" else [sum(counts.values())]
            expected += [(start, *page, count) for start, count in zip(starts, steps, strict=True)]
    assert found.frame.rows() == expected
    assert [(page.domain_code, page.title) for page in found.never_seen] == [("en", "Never_seen")]
    assert found.hours_without_data == [MISSING]


def rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: round(cell, 6) if isinstance(cell, float) else cell for name, cell in row.items()} for row in rows]


@pytest.mark.parametrize("name", EXCLUSIONS)
@pytest.mark.parametrize(("day", "against"), [(DAYS[1], 1), (DAYS[2], 2)], ids=str)
def test_movers_of_a_day(lake: Settings, day: Day, against: int, name: str) -> None:
    chosen, entries = excluding(lake, name)
    found = find_movers(day, chosen, against=against, top=10_000, min_views=20, min_ratio=1.2)
    earlier = [(views_of(one), 24 - (one == DAYS[0])) for one in DAYS[DAYS.index(day) - against : DAYS.index(day)]]
    given = reference.Input(entries, chosen.keep_unknown, WIKIS)
    rows = reference.find_movers((views_of(day), 24), earlier, given, 20, 1.2)
    assert rounded(found.pages.to_dicts()) == rounded(
        reference.ranked(rows, ("score", "views"), 10_000, per_domain=False)
    )
    assert len(rows) > 10


@pytest.mark.parametrize("name", EXCLUSIONS)
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_spikes_of_a_day(lake: Settings, day: Day, name: str) -> None:
    chosen, entries = excluding(lake, name)
    found = find_spikes(day, chosen, top=10_000, min_views=20, min_peak_share=0.1).pages.to_dicts()
    missing = {MISSING.start.hour} if day == DAYS[0] else set()
    given = reference.Input(entries, chosen.keep_unknown, WIKIS)
    rows = reference.find_spikes(views_of(day), missing, given, 20, 0.1)
    hours = [row | {"peak_hour": row.pop("peak_start").hour} for row in found]
    assert rounded(hours) == rounded(reference.ranked(rows, ("peak_views", "views"), 10_000, per_domain=False))
    assert len(rows) > 10
