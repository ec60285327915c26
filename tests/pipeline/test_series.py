"""Series from day files and dumps, against plain Python."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import fsspec
import hypothesis
import pytest
from hypothesis import strategies as st

from pvtop.core.day import Day
from pvtop.core.errors import CorruptError, MalformedError, NotInLakeError, SourceError, UsageError
from pvtop.core.hour import Hour
from pvtop.core.page import Page
from pvtop.core.period import Period, Step
from pvtop.lake.layout import day_path
from pvtop.pipeline.series import last_days, read_series
from pvtop.settings import Settings
from pvtop.sources.facts import FileFacts, sidecar
from pvtop.transform.schemas import MERGED_SERIES, SERIES
from support.days import DAY, write_day
from support.lines import lines_of_page
from support.samples import SOURCE, WriteDump

Key = tuple[str, str]
HourViews = Mapping[Key, int]

WIKIS = [
    ("en", "en.m", "en.zero"),
    ("www.wd", "m.wd"),
    ("nl", "nl.m"),
    ("nl.m", "nl.m.m"),  # the first one is taken by the Wikipedia, so only the second one counts here
    ("commons.m", "commons.m.m"),
]
UNKNOWN_CODES = ["", "no-such-code!"]
CODES = [*UNKNOWN_CODES, *sorted({code for wiki in WIKIS for code in wiki})]
TITLES = ["Climate", "-", "Talk:A:B", '"Heroes"', 'back\\slash_"quoted"', "é", "\ufffd"]
DAYS = [DAY, DAY + 1]
HOURS = [hour for day in DAYS for hour in day.hours]

keys = st.tuples(st.sampled_from(CODES), st.sampled_from(TITLES))
hour_views = st.none() | st.dictionaries(keys, st.integers(0, 9), max_size=6)


def desktop_of(code: str) -> str:
    """Return the desktop code of one of the codes of this test."""
    return next((wiki[0] for wiki in WIKIS if code in wiki and not (wiki[0] == code == "nl.m")), code)


def is_mobile(code: str) -> bool:
    return code in {"en.m", "en.zero", "m.wd", "nl.m", "nl.m.m", "commons.m.m"}


def expected(
    pages: Iterable[Page], period: Period, views: Mapping[Hour, HourViews | None], step: Step, *, merged: bool
) -> list[tuple[object, ...]]:
    """Return the rows of a series, counted page by page and hour by hour."""
    rows: list[tuple[object, ...]] = []
    for code, title in dict.fromkeys((desktop_of(p.domain_code) if merged else p.domain_code, p.title) for p in pages):
        sums: dict[datetime, list[int]] = {}
        for hour in period.hours:
            start = hour.start if step is Step.HOUR else hour.start.replace(hour=0)
            sums.setdefault(start, [])
            if (of_hour := views[hour]) is not None:
                alike = [one for one in CODES if (desktop_of(one) if merged else one) == code]
                counts = {one: of_hour.get((one, title), 0) for one in alike}
                mobile = sum(count for one, count in counts.items() if is_mobile(one))
                earlier, earlier_mobile = sums[start] or (0, 0)
                sums[start] = [earlier + sum(counts.values()), earlier_mobile + mobile]
        for start, both in sums.items():
            total, of_mobile = both or (None, None)
            split = [None if code in UNKNOWN_CODES else of_mobile] if merged else []
            rows.append((start, code, title, total, *split))
    return rows


def write_hour(source: Path, hour: Hour, views: HourViews) -> None:
    """Write a dump. Pages that a dump may list again have two or three lines if their views are odd."""
    path = source / hour.dump_path
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [line for page, count in views.items() for line in lines_of_page(*page, count, most=1 + count % 2 * 2)]
    path.write_bytes(gzip.compress(b"other Page 1 0\n" + b"".join(lines), 1, mtime=0))


def day_views(day: Day, views: Mapping[Hour, HourViews | None]) -> dict[Key, dict[int, int]]:
    """Return the views of a day by page and hour."""
    found: dict[Key, dict[int, int]] = {}
    for hour in day.hours:
        for key, count in (views[hour] or {}).items():
            found.setdefault(key, {})[hour.start.hour] = count
    return found


class Case(NamedTuple):
    """A series, and what there is of two days."""

    views: dict[Hour, HourViews | None]
    with_file: set[Day]
    pages: list[Page]
    period: Period


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw the views of some hours, all others being missing or, sometimes, empty."""
    some = draw(st.dictionaries(st.sampled_from(HOURS), hour_views, max_size=12))
    others: HourViews | None = draw(st.sampled_from([None, None, None, {}]))
    with_file = draw(st.sets(st.sampled_from(DAYS)))
    pages = [Page(*key) for key in draw(st.lists(keys, min_size=1, max_size=6))]
    bounds = sorted(draw(st.tuples(st.sampled_from(HOURS), st.sampled_from(HOURS))))
    return Case({hour: some.get(hour, others) for hour in HOURS}, with_file, pages, Period(*bounds))


