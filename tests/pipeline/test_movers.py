"""Movers and spikes from day files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import polars as pl
import pytest
from hypothesis import strategies as st

from pvtop.core.day import Day
from pvtop.core.errors import CorruptError, NoDayFilesError, OutputError, UsageError
from pvtop.lake.layout import day_path
from pvtop.pipeline.movers import find_movers, find_spikes
from pvtop.settings import Settings
from pvtop.transform.merge import MERGED_ROWS
from pvtop.transform.schemas import MOVERS, SPIKES
from support import movers as reference
from support.days import Views, write_day

DAY = Day(dt.date(2024, 12, 30))
STEADY = dict.fromkeys(range(24), 100)
PEAK = dict.fromkeys(range(24), 1) | {14: 1_000}


def write_days(lake: Path, *days: Views | None, missing: Mapping[int, Collection[int]] = {}) -> None:
    """Write day files: the last of them for the day itself, and the others for the days before. None lacks."""
    for number, views in enumerate(days):
        if views is not None:
            write_day(lake, DAY + (number + 1 - len(days)), views, missing.get(number, ()))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Return the folder of the lake that `settings` names."""
    return tmp_path / "lake"


def titles(frame: pl.DataFrame) -> list[str]:
    """Return the pages of a result in order."""
    return [f"{code}:{title}" for code, title in frame.select("domain_code", "page_title").rows()]


def test_mover_is_found_with_the_numbers_that_say_why(lake: Path, settings: Settings) -> None:
    week = [{("en", "Steady"): STEADY, ("en", "Mover"): {3: 20}, ("en.m", "Mover"): {4: 5}}] * 7
    write_days(lake, *week, {("en", "Steady"): STEADY, ("en", "Mover"): {1: 400, 2: 100}, ("en.m", "Mover"): {1: 500}})
    found = find_movers(DAY, settings)
    assert found.pages.schema == MOVERS
    (page,) = found.pages.to_dicts()
    assert page.pop("score") > 1_000
    assert page == {
        "domain_code": "en",
        "rank": 1,
        "page_title": "Mover",
        "views": 1_000,
        "mobile_views": 500,
        "earlier_mean": 25.0,
        "ratio": 40.0,
        "daily_views": [25] * 7 + [1_000],
    }
    assert (found.hours_with_data, found.earlier_hours_with_data) == (24, 168)
    assert (found.hours_without_data, found.days_without_file) == ([], [])


def test_spike_is_found_with_the_numbers_that_say_why(lake: Path, settings: Settings) -> None:
    write_days(lake, {("en", "Steady"): STEADY, ("en", "Spike"): PEAK, ("en.m", "Spike"): {14: 500, 15: 77}})
    found = find_spikes(DAY, settings)
    assert found.pages.schema == SPIKES
    (page,) = found.pages.to_dicts()
    assert page == {
        "domain_code": "en",
        "rank": 1,
        "page_title": "Spike",
        "peak_start": dt.datetime(2024, 12, 30, 14, tzinfo=dt.UTC),
        "peak_views": 1_500,
        "views": 1_600,
        "peak_share": 1_500 / 1_600,
        "peak_mobile_share": 1 / 3,
        "mobile_share": 577 / 1_600,
        "hourly_views": [1] * 14 + [1_500, 78] + [1] * 8,
    }


def test_missing_hours_make_no_mover(lake: Path, settings: Settings) -> None:
    half = dict.fromkeys(range(12), 100)
    write_days(lake, {("en", "A"): half}, {("en", "A"): STEADY}, missing={0: range(12, 24)})
    found = find_movers(DAY, settings, against=1, min_ratio=1.001)
    assert titles(found.pages) == []
    assert (found.earlier_hours_with_data, len(found.hours_without_data)) == (12, 12)
    write_days(lake, {("en", "A"): STEADY}, {("en", "A"): half}, missing={1: range(12, 24)})
    assert find_movers(DAY, settings, against=1, min_ratio=1).pages.get_column("ratio").to_list() == [1.0]


