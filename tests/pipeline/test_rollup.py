"""Rollups: equal to sums in plain Python, made once, and made again only if something has changed."""

from __future__ import annotations

import contextlib
import gzip
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pvtop.core.day import Day
from pvtop.core.errors import CorruptError, InvalidReportError, MalformedError, NotPublishedError, OutputError
from pvtop.core.hour import Hour
from pvtop.core.period import Period
from pvtop.core.states import HourState
from pvtop.lake.lake import Lake
from pvtop.lake.layout import day_path, rollup_domains_path
from pvtop.pipeline import rollup_inputs, summing
from pvtop.pipeline.batch import run_hours
from pvtop.pipeline.days import build_days
from pvtop.pipeline.rollup import FEW_PAGES, RollupResult, run_rollup
from pvtop.settings import Settings
from pvtop.sources.cache import Cache
from pvtop.sources.scratch import scratch_folder
from support.days import DAY, Views, write_day
from support.lines import lines_of_page
from support.rollups import CODES, RollupReference, rollup_reference
from support.samples import DAY as ONE_DAY
from support.samples import WriteDump, serve
from support.server.files import Server

MAX_VIEWS = 2**63 - 1
ALL_DAY = range(24)
TITLES = [
    "a",
    "b",
    "B",
    "-",
    '"',
    '"a"',
    'a"b',
    "é",
    "\ufffd",
    "\U0001d11e",
    "a_b",
    "a,b",
    *(f"p{n}" for n in range(30)),
]
PAGES: Views = {
    ("en", "-"): {5: 100},
    ("en", "Climate"): {0: 1, 1: 2, 23: 3},
    ("en.m", "Climate"): {1: 5},
    ("en", "Special:Search"): {2: 50},
    ("de", "Klima"): {7: 4},
}

pages = st.tuples(st.sampled_from(CODES), st.sampled_from(TITLES))
counts = st.dictionaries(st.integers(0, 23), st.integers(0, 5) | st.integers(0, 2**40), min_size=1, max_size=4)
made_up_days = st.dictionaries(pages, counts, max_size=40)


def offline(folder: Path, **options: object) -> Settings:
    """Return settings for the lake in a folder, with a blacklist if there is one, and without any dump."""
    (folder / "source").mkdir(exist_ok=True)
    blacklist = folder / "blacklist"
    return Settings.load(
        source=str(folder / "source"),
        blacklist=str(blacklist) if blacklist.exists() else "none",
        output=str(folder / "lake"),
        cache_dir=folder / "cache",
        **options,
    )


def rows_of(result: RollupResult) -> RollupReference:
    return RollupReference(result.rollup.top_pages.rows(), result.rollup.domains.rows())


def without(views: Views, missing: Collection[int]) -> Views:
    """Return the pages of a day without the hours that are missing."""
    left = {
        page: {hour: count for hour, count in hours.items() if hour not in missing} for page, hours in views.items()
    }
    return {page: hours for page, hours in left.items() if hours}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Period, dict[Day, tuple[Views, set[int]]]]:
    """Make a period of up to three days, which may begin and end within a day, and the days with missing hours."""
    first, last = draw(st.integers(1, 24)), draw(st.integers(1, 72))
    start = Hour.of(DAY.date, 0)
    period = Period.of_hours(start + first, start + max(first, last))
    if draw(st.booleans()):
        period = Period.of_day(DAY)
    days = {}
    for day in period.days:
        missing = draw(st.sets(st.integers(0, 23), max_size=3))
        days[day] = (without(draw(made_up_days), missing), missing)
    return period, days


