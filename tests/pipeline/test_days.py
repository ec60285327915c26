"""Day files: the pages of 24 dumps, exactly, from any source, into any lake."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import fsspec
import polars as pl
import pytest

from pvtop.core.day import Day
from pvtop.core.errors import InvalidReportError, OutputError
from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.lake.day_files import DAMAGED
from pvtop.lake.day_writer import write_day_file
from pvtop.lake.lake import Lake
from pvtop.lake.layout import day_path
from pvtop.pipeline.day_audit import faults
from pvtop.pipeline.days import DayObserver, build_days, plan_days
from pvtop.pipeline.plan import ActionKind
from pvtop.pipeline.results import DayOutcome
from pvtop.pipeline.spool import HourSpool, Spooled, write_spooled
from pvtop.settings import Settings
from pvtop.sources.cache import Cache
from pvtop.transform.day import DayProvenance, DumpRecord
from pvtop.transform.schemas import ROWS
from support.days import DAY, day_pages
from support.disks import mounted_at
from support.reference import day_reference
from support.samples import SOURCE
from support.server.behaviours import status
from support.server.files import File, Server

SAMPLE_DAY = Day.parse("2024-12-31")
SMALL = {1: "en A 5 0\nen B 3 0\n", 2: "de A 1 0\nen A 7 0\n", 5: "en A 1 0\nen.m A 2 0\n"}
WHOLE = {hour: f"en A {hour} 0\n" for hour in range(24)}
RANDOM = random.Random(1)


def publish(dumps: Mapping[int, str | bytes], folder: Path, day: Day = DAY) -> Settings:
    """Write the dumps of hours of a day into a source. Return settings for it and a lake beside it."""
    for hour, dump in dumps.items():
        path = folder / "source" / day.hours[hour].dump_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(dump.encode() if isinstance(dump, str) else dump, mtime=0))
    return settings_of(str(folder / "source"), folder)


def settings_of(source: str, folder: Path, **others: object) -> Settings:
    places = {"output": str(folder / "lake"), "cache_dir": str(folder / "cache")}
    return Settings.load(**{"source": source, "blacklist": "none", **places, **others})


def serve(server: Server, dumps: Mapping[int, str]) -> None:
    for hour, dump in dumps.items():
        server.files[f"/{DAY.hours[hour].dump_path}"] = File(gzip.compress(dump.encode(), mtime=0))


def build(settings: Settings, day: Day = DAY) -> DayOutcome:
    """Build a day. Check that nothing is left in scratch space."""
    (outcome,) = build_days([day], settings).outcomes
    assert not [path for path in (settings.cache_dir / "scratch").rglob("*") if path.exists()]
    return outcome


def pages(settings: Settings, day: Day = DAY) -> pl.DataFrame:
    with Lake(settings.output).day_file(day) as day_file:
        assert day_file
        return pl.concat(day_file.frames())


def content(settings: Settings, day: Day = DAY) -> bytes:
    return Path(settings.output, day_path(day)).read_bytes()


def temporary_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.tmp") if path.is_file()]


def inflated(dumps: Mapping[int, str]) -> dict[int, bytes]:
    return {hour: dump.encode() for hour, dump in dumps.items()}


def test_day_of_the_sample_is_as_plain_python_counts_it(tmp_path: Path) -> None:
    settings = settings_of(str(SOURCE), tmp_path)
    made = build(settings, SAMPLE_DAY)
    assert (made.state, made.provenance and made.provenance.missing) == (HourState.MADE, [])
    dumps = {hour.start.hour: gzip.decompress((SOURCE / hour.dump_path).read_bytes()) for hour in SAMPLE_DAY.hours}
    assert pages(settings, SAMPLE_DAY).equals(day_pages(day_reference(dumps)))
    assert faults(Lake(settings.output), SAMPLE_DAY) == []
    assert build(settings, SAMPLE_DAY).state is HourState.UNCHANGED


def test_unsorted_dumps_are_as_plain_python_counts_them(tmp_path: Path) -> None:
    names = [f"{code} {title}" for code in ("de", "en", "en.m", '""') for title in ("A", "b", "-", '"a\\"b"', "é", "𝄞")]
    dumps: dict[int, str] = {}
    for hour in range(0, 24, 3):
        RANDOM.shuffle(names)
        dumps[hour] = "".join(f"{name} {RANDOM.randrange(9)} 0\n" for name in names[:20])
    settings = publish(dumps, tmp_path)
    assert build(settings).state is HourState.MADE
    assert pages(settings).equals(day_pages(day_reference(inflated(dumps))))


def test_pages_that_a_dump_may_list_twice_are_added_up(tmp_path: Path) -> None:
    dump = b"commons.m A 1 0\ncommons.m A 2 0\nen \xff 3 0\nen \xfe 4 0\nnl.m A 1 0\nnl.m A 5 0\n"
    settings = publish({3: dump}, tmp_path)
    assert build(settings).state is HourState.MADE
    assert pages(settings).equals(day_pages(day_reference({3: dump})))


def test_missing_hour_is_recorded_and_the_day_is_made_again_when_it_appears(tmp_path: Path) -> None:
    settings = publish(SMALL, tmp_path)
    made = build(settings).provenance
    assert made
    assert [hour.start.hour for hour in made.missing] == sorted(set(range(24)) - SMALL.keys())
    more = SMALL | {7: "en C 1 0\n"}
    publish(more, tmp_path)
    again = build(settings)
    assert (again.state, again.reason) == (HourState.MADE, f"the dump of {DAY.hours[7]} has appeared")
    assert pages(settings).equals(day_pages(day_reference(inflated(more))))


def test_day_stays_if_its_dumps_are_removed(tmp_path: Path) -> None:
    settings = publish(SMALL, tmp_path)
    build(settings)
    before = content(settings)
    shutil.rmtree(tmp_path / "source" / "2024")
    for others in ({}, {"force": True}):
        outcome = build(settings.model_copy(update=others))
        assert (outcome.state, outcome.provenance is None) == (HourState.UNCHANGED, False)
    assert content(settings) == before


def test_day_is_not_made_again_without_one_of_its_hours(tmp_path: Path) -> None:
    settings = publish(SMALL, tmp_path)
    build(settings)
    before = content(settings)
    publish({1: "en A 6 0\nen B 33 0\n"}, tmp_path)
    (tmp_path / "source" / DAY.hours[2].dump_path).unlink()
    outcome = build(settings)
    assert (outcome.state, content(settings)) == (HourState.UNCHANGED, before)
    assert outcome.reason.endswith(f" has changed, but the dump of {DAY.hours[2]} is gone")


def test_day_is_not_replaced_by_a_much_smaller_one(tmp_path: Path) -> None:
    settings = publish({1: "en A 1000 0\n"}, tmp_path)
    build(settings)
    before = content(settings)
    publish({1: "en A 1 0\nen B 1 0\n"}, tmp_path)
    outcome = build(settings)
    assert (outcome.state, content(settings)) == (HourState.FAILED, before)
    assert outcome.error
    assert (outcome.error.exit_code, outcome.error.setting) == (5, "force")
    assert build(settings.model_copy(update={"force": True})).state is HourState.MADE


BROKEN: dict[str, tuple[bytes, int, str]] = {
    "malformed": (gzip.compress(b"en A 1 0\nen\n"), 5, "are malformed, such as 'en'"),
    "truncated": (gzip.compress(b"en A 1 0\n" * 99)[:-9], 1, "is truncated"),
    "not gzip": (b"junk", 1, "is not gzip"),
    "without lines": (gzip.compress(b""), 1, "contains no lines"),
    "page twice": (gzip.compress(b"en A 1 0\nen Z 9 0\nen A 2 0\n"), 5, "has a page twice: 'en' 'A'"),
    "page twice in a row": (gzip.compress(b"en A 1 0\nen A 2 0\nen Z 9 0\n"), 5, "has a page twice: 'en' 'A'"),
    "too many views": (gzip.compress(b"nl.m A %d 0\nnl.m A 1 0\n" % (2**63 - 1)), 1, "do not fit into 64 bits"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_dump_that_an_hour_refuses_is_refused_for_a_day(tmp_path: Path, case: str) -> None:
    dump, exit_code, message = BROKEN[case]
    settings = publish(SMALL, tmp_path)
    (tmp_path / "source" / DAY.hours[2].dump_path).write_bytes(dump)
    outcome = build(settings.model_copy(update={"top": 1}))  # pages that are not ranked count, too
    assert (outcome.state, outcome.error and outcome.error.exit_code) == (HourState.FAILED, exit_code)
    assert message in outcome.reason
    assert not (tmp_path / "lake" / day_path(DAY)).exists()


def test_page_twice_in_two_runs_of_a_dump_is_refused(tmp_path: Path) -> None:
    spool = HourSpool(DAY.hours[2], tmp_path)
    for titles in (["A", "C"], ["B", "C"]):
        spool.add(pl.DataFrame([("en", title, 1) for title in titles], schema=ROWS, orient="row"))
    runs = spool.end()
    assert len(runs) == 2
    record = DumpRecord(
        stamp=DAY.hours[2].iso,
        source="made-up",
        dump_bytes=1,
        dump_sha256="",
        dump_last_modified=None,
        rows=4,
        malformed=0,
    )
    with pytest.raises(InvalidReportError, match=f"the dump of {DAY.hours[2]} has a page twice: 'en' 'C'"):
        write_spooled(DAY, {DAY.hours[2]: Spooled(record, runs)}, tmp_path / "day")


def test_views_of_a_day_beyond_64_bits_are_refused(tmp_path: Path) -> None:
    outcome = build(publish({1: f"en A {2**63 - 1} 0\n", 2: "en A 1 0\n"}, tmp_path))
    assert outcome.state is HourState.FAILED
    assert outcome.reason == f"a dump of {DAY} is corrupt: a page's views do not fit into 64 bits"


def test_day_from_a_server_equals_that_from_a_folder(tmp_path: Path, server: Server) -> None:
    serve(server, SMALL)
    over_http = settings_of(server.url, tmp_path / "http")
    assert build(over_http).state is HourState.MADE
    assert pages(over_http).equals(day_pages(day_reference(inflated(SMALL))))
    requests = len(server.requests)
    server.files.clear()
    offline = over_http.model_copy(update={"offline": True})
    assert build(offline).state is HourState.UNCHANGED
    Path(over_http.output, day_path(DAY)).unlink()
    outcome = build(offline)
    assert (outcome.state, outcome.reason) == (
        HourState.FAILED,
        f"not in the lake, and the dump of {DAY.hours[0]} is not downloaded offline",
    )
    assert len(server.requests) == requests


def test_listed_dump_that_is_not_there_counts_as_missing(tmp_path: Path, server: Server) -> None:
    serve(server, SMALL)
    server.always[f"/{DAY.hours[2].dump_path}"] = status(404)
    made = build(settings_of(server.url, tmp_path)).provenance
    assert made
    assert [Hour.parse(dump.stamp).start.hour for dump in made.dumps] == [1, 5]


def test_day_keeps_its_hours_if_the_server_has_lost_a_dump(tmp_path: Path, server: Server) -> None:
    serve(server, SMALL)
    settings = settings_of(server.url, tmp_path)
    build(settings)
    before = content(settings)
    shutil.rmtree(tmp_path / "cache")
    del server.files[f"/{DAY.hours[2].dump_path}"]
    assert plan_days([DAY], settings)[0].kind is ActionKind.NONE
    for others in ({"force": True}, {"refresh_dump": True}):
        assert build(settings.model_copy(update=others)).state is HourState.UNCHANGED
    assert content(settings) == before


def test_day_file_that_would_lose_an_hour_is_named(tmp_path: Path, server: Server) -> None:
    serve(server, SMALL)
    settings = settings_of(server.url, tmp_path)
    build(settings)
    shutil.rmtree(tmp_path / "cache")
    server.always[f"/{DAY.hours[2].dump_path}"] = status(404)
    outcome = build(settings.model_copy(update={"force": True}))
    assert (outcome.state, outcome.reason) == (
        HourState.FAILED,
        f"the dump of {DAY.hours[2]} is gone, and the day file of {DAY} was made from it",
    )
    assert outcome.error
    assert outcome.error.hint.endswith(f"remove {tmp_path / 'lake' / day_path(DAY)}")


def test_day_is_due_when_it_is_whole_or_overdue(tmp_path: Path) -> None:
    settings = publish(SMALL, tmp_path)
    (action,) = plan_days([DAY], settings, only_whole=True)
    assert action.kind is ActionKind.MAKE  # long overdue
    late = settings.model_copy(update={"days_overdue": 10**4 * (DAY.end - DAY.start)})
    (action,) = plan_days([DAY], late, only_whole=True)
    assert (action.state, action.reason) == (HourState.MISSING, "21 hours not published yet")
    assert plan_days([DAY], late)[0].kind is ActionKind.MAKE


def test_day_file_of_another_day_is_made_again(tmp_path: Path) -> None:
    settings = publish(SMALL, tmp_path)
    build(settings)
    before = content(settings)
    other = Path(settings.output, day_path(DAY + 1))
    other.parent.mkdir()
    other.write_bytes(before)
    assert faults(Lake(settings.output), DAY + 1) == [f"cannot read {other}: it is the day file of {DAY}"]
    publish(WHOLE, tmp_path, DAY + 1)
    outcome = build(settings, DAY + 1)
    assert (outcome.state, outcome.reason) == (HourState.MADE, "damaged, or made by another version")
    assert faults(Lake(settings.output), DAY + 1) == []


def test_damaged_day_file_is_made_again_if_all_its_dumps_are_at_hand(tmp_path: Path) -> None:
    settings = publish(WHOLE, tmp_path)
    build(settings)
    right = content(settings)
    Path(settings.output, day_path(DAY)).write_bytes(right[:-30])
    assert "cannot read" in faults(Lake(settings.output), DAY)[0]
    outcome = build(settings)
    assert (outcome.state, outcome.reason) == (HourState.MADE, "damaged, or made by another version")
    assert content(settings) == right


def of_another_version(settings: Settings) -> bytes:
    """Replace the day file of `DAY` by one with a field that this version does not know. Return its content."""
    with Lake(settings.output).day_file(DAY) as day_file:
        assert day_file
        provenance, frames = day_file.provenance, list(day_file.frames())
    fields = json.loads(provenance.to_json()) | {"field": "of another version"}

    class Other:
        def to_json(self) -> str:
            return json.dumps(fields)

    write_day_file(Path(settings.output, day_path(DAY)), frames, lambda _: cast("DayProvenance", Other()))
    return content(settings)


def test_day_file_of_another_version_loses_an_hour_only_if_forced(tmp_path: Path) -> None:
    settings = publish(WHOLE, tmp_path)
    build(settings)
    before = of_another_version(settings)
    for hour in range(1, 24):
        (tmp_path / "source" / DAY.hours[hour].dump_path).unlink()
    (action,) = plan_days([DAY], settings)
    outcome = build(settings)
    reason = "damaged, or made by another version, and the dumps of 23 hours are gone or not published"
    assert (action.state, action.reason) == (outcome.state, outcome.reason) == (HourState.FAILED, reason)
    assert outcome.error
    assert (outcome.error.message, outcome.error.setting) == (f"the day file of {DAY} is {reason}", "force")
    assert content(settings) == before
    forced = build(settings.model_copy(update={"force": True}))
    assert (forced.state, forced.provenance and len(forced.provenance.missing)) == (HourState.MADE, 23)


def test_damaged_day_file_stays_if_none_of_its_dumps_is_at_hand(tmp_path: Path) -> None:
    settings = publish(SMALL, tmp_path)
    build(settings)
    Path(settings.output, day_path(DAY)).write_bytes(b"garbage")
    shutil.rmtree(tmp_path / "source" / "2024")
    outcome = build(settings)
    assert (outcome.state, outcome.error and outcome.error.setting) == (HourState.FAILED, "source")
    assert build(settings.model_copy(update={"force": True})).state is HourState.NOT_PUBLISHED
    assert content(settings) == b"garbage"


@pytest.mark.parametrize("force", [False, True])
def test_damaged_day_file_stays_if_a_dump_vanishes_after_the_plan(
    tmp_path: Path, server: Server, *, force: bool
) -> None:
    serve(server, WHOLE)
    settings = settings_of(server.url, tmp_path, force=force)
    path = Path(settings.output, day_path(DAY))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"garbage")
    server.always[f"/{DAY.hours[2].dump_path}"] = status(404)
    outcome = build(settings)
    if force:
        assert outcome.state is HourState.MADE
        return
    assert (outcome.state, content(settings)) == (HourState.FAILED, b"garbage")
    assert f"the dump of {DAY.hours[2]} is gone or not published" in outcome.reason


def test_day_file_that_cannot_be_read_now_is_not_taken_for_damaged(tmp_path: Path) -> None:
    settings = publish(SMALL, tmp_path)
    path = Path(settings.output, day_path(DAY))
    path.parent.mkdir(parents=True)
    path.symlink_to("/proc/self/mem")  # can be opened, and fails when it is read
    with pytest.raises(OutputError) as error:
        build(settings)
    assert error.value.remedy not in DAMAGED


def test_full_lake_keeps_the_earlier_day(tmp_path: Path) -> None:
    settings = publish(SMALL, tmp_path)
    with mounted_at(tmp_path / "lake", "-t", "tmpfs", "-o", "size=40k", "tmpfs"):
        build(settings)
        before = content(settings)
        (tmp_path / "lake" / "ballast").write_bytes(os.urandom(os.statvfs(tmp_path / "lake").f_bavail * 4096))
        outcome = build(settings.model_copy(update={"force": True}))
        assert outcome.state is HourState.FAILED
        assert "No space left" in outcome.reason
        assert content(settings) == before
        assert not temporary_files(tmp_path / "lake")


def test_full_cache_fails_before_anything_is_downloaded(tmp_path: Path) -> None:
    settings = publish({1: b"en A 1 0\n" + b"en " + os.urandom(300_000).hex().encode() + b" 1 0\n"}, tmp_path)
    with mounted_at(tmp_path / "cache", "-t", "tmpfs", "-o", "size=100k", "tmpfs"):
        outcome = build(settings)
    assert outcome.state is HourState.FAILED
    assert "GB left, and" in outcome.reason
    assert outcome.error
    assert outcome.error.setting == "cache_dir"


def test_day_on_s3_equals_that_in_a_folder(tmp_path: Path, s3: fsspec.AbstractFileSystem) -> None:
    settings = publish(SMALL, tmp_path)
    build(settings)
    on_s3 = settings.model_copy(update={"output": "s3://bucket/lake"})
    assert build(on_s3).state is HourState.MADE
    assert s3.cat_file(f"bucket/lake/{day_path(DAY)}") == content(settings)
    assert build(on_s3).state is HourState.UNCHANGED
    assert Lake(on_s3.output).days() == [DAY]
    assert faults(Lake(on_s3.output), DAY) == []


def serve_days(server: Server, count: int) -> list[Day]:
    """Serve two hours of each of some days. Return the days."""
    days = [DAY + number for number in range(count)]
    for number, day in enumerate(days):
        for hour in day.hours[:2]:
            server.files[f"/{hour.dump_path}"] = File(gzip.compress(f"en A {number + 1} 0\n".encode(), mtime=0))
    return days


def test_next_day_is_downloaded_while_a_day_is_merged(tmp_path: Path, server: Server) -> None:
    days, ahead, merged = serve_days(server, 4), list[Hour](), list[Day]()
    settings = settings_of(server.url, tmp_path)
    build_days([days[1]], settings)
    server.requests.clear()

    def downloaded(hour: Hour) -> None:
        assert Day.of_hour(hour) not in merged
        ahead.append(hour)

    done = build_days(days, settings, DayObserver(downloaded=downloaded, merging=merged.append))
    assert done.counts == {HourState.MADE: 3, HourState.UNCHANGED: 1}
    assert sorted(ahead) == [*days[2].hours[:2], *days[3].hours[:2]], "the day that is up to date is not downloaded"
    assert [len(server.asked(f"/{hour.dump_path}")) for day in days for hour in day.hours[:2]] == [1, 1, 0, 0] + [1] * 4


def test_failed_download_ahead_fails_only_its_day(tmp_path: Path, server: Server) -> None:
    days = serve_days(server, 4)
    server.always[f"/{days[1].hours[0].dump_path}"] = status(403)
    server.always |= {f"/{hour.dump_path}": status(404) for hour in days[2].hours}
    done = build_days(days, settings_of(server.url, tmp_path))
    made, failed, not_published = HourState.MADE, HourState.FAILED, HourState.NOT_PUBLISHED
    assert [one.state for one in done.outcomes] == [made, failed, not_published, made]
    assert "is denied (403)" in done.outcomes[1].reason
    assert len(server.asked(f"/{days[1].hours[0].dump_path}")) == 1


def test_dumps_leave_the_cache_between_days(tmp_path: Path, server: Server) -> None:
    days, cached = serve_days(server, 3), dict[Day, set[Day]]()
    settings = settings_of(server.url, tmp_path, cache_max_size=0)

    def look(outcome: DayOutcome) -> None:
        cached[outcome.day] = {Day.of_hour(dump.hour) for dump in Cache(settings.cache_dir).dumps()}

    assert build_days(days, settings, DayObserver(finished=look)).counts == {HourState.MADE: 3}
    for day, found in cached.items():
        assert found <= {day + 1}
    assert not list(Cache(settings.cache_dir).dumps())


def test_provenance_names_each_dump(tmp_path: Path) -> None:
    settings = publish(SMALL, tmp_path)
    made = build(settings).provenance
    assert made
    fields = json.loads(made.to_json())
    assert (fields["day"], fields["start"], fields["end"]) == (
        "2024-12-30",
        "2024-12-30T00:00:00Z",
        "2024-12-31T00:00:00Z",
    )
    assert [dump["rows"] for dump in fields["dumps"]] == [2, 2, 2]
    assert [dump["stamp"] for dump in fields["dumps"]] == [DAY.hours[hour].iso for hour in SMALL]