def test_hour_without_data_is_null_and_without_views_is_0(lake: Path, settings: Settings) -> None:
    write_days(lake, {("en", "A"): {0: 900}}, missing={0: [5]})
    found = find_spikes(DAY, settings)
    assert found.pages.get_column("hourly_views").to_list() == [[900, 0, 0, 0, 0, None] + [0] * 18]
    assert [hour.start.hour for hour in found.hours_without_data] == [5]


@pytest.mark.parametrize(("min_views", "count"), [(1_000, 1), (1_001, 0)])
def test_floor_of_views_is_included(lake: Path, settings: Settings, min_views: int, count: int) -> None:
    pages = {("en", "A"): {7: 333}, ("en.m", "A"): {7: 333}, ("en.zero", "A"): {7: 334}}
    write_days(lake, {("en", "B"): {1: 1}}, pages)
    assert len(find_movers(DAY, settings, min_views=min_views).pages) == count
    assert len(find_spikes(DAY, settings, min_views=min_views).pages) == count


@pytest.mark.parametrize(("floor", "count"), [(4.0, 1), (4.001, 0)])
def test_floor_of_the_ratio_is_included(lake: Path, settings: Settings, floor: float, count: int) -> None:
    write_days(lake, {("en", "A"): {1: 250}}, {("en", "A"): {1: 1_000}})
    assert len(find_movers(DAY, settings, min_ratio=floor).pages) == count


@pytest.mark.parametrize(("floor", "count"), [(0.75, 1), (0.751, 0)])
def test_floor_of_the_share_is_included(lake: Path, settings: Settings, floor: float, count: int) -> None:
    write_days(lake, {("en", "A"): {1: 750, 2: 250}})
    assert len(find_spikes(DAY, settings, min_peak_share=floor).pages) == count


def test_blacklist_excludes_by_the_code_of_the_line(tmp_path: Path, lake: Path, settings: Settings) -> None:
    write_days(lake, {("en", "B"): {1: 1}}, {("en", "A"): {7: 600}, ("en.m", "A"): {7: 700}, ("de", "A"): {7: 800}})
    (tmp_path / "blacklist").write_text("en.m A\nde %41\n")
    excluding = settings.model_copy(update={"blacklist": str(tmp_path / "blacklist")})
    for found in (find_movers(DAY, excluding).pages, find_spikes(DAY, excluding).pages):
        assert titles(found) == ["en:A"]
        assert found.get_column("views").to_list() == [600]


def test_unknown_pages_are_excluded_unless_kept(lake: Path, settings: Settings) -> None:
    write_days(lake, {("en", "B"): {1: 1}}, {("en", "-"): {7: 600}})
    keeping = settings.model_copy(update={"keep_unknown": True})
    for find in (find_movers, find_spikes):
        assert titles(find(DAY, settings).pages) == []
        assert titles(find(DAY, keeping).pages) == ["en:-"]


def test_each_named_wiki_is_ranked_by_itself(lake: Path, settings: Settings) -> None:
    pages = {(code, title): {7: views} for code in ("de.m", "en", "fr") for title, views in (("A", 900), ("B", 950))}
    write_days(lake, {("en", "C"): {1: 1}}, pages)
    for find in (find_movers, find_spikes):
        assert titles(find(DAY, settings, top=3).pages) == ["de:B", "en:B", "fr:B"]
        found = find(DAY, settings, domains=["fr", "de"], top=1).pages
        assert titles(found) == ["de:B", "fr:B"]
        assert found.get_column("rank").to_list() == [1, 1]
        assert titles(find(DAY, settings, domains=["en.m"], top=1).pages) == ["en:B"]
        assert find(DAY, settings, domains=["is"]).pages.is_empty()