@hypothesis_settings(max_examples=40)
@given(cases(), st.sets(pages, max_size=20), st.integers(1, 5), st.booleans(), st.booleans())
def test_rollup_equals_sums_in_plain_python(
    case: tuple[Period, dict[Day, tuple[Views, set[int]]]],
    blacklist: set[tuple[str, str]],
    top: int,
    merged: bool,
    keep_unknown: bool,
) -> None:
    period, days = case
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [f"{code} {title}\n" for code, title in sorted(blacklist)]
        (folder / "blacklist").write_text("".join(lines or ["en nothing\n"]))
        for day, (views, missing) in days.items():
            write_day(folder / "lake", day, views, missing)
        there = {hour for day, hours in period.days.items() for hour in hours if hour.start.hour not in days[day][1]}
        chosen = offline(folder, top=top, keep_unknown=keep_unknown)
        if not there:
            with pytest.raises(NotPublishedError):
                run_rollup(period, chosen, merge_access=merged)
            return
        result = run_rollup(period, chosen, merge_access=merged)
        kept = Lake(chosen.output).rollup(period, merged=merged)
    wanted = [(days[day][0], [hour.start.hour for hour in hours]) for day, hours in period.days.items()]
    expected = rollup_reference(wanted, blacklist, top=top, keep_unknown=keep_unknown, merged=merged)
    assert rows_of(result) == expected
    assert set(result.rollup.provenance.missing) == set(period.hours) - there
    assert kept is not None
    assert kept.top_pages.equals(result.rollup.top_pages)
    assert kept.domains.equals(result.rollup.domains)
    assert kept.provenance == result.rollup.provenance


def test_many_days_go_through_scratch_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []

    @contextlib.contextmanager
    def watched(cache: Path) -> Iterator[Path]:
        with scratch_folder(cache) as folder:
            yield folder
            runs.extend(path.name for path in folder.iterdir())

    monkeypatch.setattr(summing, "scratch_folder", watched)
    period = Period.of_hours(Hour.of(date(2024, 1, 1), 5), Hour.of(date(2024, 2, 2), 4))
    days = [
        ({("en", "same"): {number % 24: 1}, ("en.m", f"p{number}"): {3: number}}, [hour.start.hour for hour in hours])
        for number, hours in enumerate(period.days.values())
    ]
    for day, (views, _) in zip(period.days, days, strict=True):
        write_day(tmp_path / "lake", day, views)
    for merged in (False, True):
        result = run_rollup(period, offline(tmp_path), merge_access=merged)
        assert rows_of(result) == rollup_reference(days, merged=merged)
    assert runs == ["0.arrow", "0.arrow"]
    assert not list((tmp_path / "cache").rglob("*.arrow"))


def test_blacklist_applies_to_the_code_of_the_line(tmp_path: Path) -> None:
    (tmp_path / "blacklist").write_text("en.m Climate\n")
    write_day(tmp_path / "lake", DAY, PAGES)
    found = run_rollup(Period.of_day(DAY), offline(tmp_path), merge_access=True).rollup
    assert found.top_pages.filter(page_title="Climate").rows() == [("en", 2, "Climate", 6, 0)]
    assert found.domains.filter(domain_code="en").rows() == [("en", 6, 161, 1, 5, 5)]


def test_ambiguous_codes_are_named(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, {("nl.m", "a"): {0: 1}, ("nl.m.m", "a"): {0: 1}, ("en.m", "a"): {0: 1}})
    write_day(tmp_path / "lake", DAY + 1, {("se.m", "a"): {0: 1}})
    period, chosen = Period.of_day(DAY), offline(tmp_path)
    assert run_rollup(period, chosen, merge_access=True).rollup.provenance.ambiguous == ("nl.m",)
    assert run_rollup(period, chosen).rollup.provenance.ambiguous == ()


@pytest.mark.parametrize("code", ["en", "en.m"])
@pytest.mark.parametrize("merged", [False, True])
def test_sum_beyond_64_bits_is_an_error(tmp_path: Path, code: str, merged: bool) -> None:
    write_day(tmp_path / "lake", DAY, {("en", "a"): {0: MAX_VIEWS}})
    write_day(tmp_path / "lake", DAY + 1, {(code, "a"): {0: 1}})
    period, chosen = Period.of_hours(DAY.hours[0], (DAY + 1).hours[-1]), offline(tmp_path)
    if code == "en.m" and not merged:
        assert run_rollup(period, chosen).rollup.top_pages.get_column("views").to_list() == [MAX_VIEWS, 1]
        return
    with pytest.raises(CorruptError, match="does not fit into 64 bits"):
        run_rollup(period, chosen, merge_access=merged)
    assert Lake(chosen.output).rollup(period, merged=merged) is None


def test_totals_beyond_64_bits_are_an_error(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, {("en", "-"): {0: MAX_VIEWS}, ("en", "a"): {0: 1}})
    with pytest.raises(CorruptError, match="does not fit into 64 bits"):
        run_rollup(Period.of_day(DAY), offline(tmp_path))