def write_case(case: Case, root: Path) -> Settings:
    """Write the day files and the dumps. Return the settings for them."""
    (root / "source").mkdir()
    for day in DAYS:
        if day in case.with_file:
            missing = [hour.start.hour for hour in day.hours if case.views[hour] is None]
            write_day(root / "lake", day, day_views(day, case.views), missing)
        else:
            for hour in day.hours:
                if (views := case.views[hour]) is not None:
                    write_hour(root / "source", hour, views)
    return Settings.load(source=str(root / "source"), output=str(root / "lake"), cache_dir=root / "cache")


@hypothesis.settings(max_examples=50)
@hypothesis.given(case=cases(), step=st.sampled_from(Step), merged=st.booleans())
def test_series_equals_a_count_in_plain_python(*, case: Case, step: Step, merged: bool) -> None:
    without_data = [hour for hour in case.period.hours if case.views[hour] is None]
    with tempfile.TemporaryDirectory() as folder:
        settings = write_case(case, Path(folder))
        if len(without_data) == len(case.period.hours):
            with pytest.raises(NotInLakeError):
                read_series(case.pages, case.period, settings, step, merge_access=merged)
            return
        found = read_series(case.pages, case.period, settings, step, merge_access=merged)
    assert found.frame.schema == (MERGED_SERIES if merged else SERIES)
    assert found.frame.rows() == expected(case.pages, case.period, case.views, step, merged=merged)
    assert found.hours_without_data == without_data
    assert found.days_without_file == [day for day in case.period.days if day not in case.with_file]
    seen = {(code, title) for _, code, title, count, *_ in found.frame.iter_rows() if count}
    assert found.never_seen == [page for page in found.pages if (page.domain_code, page.title) not in seen]


def test_dumps_of_the_sample_are_read_as_they_are(settings: Settings, tmp_path: Path) -> None:
    settings = Settings.load(source=str(SOURCE), output=str(tmp_path / "lake"))
    hours = Period(Hour.parse("2024-12-31T13"), Hour.parse("2024-12-31T14"))
    wanted = {("en", "Main_Page"): [0, 0], ("", "Main_Page"): [0, 0], ("ja", "-"): [0, 0]}
    for place, hour in enumerate(hours.hours):
        for line in gzip.decompress((SOURCE / hour.dump_path).read_bytes()).decode().splitlines():
            code, title, *counts = line.split(" ")  # malformed lines lack the counts
            if counts and (key := (code.replace('""', ""), title)) in wanted:
                wanted[key][place] += int(counts[0])
    assert sum(wanted["en", "Main_Page"])
    found = read_series([Page(*key) for key in wanted], hours, settings)
    assert found.frame.get_column("views").to_list() == [count for counts in wanted.values() for count in counts]


def test_dump_in_the_cache_is_read_without_a_network(tmp_path: Path, write_dump: WriteDump) -> None:
    hour = DAY.hours[5]
    dump = write_dump("en Climate 7 0\n", hour)
    settings = Settings.load(source="http://127.0.0.1:1", output=str(tmp_path / "lake"), cache_dir=tmp_path / "source")
    period = Period(hour, hour + 1)
    with pytest.raises(NotInLakeError, match="none of its dumps is on this machine"):
        read_series([Page("en", "Climate")], period, settings)
    facts = FileFacts(f"http://127.0.0.1:1/{hour.dump_path}", dump.stat().st_size, "0" * 64)
    sidecar(dump).write_text(
        f'{{"address": "{facts.address}", "bytes": {facts.bytes}, "sha256": "{facts.sha256}", '
        '"etag": null, "last_modified": null}'
    )
    found = read_series([Page("en", "Climate")], period, settings)
    assert found.frame.get_column("views").to_list() == [7, None]
    assert found.hours_without_data == [hour + 1]


def test_hour_that_a_day_file_lacks_is_not_read_from_its_dump(settings: Settings, write_dump: WriteDump) -> None:
    write_dump("en Climate 7 0\n", DAY.hours[5])
    write_day(Path(settings.output), DAY, {("en", "Climate"): {4: 1}}, missing=[5])
    found = read_series([Page("en", "Climate")], Period(DAY.hours[4], DAY.hours[5]), settings)
    assert found.frame.get_column("views").to_list() == [1, None]


def test_day_with_some_hours_missing_is_the_sum_of_the_others(settings: Settings) -> None:
    write_day(Path(settings.output), DAY, {("en", "Climate"): {4: 1, 23: 2}}, missing=[5, 6])
    write_day(Path(settings.output), DAY + 1, {}, missing=range(24))
    period = Period(DAY.hours[4], (DAY + 1).hours[-1])
    found = read_series([Page("en", "Climate")], period, settings, Step.DAY)
    assert found.frame.get_column("views").to_list() == [3, None]
    assert found.hours == {DAY.start: 18, (DAY + 1).start: 0}
    assert found.partial_days == [DAY]


def test_series_needs_a_page(settings: Settings) -> None:
    with pytest.raises(UsageError, match="no pages"):
        read_series([], Period.of_day(DAY), settings)


def test_series_of_a_missing_source_folder_is_an_error(settings: Settings) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read_series([Page("en", "Climate")], Period.of_day(DAY), settings)