def test_peak_is_the_earliest_hour_of_several(lake: Path, settings: Settings) -> None:
    write_days(lake, {("en", "A"): {3: 300, 9: 300}, ("en.m", "A"): {4: 300}})
    (page,) = find_spikes(DAY, settings, min_peak_share=0.1).pages.to_dicts()
    assert (page["peak_start"].hour, page["peak_mobile_share"]) == (3, 0)


def test_earlier_days_without_a_day_file_are_named_and_skipped(lake: Path, settings: Settings) -> None:
    write_days(lake, {("en", "A"): {1: 1}}, None, {("en", "A"): {1: 600}})
    found = find_movers(DAY, settings, against=3)
    assert found.days_without_file == [DAY + -3, DAY + -1]
    assert found.earlier == [DAY + -2]
    assert found.pages.get_column("daily_views").to_list() == [[None, 1, None, 600]]


def test_day_without_a_day_file_is_an_error(lake: Path, settings: Settings) -> None:
    write_days(lake, {("en", "A"): {1: 1}}, None)
    for find in (find_movers, find_spikes):
        with pytest.raises(NoDayFilesError, match="has no day file of 2024-12-30") as caught:
            find(DAY, settings)
        assert caught.value.days == ["2024-12-30"]


def test_movers_need_an_earlier_day(lake: Path, settings: Settings) -> None:
    write_days(lake, {("en", "A"): {1: 1}})
    with pytest.raises(NoDayFilesError, match="no day file of 2024-12-23 to 2024-12-29"):
        find_movers(DAY, settings)


def test_movers_need_an_earlier_hour_with_data(lake: Path, settings: Settings) -> None:
    write_days(lake, {}, {("en", "A"): {1: 1}}, missing={0: range(24)})
    with pytest.raises(UsageError, match="no hour before 2024-12-30 has data"):
        find_movers(DAY, settings, against=1)


def test_first_days_have_fewer_days_before_them(lake: Path, settings: Settings) -> None:
    first = Day(dt.date(2015, 5, 1))
    write_day(lake, first, {("en", "A"): {1: 1}})
    write_day(lake, first + 1, {("en", "A"): {1: 600}})
    assert find_movers(first + 1, settings).pages.get_column("daily_views").to_list() == [[1, 600]]
    with pytest.raises(UsageError, match="no hour before 2015-05-01 has data"):
        find_movers(first, settings)


def test_sum_that_does_not_fit_into_64_bits_is_an_error(lake: Path, settings: Settings) -> None:
    large = {1: 2**63 - 1}
    write_days(lake, {("en", "A"): {1: 1}}, {("en", "A"): large, ("en.m", "A"): large})
    for find in (find_movers, find_spikes):
        with pytest.raises(CorruptError, match="do not fit into 64 bits"):
            find(DAY, settings)


def test_damaged_day_file_is_an_error(lake: Path, settings: Settings) -> None:
    write_days(lake, {("en", "A"): {1: 1}}, {("en", "A"): {1: 600}})
    path = lake / day_path(DAY)
    path.write_bytes(path.read_bytes()[:-100])
    for find in (find_movers, find_spikes):
        with pytest.raises(OutputError, match="cannot read"):
            find(DAY, settings)