def test_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, PAGES, missing=[4])
    period, chosen = Period.of_day(DAY), offline(tmp_path)
    first = run_rollup(period, chosen)
    before = Path(first.top_pages).stat().st_mtime_ns
    again = run_rollup(period, chosen)
    assert (first.state, again.state) == (HourState.MADE, HourState.UNCHANGED)
    assert Path(first.top_pages).stat().st_mtime_ns == before
    assert again.rollup.top_pages.equals(first.rollup.top_pages)


def test_removed_day_file_does_not_make_a_rollup_outdated(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, PAGES)
    period, chosen = Period.of_day(DAY), offline(tmp_path)
    run_rollup(period, chosen)
    (tmp_path / "lake" / day_path(DAY)).unlink()
    assert run_rollup(period, chosen).state is HourState.UNCHANGED


@pytest.mark.parametrize(
    "change",
    [{"top": 3}, {"keep_unknown": True}, {"force": True}, {"blacklist": "other"}],
    ids=lambda change: next(iter(change)),
)
def test_rollup_is_made_again_if_a_setting_has_changed(tmp_path: Path, change: Mapping[str, object]) -> None:
    (tmp_path / "other").write_text("en Climate\n")
    write_day(tmp_path / "lake", DAY, PAGES)
    chosen = offline(tmp_path)
    run_rollup(Period.of_day(DAY), chosen)
    assert run_rollup(Period.of_day(DAY), chosen.model_copy(update=change)).state is HourState.MADE


def test_rollup_is_made_again_if_a_missing_hour_has_appeared(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, without(PAGES, [7]), missing=[7])
    period, chosen = Period.of_day(DAY), offline(tmp_path)
    assert run_rollup(period, chosen).rollup.provenance.missing == [DAY.hours[7]]
    write_day(tmp_path / "lake", DAY, PAGES)
    again = run_rollup(period, chosen)
    assert (again.state, again.rollup.provenance.missing) == (HourState.MADE, [])


def test_rollup_is_not_replaced_by_one_with_fewer_hours(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, PAGES)
    period, chosen = Period.of_day(DAY), offline(tmp_path)
    kept = Path(run_rollup(period, chosen).top_pages).read_bytes()
    write_day(tmp_path / "lake", DAY, without(PAGES, [7]), missing=[7])
    fewer = chosen.model_copy(update={"top": 3})
    with pytest.raises(InvalidReportError, match=f"hours that are missing now: {DAY.hours[7].iso}"):
        run_rollup(period, fewer)
    assert Path(tmp_path, "lake/rollups/day/top_pages", DAY.partition, "top_pages.parquet").read_bytes() == kept
    assert run_rollup(period, fewer.model_copy(update={"force": True})).state is HourState.MADE


def test_rollup_that_cannot_be_read_is_not_replaced_by_one_that_lacks_hours(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, PAGES)
    period, chosen = Period.of_day(DAY), offline(tmp_path)
    path = Path(run_rollup(period, chosen).top_pages)
    path.write_bytes(b"of another version")
    write_day(tmp_path / "lake", DAY, without(PAGES, [7]), missing=[7])
    with pytest.raises(InvalidReportError, match=f"may have hours that are missing now: {DAY.hours[7].iso}") as caught:
        run_rollup(period, chosen)
    assert (caught.value.setting, path.read_bytes()) == ("force", b"of another version")
    assert run_rollup(period, chosen.model_copy(update={"force": True})).state is HourState.MADE


def test_rollup_whose_totals_cannot_be_read_is_made_again_if_it_loses_no_hour(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, PAGES, missing=[11])
    period, chosen = Period.of_day(DAY), offline(tmp_path)
    Path(run_rollup(period, chosen).domains).write_bytes(b"garbage")
    assert run_rollup(period, chosen).state is HourState.MADE


def test_rollup_prunes_the_cache_when_it_ends(server: Server) -> None:
    settings = serve(server, ONE_DAY[:3]).model_copy(update={"cache_max_size": 0})
    period = Period(ONE_DAY[0], ONE_DAY[2])
    assert run_rollup(period, settings).state is HourState.MADE
    assert all(server.asked(f"/{hour.dump_path}") for hour in period.hours)
    assert list(Cache(settings.cache_dir).dumps()) == []
    assert run_rollup(period, settings).state is HourState.UNCHANGED