def test_period_whose_dumps_were_all_missing_has_no_data(settings: Settings) -> None:
    write_day(Path(settings.output), DAY, {}, missing=range(24))
    with pytest.raises(NotInLakeError, match="all dumps of 2024-12-30 were missing"):
        read_series([Page("en", "Climate")], Period.of_day(DAY), settings)


@pytest.mark.parametrize("step", Step)
def test_sum_beyond_64_bits_is_an_error(settings: Settings, step: Step) -> None:
    most = 2**63 - 1
    write_day(Path(settings.output), DAY, {("en", "A"): {4: most}, ("en.m", "A"): {4: 1}})
    page, period = Page("en", "A"), Period.of_day(DAY)
    assert read_series([page], period, settings, step).frame.get_column("views").max() == most
    with pytest.raises(CorruptError, match="64 bits"):
        read_series([page], period, settings, step, merge_access=True)


def test_dump_with_too_many_malformed_lines_is_refused(settings: Settings, write_dump: WriteDump) -> None:
    write_dump("en Climate 7 0\nen\n", DAY.hours[5])
    with pytest.raises(MalformedError, match="1 of 2 lines"):
        read_series([Page("en", "Climate")], Period.of_day(DAY), settings)


def test_damaged_dump_ends_the_series(settings: Settings, write_dump: WriteDump) -> None:
    dump = write_dump("en Climate 7 0\n", DAY.hours[5])
    dump.write_bytes(dump.read_bytes()[:-1])
    with pytest.raises(CorruptError, match="is truncated"):
        read_series([Page("en", "Climate")], Period.of_day(DAY), settings)


def test_default_period_is_the_last_seven_days_in_the_lake(settings: Settings) -> None:
    for day in (DAY, DAY + 4, DAY + 8, DAY + 10):
        write_day(Path(settings.output), day, {("en", "Climate"): {0: 1}})
    assert last_days(settings) == Period((DAY + 4).hours[0], (DAY + 10).hours[-1])


def test_default_period_needs_a_day_file(settings: Settings) -> None:
    with pytest.raises(NotInLakeError, match="has no day files"):
        last_days(settings)


def test_series_of_a_lake_on_object_storage(s3: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    for day in DAYS:
        s3.put(str(write_day(tmp_path, day, {("en", "Climate"): {3: 5}})), f"bucket/lake/{day_path(day)}")
    settings = Settings.load(source=str(tmp_path), output="s3://bucket/lake")
    found = read_series([Page("en", "Climate")], last_days(settings), settings, Step.DAY)
    assert found.frame.select("start", "views").rows() == [
        (datetime(2024, 12, 30, tzinfo=UTC), 5), (datetime(2024, 12, 31, tzinfo=UTC), 5)
    ]  # fmt: skip


def test_series_shows_how_many_pages_it_has_and_what_is_missing(settings: Settings) -> None:
    write_day(Path(settings.output), DAY, {("en", "Climate"): {4: 1_000, 23: 2}}, missing=[5, 6])
    pages = [Page("en", "Climate"), Page("x.y", "<b>")]
    assert repr(read_series(pages, DAY, settings)) == (
        "<SeriesResult of 2024-12-30: 2 pages by hour, 2 hours without data>"
    )
    assert repr(read_series(pages[0], DAY, settings, "day")).startswith("<SeriesResult of 2024-12-30: 1 page by day")


def test_notebook_shows_the_total_the_least_and_the_most_of_each_page(settings: Settings) -> None:
    views = {("en", "Climate"): {4: 1_000, 23: 2}, ("en.m", "Climate"): {4: 500}}
    write_day(Path(settings.output), DAY, views, missing=[5, 6])
    shown = read_series([Page("en", "Climate"), Page("x.y", "<b>")], DAY, settings, merge_access=True)._repr_html_()
    assert "Views in 2024-12-30: 2 pages by hour, 2 hours without data" in shown
    assert "<br>2 hours without data: 2024-12-30T06 to 2024-12-30T07<" in shown
    line = f"▁▁▁▁█  {'▁' * 16}▂"
    numbers = "".join(f'<td style="text-align: right">{text}</td>' for text in ("1,502", "500", "0", "1,500"))
    drawn = f'<td style="text-align: left; white-space: pre">{line}</td>'
    assert f'<a href="https://en.wikipedia.org/wiki/Climate">en:Climate</a></td>{numbers}{drawn}' in shown
    assert '>x.y:&lt;b&gt;</td><td style="text-align: right">0</td><td style="text-align: left">-</td>' in shown


def test_notebook_shows_the_first_pages_of_a_series_and_how_the_days_were_read(
    settings: Settings, write_dump: WriteDump
) -> None:
    for hour in DAY.hours[:3]:
        write_dump("en A 7 0\n", hour)
    pages = [Page("en", f"Page_{number}") for number in range(12)]
    shown = read_series(pages, (DAY.hours[0], DAY.hours[2]), settings, "day")._repr_html_()
    assert shown.count("<a href") == 10
    assert ">and 2 more pages<" in shown
    assert "<br>No day file, so read from dumps: 2024-12-30<br>Only some hours are in the period: 2024-12-30<" in shown