@pytest.mark.parametrize("wrong", [{"against": 0}, {"against": 32}, {"top": 0}, {"min_views": 0}, {"min_ratio": 0.9}])
def test_numbers_of_movers_have_a_range(settings: Settings, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        find_movers(DAY, settings, **wrong)


@pytest.mark.parametrize("wrong", [{"top": 0}, {"min_views": 0}, {"min_peak_share": 0}, {"min_peak_share": 1.1}])
def test_numbers_of_spikes_have_a_range(settings: Settings, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        find_spikes(DAY, settings, **wrong)


CODES = st.sampled_from(["", "de.m", "en", "en.m", "en.zero", "m.wd", "such.code"])
TITLES = st.sampled_from(["-", "A", "B", '"C"', "\u00e9", "\U0001f600", "\uffee"])
HOURS = st.integers(0, 23)
VIEWS = st.dictionaries(
    st.tuples(CODES, TITLES), st.dictionaries(HOURS, st.integers(0, 9), min_size=1, max_size=4), max_size=12
)
MISSING = st.sets(HOURS, max_size=4)


@st.composite
def days(draw: st.DrawFn) -> tuple[Views, set[int]]:
    """Return the views of a day, of which some hours are missing."""
    missing = draw(MISSING)
    views = {}
    for page, hours in draw(VIEWS).items():
        if kept := {hour: count for hour, count in hours.items() if hour not in missing}:
            views[page] = kept
    return views, missing


def rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with numbers that two ways to compute them can agree on."""
    return [{name: round(cell, 9) if isinstance(cell, float) else cell for name, cell in row.items()} for row in rows]


@hypothesis.settings(max_examples=40)
@hypothesis.given(
    earlier=st.lists(st.none() | days(), min_size=1, max_size=3),
    day=days(),
    blacklist=st.sets(st.tuples(CODES, TITLES), max_size=4),
    keep_unknown=st.booleans(),
    floors=st.tuples(st.integers(1, 12), st.sampled_from([1.0, 1.5, 3.0]), st.sampled_from([0.1, 0.5, 1.0])),
    top=st.integers(1, 6),
    domains=st.none() | st.sets(CODES, min_size=1),
    rows=st.sampled_from([1, 5, MERGED_ROWS]),
)
def test_movers_and_spikes_equal_the_reference(  # noqa: PLR0913 - what differs
    *,
    earlier: list[tuple[Views, set[int]] | None],
    day: tuple[Views, set[int]],
    blacklist: set[tuple[str, str]],
    keep_unknown: bool,
    floors: tuple[int, float, float],
    top: int,
    domains: set[str] | None,
    rows: int,
) -> None:
    if not any(earlier):
        earlier[0] = ({}, set())
    min_views, min_ratio, min_peak_share = floors
    given = reference.Input(blacklist, keep_unknown)
    wanted = None if domains is None else {reference.WIKIS.get(code, (code, False))[0] for code in domains}
    chosen: dict[str, Any] = {"domains": domains, "top": top, "min_views": min_views}
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("pvtop.pipeline.movers.MERGED_ROWS", rows)
        for number, found in enumerate([*earlier, day]):
            if found:
                write_day(Path(folder), DAY + (number - len(earlier)), *found)
        path = Path(folder) / "blacklist"
        path.write_text("".join(f"{code} {title}\n" for code, title in sorted(blacklist)))
        settings = Settings.load(
            blacklist=str(path) if blacklist else "none",
            output=folder,
            keep_unknown=keep_unknown,
            cache_dir=Path(folder) / "cache",
        )
        movers = find_movers(DAY, settings, against=len(earlier), min_ratio=min_ratio, **chosen).pages.to_dicts()
        spikes = find_spikes(DAY, settings, min_peak_share=min_peak_share, **chosen).pages.to_dicts()

    def right(rows: list[dict[str, Any]], *order: str) -> list[dict[str, Any]]:
        kept = [row for row in rows if wanted is None or row["domain_code"] in wanted]
        return rounded(reference.ranked(kept, order, top, per_domain=domains is not None))

    before = [found and (found[0], 24 - len(found[1])) for found in earlier]
    all_movers = reference.find_movers((day[0], 24 - len(day[1])), before, given, min_views, min_ratio)
    assert rounded(movers) == right(all_movers, "score", "views")
    all_spikes = reference.find_spikes(day[0], day[1], given, min_views, min_peak_share)
    hours = [row | {"peak_hour": row.pop("peak_start").hour} for row in spikes]
    assert rounded(hours) == right(all_spikes, "peak_views", "views")