def test_strict_refuses_missing_hours(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, PAGES, missing=[11, 12, 20])
    period, chosen = Period.of_day(DAY), offline(tmp_path)
    message = "3 of 24 hours of 2024-12-30 are missing: 2024-12-30T12 to 2024-12-30T13, 2024-12-30T21"
    with pytest.raises(NotPublishedError, match=message):
        run_rollup(period, chosen, strict=True)
    run_rollup(period, chosen)
    with pytest.raises(NotPublishedError, match=message):
        run_rollup(period, chosen, strict=True)


def test_range_that_is_a_day_is_written_as_the_day(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, PAGES)
    result = run_rollup(Period.of_hours(DAY.hours[0], DAY.hours[-1]), offline(tmp_path))
    assert result.top_pages == f"{tmp_path}/lake/rollups/day/top_pages/{DAY.partition}/top_pages.parquet"
    assert result.domains == f"{tmp_path}/lake/rollups/day/domains/{DAY.partition}/domains.parquet"


def test_rollup_from_dumps_has_the_bytes_of_one_from_a_day_file(tmp_path: Path, write_dump: WriteDump) -> None:
    for hour in DAY.hours[::5]:
        repeated = "nl.m a 1 0\nnl.m a 2 0\n"
        write_dump(f'en a {hour.stamp.hour + 1} 0\nen.m "a\\"b" 3 0\nen.m - 3 0\n{repeated}', hour)
    period, chosen = Period.of_hours(DAY.hours[3], (DAY + 1).hours[2]), offline(tmp_path)
    write_dump("en a 4 0\n", (DAY + 1).hours[2])
    for merged in (False, True):
        result = run_rollup(period, chosen, merge_access=merged)
        from_dumps = [Path(path).read_bytes() for path in (result.top_pages, result.domains)]
        assert not list((tmp_path / "lake/days").rglob("*.parquet"))
        build_days([DAY, DAY + 1], chosen)
        again = run_rollup(period, chosen.model_copy(update={"force": True}), merge_access=merged)
        assert again.state is HourState.MADE
        assert [Path(path).read_bytes() for path in (again.top_pages, again.domains)] == from_dumps
        for day in (DAY, DAY + 1):
            (tmp_path / "lake" / day_path(day)).unlink()
        assert run_rollup(period, chosen, merge_access=merged).state is HourState.UNCHANGED


Line = tuple[int, tuple[str, str], bytes]
"""A line of a dump: its number among the lines of its page, the page, and the text."""

ORDERS: dict[str, Callable[[Line], tuple[object, ...]]] = {
    "by page": lambda line: (line[1], line[0]),
    "by title": lambda line: (line[1][1], line[1][0], line[0]),
    "repeats last": lambda line: line,
}


def write_dumps(source: Path, views: Views, order: str = "by page", most: int = 1, day: Day = DAY) -> set[Hour]:
    """Write the dumps of the hours of a day that have pages. Return these hours.

    Args:
        source: The source.
        views: The pages.
        order: A key of `ORDERS`.
        most: The number of lines of a page in an hour if a dump may list it so often.
        day: The day.
    """
    lines: dict[int, list[Line]] = {}
    for page, hours in views.items():
        for hour, count in hours.items():
            found = enumerate(lines_of_page(*page, count, most))
            lines.setdefault(hour, []).extend((number, page, line) for number, line in found)
    for hour, of_hour in lines.items():
        write_lines(source, day.hours[hour], b"".join(line for *_, line in sorted(of_hour, key=ORDERS[order])))
    return {day.hours[hour] for hour in lines}


def write_lines(source: Path, hour: Hour, lines: bytes) -> None:
    """Write the dump of an hour."""
    path = source / hour.dump_path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(lines))


few_hours = st.dictionaries(st.sampled_from([3, 4, 17]), st.integers(0, 5) | st.integers(0, 2**40), min_size=1)
made_up_dumps = st.dictionaries(pages, few_hours, min_size=1, max_size=60)
routes = st.sampled_from(["dumps", "dumps and reports", "dumps and reports of another top", "day file"])
tops = st.integers(1, 4) | st.just(FEW_PAGES + 1)
exclusions = st.fixed_dictionaries({"top": tops, "keep_unknown": st.booleans()})
sources = st.tuples(routes, st.sampled_from(sorted(ORDERS)), st.integers(1, 3))


@hypothesis_settings(max_examples=25)
@given(made_up_dumps, st.sets(pages, max_size=10), exclusions, st.booleans(), sources)
def test_rollup_from_dumps_equals_sums_in_plain_python(
    views: Views, blacklist: set[tuple[str, str]], options: dict[str, int], merged: bool, source: tuple[str, str, int]
) -> None:
    top, (route, order, most) = options["top"], source
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [f"{code} {title}\n" for code, title in sorted(blacklist)]
        (folder / "blacklist").write_text("".join(lines or ["en nothing\n"]))
        there = write_dumps(folder / "source", views, order, most)
        chosen = offline(folder, **options)
        if route == "day file":
            build_days([DAY], chosen)
        elif route != "dumps":
            of_reports = top if route == "dumps and reports" else top + 1
            run_hours(sorted(there), chosen.model_copy(update={"top": of_reports}), progress=False)
        result = run_rollup(DAY, chosen, merge_access=merged)
    keep_unknown = bool(options["keep_unknown"])
    expected = rollup_reference([(views, ALL_DAY)], blacklist, top=top, keep_unknown=keep_unknown, merged=merged)
    assert rows_of(result) == expected
    assert set(result.rollup.provenance.missing) == {*DAY.hours} - there


THREE_DAYS: list[Views] = [
    {
        ("en", "Climate"): {0: 1, 5: 7},
        ("en.m", "Climate"): {5: 2},
        ("en", "only_on_the_first_day"): {1: 40},
        ("de", "Klima"): {7: 4},
        ("nl.m", "Klimaat"): {7: 4},
    },
    {
        ("en", "Climate"): {3: 5, 4: 1},
        ("en.m", "Climate"): {3: 11},
        ("en.zero", "Climate"): {4: 3},
        ("en", "-"): {3: 100},
        ("en", "Special:Search"): {3: 50, 9: 50},
        ("en.b", 'a"b'): {9: 2},
        ("", "x"): {9: 1},
        ("nl.m", "Klimaat"): {9: 1},
        **{("en", f"p{number:03}"): {number % 2 + 3: number} for number in range(2 * FEW_PAGES)},
    },
    {
        ("en", "Climate"): {0: 2, 23: 9},
        ("en.m", "Special:Search"): {0: 6},
        ("en.m", "-"): {0: 1},
        ("de", "Klima"): {0: 4},
        ("en.b", 'a"b'): {23: 2},
        **{("en.m", f"p{number:03}"): {number % 2 * 23: 3} for number in range(FEW_PAGES)},
    },
]
"""The pages of the days of a rollup. The first day has a day file. The others have dumps."""


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize(
    ("first_has_day_file", "top"), [(True, 3), (True, FEW_PAGES + 1), (False, FEW_PAGES + 1), (False, 3)]
)
def test_rollup_of_dumps_of_several_days_equals_sums_in_plain_python(
    tmp_path: Path, first_has_day_file: bool, top: int, merged: bool
) -> None:
    (tmp_path / "blacklist").write_text("en Special:Search\nde nothing\n")
    for day, views in zip((DAY, DAY + 1, DAY + 2), THREE_DAYS, strict=True):
        if first_has_day_file and day == DAY:
            write_day(tmp_path / "lake", day, views)
        else:
            write_dumps(tmp_path / "source", views, day=day)
    period = Period.of_hours(DAY.hours[5], (DAY + 2).hours[-1])
    result = run_rollup(period, offline(tmp_path, top=top), merge_access=merged)
    wanted = [
        (views, [hour.start.hour for hour in hours])
        for views, hours in zip(THREE_DAYS, period.days.values(), strict=True)
    ]
    assert rows_of(result) == rollup_reference(wanted, {("en", "Special:Search")}, top=top, merged=merged)
    assert result.rollup.provenance.ambiguous == (("nl.m",) if merged else ())
    assert not list((tmp_path / "cache").rglob("*.arrow"))


@pytest.mark.parametrize("lines", ["en a 1 0\nen a 2 0\n", "en b 1 0\nen a 2 0\nen b 1 0\n"])
def test_page_twice_in_a_dump_is_refused(tmp_path: Path, write_dump: WriteDump, lines: str) -> None:
    others = "".join(f"de p{number} 9 0\n" for number in range(9))
    write_dump(f"{others}en top 5 0\n{lines}", DAY.hours[3])
    write_dump("en top 1 0\n", DAY.hours[4])
    with pytest.raises(InvalidReportError, match="page twice: 'en'"):
        run_rollup(DAY, offline(tmp_path, top=2))


def test_repeated_page_of_a_shared_code_is_added_up_though_each_line_is_small(
    tmp_path: Path, write_dump: WriteDump
) -> None:
    """Each hour's report has another page, and the page that ranks is in none of them."""
    write_dump("commons.m a 4 0\ncommons.m b 3 0\ncommons.m b 3 0\n", DAY.hours[3])
    write_dump("commons.m c 4 0\ncommons.m b 3 0\ncommons.m b 3 0\n", DAY.hours[4])
    found = run_rollup(DAY, offline(tmp_path, top=1)).rollup
    assert found.top_pages.rows() == [("commons.m", 1, "b", 12)]


REPEATS = b"""commons.m A 1 0
commons.m A 2 0
commons.m B 3 0
en caf\xff 7 0
en caf\xfe 5 0
en.m caf\xff 1 0
nl X 1 0
nl.m X 3 0
nl.m X 2 0
"" Z6 4 0
"" Z6 1 0
"" Z6 1 0
"" - 1 0
"" - 1 0
"""
PAGES_ONCE: list[tuple[str, int, int, int, int]] = [
    ("", 2, 8, 1, 6),
    ("commons.m", 3, 8, 2, 5),
    ("en", 1, 12, 0, 0),
    ("en.m", 1, 1, 0, 0),
    ("nl", 1, 1, 0, 0),
    ("nl.m", 1, 5, 1, 5),
]
MERGED_ONCE = [("", 2, 8, 1, 6, None), ("commons.m", 3, 8, 2, 5, 0), ("en", 2, 13, 0, 0, 1), ("nl", 2, 6, 1, 5, 5)]


@pytest.mark.parametrize(("merged", "expected"), [(False, PAGES_ONCE), (True, MERGED_ONCE)])
@pytest.mark.parametrize("top", [1, FEW_PAGES + 1])
@pytest.mark.parametrize("source", ["dumps", "reports", "day file"])
def test_totals_count_a_repeated_page_once_for_each_hour(
    tmp_path: Path, source: str, top: int, merged: bool, expected: list[tuple[object, ...]]
) -> None:
    """A title on desktop and on mobile is two pages. So it counts twice, even if access is merged."""
    write_lines(tmp_path / "source", DAY.hours[3], REPEATS)
    write_lines(tmp_path / "source", DAY.hours[4], b"commons.m A 2 0\n")
    (tmp_path / "blacklist").write_text('commons.m A\nnl.m X\n"" Z6\n')
    chosen = offline(tmp_path, top=top)
    if source == "reports":
        run_hours(DAY.hours[3:5], chosen, progress=False)
    elif source == "day file":
        build_days([DAY], chosen)
    assert run_rollup(DAY, chosen, merge_access=merged).rollup.domains.rows() == expected


def test_malformed_dump_is_refused_although_its_report_is_in_the_lake(tmp_path: Path, write_dump: WriteDump) -> None:
    write_dump("en a 1 0\nen\n", DAY.hours[3])
    run_hours([DAY.hours[3]], offline(tmp_path, malformed_limit=0.9), progress=False)
    assert Lake(tmp_path / "lake").newest() == DAY.hours[3]
    with pytest.raises(MalformedError, match="are malformed"):
        run_rollup(DAY, offline(tmp_path))


def test_many_pages_per_domain_are_summed_in_scratch_space(tmp_path: Path, write_dump: WriteDump) -> None:
    write_dump("en a 1 0\n", DAY.hours[3])
    few, many = (run_rollup(DAY, offline(tmp_path, top=top)).rollup for top in (FEW_PAGES, FEW_PAGES + 1))
    assert many.top_pages.equals(few.top_pages)


def test_dump_of_an_hour_that_a_day_file_lacks_is_added(tmp_path: Path, write_dump: WriteDump) -> None:
    for hour in DAY.hours[::5]:
        write_dump(f"en a {hour.stamp.hour + 1} 0\nen.m a 3 0\n", hour)
    period, chosen = Period.of_day(DAY), offline(tmp_path)
    for merged in (False, True):
        result = run_rollup(period, chosen, merge_access=merged)
        from_dumps = [Path(path).read_bytes() for path in (result.top_pages, result.domains)]
        late = tmp_path / "source" / DAY.hours[5].dump_path
        late.rename(tmp_path / "late")
        build_days([DAY], chosen)
        forced = chosen.model_copy(update={"force": True})
        assert DAY.hours[5] in run_rollup(period, forced, merge_access=merged).rollup.provenance.missing
        (tmp_path / "late").rename(late)
        again = run_rollup(period, chosen, merge_access=merged)
        assert again.state is HourState.MADE
        assert [Path(path).read_bytes() for path in (again.top_pages, again.domains)] == from_dumps
        assert run_rollup(period, chosen, merge_access=merged).state is HourState.UNCHANGED
        (tmp_path / "lake" / day_path(DAY)).unlink()


def test_known_digests_are_not_taken_again(
    tmp_path: Path, write_dump: WriteDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dump("en a 1 0\n", DAY.hours[3])
    period, chosen, read = Period.of_day(DAY), offline(tmp_path), []
    run_rollup(period, chosen)
    monkeypatch.setattr(rollup_inputs, "find_dump", lambda hour, _: read.append(hour))
    assert run_rollup(period, chosen).state is HourState.UNCHANGED
    assert read == []


def test_rollup_is_made_again_if_a_dump_has_changed(tmp_path: Path, write_dump: WriteDump) -> None:
    write_dump("en a 1 0\n", DAY.hours[3])
    period, chosen = Period.of_day(DAY), offline(tmp_path)
    run_rollup(period, chosen)
    write_dump("en a 2 0\n", DAY.hours[3])
    again = run_rollup(period, chosen)
    assert (again.state, again.rollup.top_pages.get_column("views").to_list()) == (HourState.MADE, [2])
    (tmp_path / "source" / DAY.hours[3].dump_path).unlink()
    assert run_rollup(period, chosen).state is HourState.UNCHANGED
    write_dump("en a 2 0\n", DAY.hours[4])
    with pytest.raises(InvalidReportError):
        run_rollup(period, chosen)


def test_no_hour_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotPublishedError, match="all hours of 2024-12-30 are missing"):
        run_rollup(Period.of_day(DAY), offline(tmp_path))
    assert not list((tmp_path / "lake").rglob("*.parquet"))


def test_rollup_shows_its_state_its_first_pages_and_what_is_missing(tmp_path: Path) -> None:
    write_day(tmp_path / "lake", DAY, PAGES, missing=[9])
    result = run_rollup(DAY, offline(tmp_path))
    assert repr(result) == "<RollupResult of 2024-12-30: made, 3 domains, 4 entries>"
    assert repr(result.rollup.provenance) == "<RollupProvenance of 2024-12-30: 23 dumps>"
    shown = result._repr_html_()
    assert "Rollup of 2024-12-30: made; 3 domains, 4 entries<br>" in shown
    assert f"<br>{result.top_pages}<br>Missing: 2024-12-30T10<" in shown
    assert '<a href="https://en.wikipedia.org/wiki/Climate">Climate</a>' in shown
    assert "unchanged" in run_rollup(DAY, offline(tmp_path))._repr_html_()


def test_totals_of_another_rollup_are_not_shown_as_those_of_this_one(tmp_path: Path) -> None:
    for day in (DAY, DAY + 1):
        write_day(tmp_path / "lake", day, PAGES)
        run_rollup(Period.of_day(day), offline(tmp_path))
    first, other = (tmp_path / "lake" / rollup_domains_path(Period.of_day(day), merged=False) for day in (DAY, DAY + 1))
    right = other.read_bytes()
    other.write_bytes(first.read_bytes())
    with pytest.raises(OutputError, match=f"cannot read {other}: it is not from the same rollup"):
        Lake(tmp_path / "lake").rollup(Period.of_day(DAY + 1))
    assert run_rollup(Period.of_day(DAY + 1), offline(tmp_path)).state is HourState.MADE
    assert other.read_bytes() == right
