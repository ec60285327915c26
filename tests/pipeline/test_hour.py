"""`run_hour`, end to end."""

from __future__ import annotations

import asyncio
import gzip
import os
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pvtop.core.errors import (
    BlacklistError,
    CorruptError,
    InvalidReportError,
    MalformedError,
    NotPublishedError,
    OutputError,
    SourceError,
)
from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.lake.lake import Lake
from pvtop.pipeline.batch import run_hours
from pvtop.pipeline.compute import compute_report
from pvtop.pipeline.hour import run_hour
from pvtop.pipeline.lookup import newest_hour
from pvtop.pipeline.results import HourResult
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist
from pvtop.sources.cache import Cache
from pvtop.sources.dumps import find_dump
from pvtop.transform.blacklist import no_blacklist
from pvtop.transform.report import RULES_VERSION
from support.samples import HOUR, WriteDump
from support.server.behaviours import cut, html, status
from support.server.files import File, Server

DUMP = 'en A 5 0\nen B 7 0\nen - 9 0\nde "\\"x\\"" 2 0\n'
PATH = f"/{HOUR.dump_path}"


def but(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update=changes)


def entries(settings: Settings, hour: Hour = HOUR) -> list[tuple[object, ...]]:
    return Lake(settings.output).read(hour).top_pages.rows()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


@pytest.fixture
def online(server: Server, tmp_path: Path) -> Settings:
    server.files[PATH] = File(packed(DUMP))
    return Settings.load(source=server.url, blacklist="none", output=str(tmp_path / "lake"))


def test_run_hour_makes_a_report_from_a_folder(write_dump: WriteDump, settings: Settings) -> None:
    path = write_dump(DUMP)
    result = run_hour(HOUR, settings)
    assert entries(settings) == [("de", 1, '"x"', 2), ("en", 1, "B", 7), ("en", 2, "A", 5)]
    facts = result.provenance
    assert (facts.rows, facts.views, facts.unknown_rows, facts.unknown_views) == (4, 23, 1, 9)
    assert (facts.domains, facts.entries, facts.entry_views, facts.malformed) == (2, 3, 14, 0)
    assert (facts.stamp, facts.start, facts.end) == (
        "2024-08-03T06:00:00Z", "2024-08-03T05:00:00Z", "2024-08-03T06:00:00Z"
    )  # fmt: skip
    assert (facts.source, facts.dump_bytes, facts.blacklist) == (str(path), path.stat().st_size, "none")
    assert result.state is HourState.MADE
    assert all(Path(written).is_file() for written in (result.text, result.top_pages, result.domains))


def test_domain_gets_25_pages_or_none_if_all_are_excluded(write_dump: WriteDump, settings: Settings) -> None:
    write_dump("de - 9 0\n" + "".join(f"en {chr(ord('A') + i)} {100 - i} 0\n" for i in range(26)))
    result = run_hour(HOUR, settings)
    assert [rank for _, rank, _, _ in entries(settings)] == list(range(1, 26))
    assert (result.provenance.domains, result.provenance.top) == (1, 25)


def test_dump_in_a_folder_is_not_copied_into_the_cache(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP)
    run_hour(HOUR, settings)
    assert list(Cache(settings.cache_dir).dumps()) == []


def test_two_runs_give_the_same_bytes(write_dump: WriteDump, settings: Settings, tmp_path: Path) -> None:
    write_dump(DUMP)
    run_hour(HOUR, settings)
    run_hour(HOUR, but(settings, output=str(tmp_path / "again")))
    assert files(tmp_path / "lake") == files(tmp_path / "again")
    assert len(files(tmp_path / "lake")) == 3


def test_settings_and_results_can_be_pickled(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP)
    result = run_hour(HOUR, pickle.loads(pickle.dumps(settings)))  # noqa: S301 - our own
    copy: HourResult = pickle.loads(pickle.dumps(result))  # noqa: S301 - our own
    assert copy == result


async def test_run_hour_works_inside_a_running_event_loop(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP)
    assert asyncio.get_running_loop().is_running()
    assert run_hour(HOUR, settings).state is HourState.MADE


def test_server_and_folder_give_the_same_report(
    write_dump: WriteDump, settings: Settings, online: Settings, tmp_path: Path
) -> None:
    write_dump(DUMP)
    run_hour(HOUR, but(settings, output=str(tmp_path / "folder")))
    run_hour(HOUR, online)
    text = f"text/{HOUR.month_folder}/top_pages-20240803-060000.txt"
    assert (tmp_path / "lake" / text).read_bytes() == (tmp_path / "folder" / text).read_bytes()
    assert entries(online) == entries(but(settings, output=str(tmp_path / "folder")))


def test_downloaded_dump_stays_in_the_cache(server: Server, online: Settings) -> None:
    result = run_hour(HOUR, online)
    assert result.provenance.dump_etag == server.files[PATH].headers["ETag"]
    assert result.provenance.dump_last_modified == server.files[PATH].headers["Last-Modified"]
    run_hour(HOUR, but(online, top=1))
    assert len(server.asked(PATH)) == 1
    assert (online.cache_dir / HOUR.dump_path).read_bytes() == packed(DUMP)


# An hour that is done.


def test_made_hour_is_unchanged_in_the_next_run(server: Server, online: Settings) -> None:
    run_hour(HOUR, online)
    (online.cache_dir / HOUR.dump_path).unlink()
    before = files(Path(online.output))
    assert run_hour(HOUR, online).state is HourState.UNCHANGED
    assert files(Path(online.output)) == before
    assert len(server.asked(PATH)) == 1


@pytest.mark.parametrize("change", [{"top": 1}, {"keep_unknown": True}, {"force": True}], ids=str)
def test_changed_setting_makes_the_hour_again(
    write_dump: WriteDump, settings: Settings, change: dict[str, object]
) -> None:
    write_dump(DUMP)
    run_hour(HOUR, settings)
    changed = but(settings, **change)
    assert run_hour(HOUR, changed).state is HourState.MADE
    assert run_hour(HOUR, but(changed, force=False)).state is HourState.UNCHANGED


def test_changed_dump_in_a_folder_makes_the_hour_again(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP)
    run_hour(HOUR, settings)
    write_dump(DUMP.replace("A 5", "A 8"))
    assert run_hour(HOUR, settings).state is HourState.MADE
    assert entries(settings)[1] == ("en", 1, "A", 8)


def test_changed_blacklist_makes_the_hour_again(write_dump: WriteDump, settings: Settings, tmp_path: Path) -> None:
    write_dump(DUMP)
    listed = but(settings, blacklist=str(tmp_path / "blacklist"))
    (tmp_path / "blacklist").write_text("en A\n")
    assert run_hour(HOUR, listed).state is HourState.MADE
    assert run_hour(HOUR, listed).state is HourState.UNCHANGED
    (tmp_path / "blacklist").write_text("en B\n")
    assert run_hour(HOUR, listed).state is HourState.MADE
    assert entries(listed) == [("de", 1, '"x"', 2), ("en", 1, "A", 5)]


@pytest.mark.parametrize("stamp", ["2015-05-01T01", "9999-12-31T23"])
def test_first_and_last_hour_of_the_calendar_can_be_made(write_dump: WriteDump, settings: Settings, stamp: str) -> None:
    write_dump(DUMP, Hour.parse(stamp))
    assert run_hour(Hour.parse(stamp), settings).state is HourState.MADE


def test_raised_rules_version_makes_the_hour_again(
    write_dump: WriteDump, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dump(DUMP)
    run_hour(HOUR, settings)
    monkeypatch.setattr("pvtop.pipeline.session.RULES_VERSION", RULES_VERSION + 1)
    assert run_hour(HOUR, settings).state is HourState.MADE


def test_changed_source_matters_only_with_check_source(server: Server, online: Settings) -> None:
    run_hour(HOUR, online)
    server.files[PATH] = File(packed(DUMP + "en C 1 0\n"))
    assert run_hour(HOUR, online).state is HourState.UNCHANGED
    assert run_hour(HOUR, but(online, check_source=True)).state is HourState.MADE
    assert ("en", 3, "C", 1) in entries(online)


def test_check_source_notices_a_changed_time(server: Server, online: Settings) -> None:
    run_hour(HOUR, online)
    assert run_hour(HOUR, but(online, check_source=True)).state is HourState.UNCHANGED
    assert len(server.asked(PATH)) == 1
    other = packed(DUMP.replace("A 5", "A 6"))
    assert len(other) == len(packed(DUMP))
    server.files[PATH] = File(other, modified=server.files[PATH].modified + 60)
    assert run_hour(HOUR, but(online, check_source=True)).state is HourState.MADE


def test_refresh_dump_makes_the_hour_again_only_if_the_dump_changed(server: Server, online: Settings) -> None:
    run_hour(HOUR, online)
    assert run_hour(HOUR, but(online, refresh_dump=True)).state is HourState.UNCHANGED
    server.files[PATH] = File(packed(DUMP + "en C 1 0\n"))
    assert run_hour(HOUR, but(online, refresh_dump=True)).state is HourState.MADE
    assert len(server.asked(PATH)) == 3


def test_changed_source_makes_the_hour_again(server: Server, online: Settings) -> None:
    run_hour(HOUR, online)
    server.files[f"/other{PATH}"] = File(packed("en Y 1 0\nen Z 19 0\n"))
    assert run_hour(HOUR, but(online, source=f"{server.url}/other")).state is HourState.MADE
    assert entries(online) == [("en", 1, "Z", 19), ("en", 2, "Y", 1)]


# What goes wrong.


@pytest.mark.parametrize(
    "wrong", [b"", b"junk", packed(DUMP)[:-9], packed(DUMP)[:-8] + bytes(8)], ids=["empty", "junk", "cut", "crc"]
)
def test_damaged_cached_dump_is_downloaded_again(server: Server, online: Settings, wrong: bytes) -> None:
    run_hour(HOUR, online)
    (online.cache_dir / HOUR.dump_path).write_bytes(wrong)
    assert run_hour(HOUR, but(online, force=True)).state is HourState.MADE
    assert len(server.asked(PATH)) == 2
    assert (online.cache_dir / HOUR.dump_path).read_bytes() == packed(DUMP)


def test_dump_damaged_at_the_source_is_a_corrupt_error(server: Server, online: Settings) -> None:
    server.files[PATH] = File(packed(DUMP)[:-9])
    with pytest.raises(CorruptError, match="truncated"):
        run_hour(HOUR, online)
    assert len(server.asked(PATH)) == 2
    assert files(Path(online.output)) == {}


def test_web_page_instead_of_a_dump_is_a_corrupt_error(server: Server, online: Settings) -> None:
    server.script[PATH] = [html, html]
    with pytest.raises(CorruptError, match="not gzip"):
        run_hour(HOUR, online)


def test_interrupted_download_is_resumed(server: Server, online: Settings) -> None:
    server.files[PATH] = File(gzip.compress(DUMP.encode() + random.Random(1).randbytes(100), mtime=0))
    server.script[PATH] = [cut(60), status(500)]
    assert run_hour(HOUR, but(online, malformed_limit=1.0)).state is HourState.MADE
    assert [asked.get("Range") for asked in server.asked(PATH)] == [None, "bytes=60-", "bytes=60-"]


@pytest.mark.parametrize("content", [b"", b"\n\r\n\n"], ids=["nothing", "blank lines"])
def test_dump_without_lines_is_a_corrupt_error(write_dump: WriteDump, settings: Settings, content: bytes) -> None:
    write_dump(content)
    with pytest.raises(CorruptError, match="no lines"):
        run_hour(HOUR, settings)


def test_damaged_dump_in_a_folder_is_a_corrupt_error(write_dump: WriteDump, settings: Settings) -> None:
    path = write_dump(DUMP)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CorruptError, match=f"{path} is truncated"):
        run_hour(HOUR, settings)
    assert files(Path(settings.output)) == {}


def test_too_many_malformed_lines_fail_the_hour(
    write_dump: WriteDump, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    good = "".join(f"en T{i} 1 0\n" for i in range(99))
    write_dump(good + "Title 1 0\n")
    assert run_hour(HOUR, settings).provenance.malformed == 1
    assert "'Title 1 0'" in caplog.text
    write_dump(good + "Title 1 0\nen\n")
    with pytest.raises(MalformedError, match="2 of 101 lines") as caught:
        run_hour(HOUR, settings)
    assert caught.value.exit_code == 5


def test_malformed_lines_of_another_server_are_not_quoted(
    server: Server, online: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The first run downloads the dump, and the second finds it in the cache."""
    with Server() as other:
        other.files[PATH] = File(packed(f"{DUMP}honeypot\n"))
        server.script[PATH] = [status(302, Location=other.url + PATH)]
        for _ in range(2):
            with pytest.raises(MalformedError) as caught:
                run_hour(HOUR, online)
            assert caught.value.message == f"1 of 5 lines of {server.url}{PATH} are malformed"
            assert "honeypot" not in f"{caught.value.hint}{caplog.text}"
    assert f"{server.url}{PATH} has 1 malformed line\n" in caplog.text
    assert len(server.asked(PATH)) == 1


def test_sum_of_views_beyond_64_bits_is_a_corrupt_error(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(f"en A {2**63 - 1} 0\nen B 1 0\n")
    with pytest.raises(CorruptError, match="64 bits"):
        run_hour(HOUR, settings)


def test_lines_that_decode_to_the_same_title_are_separate_pages(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(b"en caf\xe9 5 0\nen caf\xe8 7 0\n")
    run_hour(HOUR, settings)
    assert entries(settings) == [("en", 1, "caf\ufffd", 7), ("en", 2, "caf\ufffd", 5)]


def test_invalid_report_is_written_only_without_validation(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP)
    strict = but(settings, expect_whole=True)
    with pytest.raises(InvalidReportError, match="500 domains.*1,000,000 views.*en and en.m") as caught:
        run_hour(HOUR, strict)
    assert caught.value.exit_code == 5
    assert files(Path(settings.output)) == {}
    assert run_hour(HOUR, but(strict, no_validate=True)).state is HourState.MADE


def test_dump_with_a_repeated_page_is_refused(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP + "en A 1 0\n")
    with pytest.raises(InvalidReportError, match="no page occurs twice"):
        run_hour(HOUR, settings)


def test_page_without_views_ranks_last(write_dump: WriteDump, settings: Settings) -> None:
    write_dump("en A 0 0\nen B 7 0\n")
    run_hour(HOUR, settings)
    assert entries(settings) == [("en", 1, "B", 7), ("en", 2, "A", 0)]


@pytest.mark.parametrize("smaller", ["en A 12 0\n", "en A 3 0\nen B 3 0\nde C 3 0\n"], ids=["lines", "views"])
@pytest.mark.parametrize("more", [{}, {"no_validate": True}], ids=["", "no_validate"])
def test_much_smaller_dump_replaces_a_report_only_with_force(
    write_dump: WriteDump, settings: Settings, smaller: str, more: dict[str, object]
) -> None:
    write_dump(DUMP)
    run_hour(HOUR, settings)
    before = files(Path(settings.output))
    write_dump(smaller)
    with pytest.raises(InvalidReportError, match="at least 50% of the lines, views, domains and entries") as caught:
        run_hour(HOUR, but(settings, **more))
    assert caught.value.setting == "force"
    assert files(Path(settings.output)) == before
    assert run_hour(HOUR, but(settings, force=True)).state is HourState.MADE


def test_slightly_smaller_dump_replaces_a_report(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP)
    run_hour(HOUR, settings)
    write_dump("en A 6 0\nen B 6 0\n")
    assert run_hour(HOUR, settings).state is HourState.MADE


def test_min_share_sets_how_much_smaller_a_dump_may_be(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP)
    run_hour(HOUR, settings)
    write_dump("en A 6 0\nen B 6 0\n")
    with pytest.raises(InvalidReportError, match="at least 60%"):
        run_hour(HOUR, but(settings, min_share=0.6))
    write_dump("en A 1 0\n")
    assert run_hour(HOUR, but(settings, min_share=0.0)).state is HourState.MADE


@pytest.mark.parametrize("keep_times", [False, True])
def test_dump_replaced_before_it_is_read_is_a_corrupt_error(
    write_dump: WriteDump, settings: Settings, *, keep_times: bool
) -> None:
    path = write_dump("en A 5 0\n")
    found = find_dump(HOUR, settings)
    times = path.stat()
    path.rename(path.with_suffix(".old"))
    write_dump("en B 7 0\n")
    if keep_times:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert found
    with pytest.raises(CorruptError, match="was replaced while it was read"):
        compute_report(HOUR, found, Blacklist("none", None, no_blacklist()), settings)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["FIFO", "folder"])
def test_folder_or_pipe_instead_of_a_dump_is_a_source_error(
    write_dump: WriteDump, settings: Settings, make: Callable[[Path], None]
) -> None:
    path = write_dump("en A 5 0\n")
    path.unlink()
    make(path)
    with pytest.raises(SourceError, match="is not a file"):
        run_hour(HOUR, settings)


def test_brackets_in_a_path_are_not_a_pattern(write_dump: WriteDump, settings: Settings, tmp_path: Path) -> None:
    write_dump("en WRONG 9 0\n").parents[2].rename(tmp_path / "m1")
    write_dump("en RIGHT 7 0\n").parents[2].rename(tmp_path / "m[1]")
    run_hour(HOUR, but(settings, source=str(tmp_path / "m[1]")))
    assert entries(settings) == [("en", 1, "RIGHT", 7)]


@pytest.mark.parametrize("lost", ["text", "domains"])
def test_hour_that_lost_a_file_is_made_again(write_dump: WriteDump, settings: Settings, lost: str) -> None:
    write_dump(DUMP)
    run_hour(HOUR, settings)
    before = files(Path(settings.output))
    shutil.rmtree(Path(settings.output, lost))
    assert run_hour(HOUR, settings).state is HourState.MADE
    assert files(Path(settings.output)) == before


def test_failed_rewrite_leaves_the_hour_to_be_made_again(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP)
    text = Path(run_hour(HOUR, settings).text)
    text.unlink()
    text.mkdir()
    with pytest.raises(OutputError):
        run_hour(HOUR, but(settings, top=1))
    text.rmdir()
    assert run_hour(HOUR, settings).state is HourState.MADE


def test_damaged_report_is_made_again(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP)
    Path(run_hour(HOUR, settings).top_pages).write_bytes(b"")
    assert run_hour(HOUR, settings).state is HourState.MADE


def test_stricter_malformed_limit_makes_the_hour_again(write_dump: WriteDump, settings: Settings) -> None:
    write_dump("en A 5 0\nx\n")
    run_hour(HOUR, but(settings, malformed_limit=0.5))
    with pytest.raises(MalformedError):
        run_hour(HOUR, settings)


def test_relative_and_absolute_source_give_the_same_bytes(
    write_dump: WriteDump, settings: Settings, tmp_path: Path
) -> None:
    write_dump(DUMP)
    run_hour(HOUR, settings)
    run_hour(HOUR, but(settings, source="source", output=str(tmp_path / "again")))
    assert files(tmp_path / "lake") == files(tmp_path / "again")


def test_number_of_threads_does_not_change_the_bytes(write_dump: WriteDump, tmp_path: Path) -> None:
    """The number of threads changes the chunks of Polars, but not the Parquet file."""
    write_dump("".join(f"d{i % 500} T{i} {i % 97} 0\n" for i in range(300_000)))
    command = [str(Path(sys.executable).with_name("pvtop")), "report", "--source", "source", "--blacklist", "none"]
    for threads in ("1", "7"):
        done = os.environ | {"POLARS_MAX_THREADS": threads}
        subprocess.run([*command, "--output", threads, "--top", "300"], env=done, check=True, capture_output=True)
    assert files(tmp_path / "1") == files(tmp_path / "7")


def test_hour_missing_from_a_folder_is_not_published(write_dump: WriteDump, settings: Settings) -> None:
    write_dump(DUMP)
    with pytest.raises(NotPublishedError, match="2024-08-03 07:00 UTC is not published"):
        run_hour(HOUR + 1, settings)


def test_hour_missing_from_a_server_is_not_published(online: Settings) -> None:
    with pytest.raises(NotPublishedError) as caught:
        run_hour(HOUR + 1, online)
    assert "overdue" in caught.value.hint


def test_hint_for_a_future_hour_says_when_to_expect_it(online: Settings) -> None:
    with pytest.raises(NotPublishedError) as caught:
        run_hour(Hour.now() + 1, online)
    assert str(Hour.now() + 1) in caught.value.hint
    with pytest.raises(NotPublishedError) as caught:
        run_hour(Hour.now(), online)
    assert "expect it by" in caught.value.hint


def test_missing_source_folder_is_a_source_error(settings: Settings) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        run_hour(HOUR, settings)


def test_unwritable_lake_fails_before_any_download(server: Server, online: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write "):
        run_hour(HOUR, but(online, output=str(tmp_path / "file" / "lake")))
    assert server.requests == []


# The blacklist.


def test_blacklist_is_downloaded_once(server: Server, online: Settings) -> None:
    server.files["/blacklist"] = File(b"en B\n")
    listed = but(online, blacklist=f"{server.url}/blacklist")
    run_hour(HOUR, listed)
    assert entries(listed) == [("de", 1, '"x"', 2), ("en", 1, "A", 5)]
    server.files["/blacklist"] = File(b"en A\n")
    run_hour(HOUR, listed)
    assert len(server.asked("/blacklist")) == 1
    run_hour(HOUR, but(listed, refresh_blacklist=True))
    assert entries(listed) == [("de", 1, '"x"', 2), ("en", 1, "B", 7)]


@pytest.mark.parametrize("trouble", [status(404), status(403), html])
def test_failed_download_of_the_blacklist_fails_the_hour(server: Server, online: Settings, trouble: object) -> None:
    server.script["/blacklist"] = [trouble, trouble]  # type: ignore[list-item] # behaviours of two shapes
    with pytest.raises(BlacklistError):
        run_hour(HOUR, but(online, blacklist=f"{server.url}/blacklist"))
    assert server.asked(PATH) == []
    assert files(Path(online.output)) == {}


# The newest hour.


def test_newest_hour_of_a_server_by_day_and_hour(server: Server, online: Settings) -> None:
    for stamp in ("2023-12-31T23", "2024-08-03T05", "2024-08-02T23"):
        server.files[f"/{Hour.parse(stamp).dump_path}"] = File(b"")
    server.files["/2024/2024-08/projectviews-20240803-070000"] = File(b"")
    server.files["/readme.html"] = File(b"")
    assert newest_hour(online) == HOUR
    assert newest_hour(online, hour=23) == Hour.parse("2024-08-02T23")
    assert newest_hour(online, day=Hour.parse("2023-12-31T00").stamp.date()) == Hour.parse("2023-12-31T23")
    with pytest.raises(NotPublishedError):
        newest_hour(online, day=Hour.parse("2023-12-30T00").stamp.date())


def test_newest_hour_survives_a_temporary_server_error(server: Server, online: Settings) -> None:
    server.script["/"] = [status(503)]
    assert newest_hour(online) == HOUR


@pytest.mark.parametrize("source", ["nothing", "x" * 300])
def test_missing_source_folder_is_an_error_even_if_the_report_is_there(
    settings: Settings, write_dump: WriteDump, source: str
) -> None:
    """As for a batch."""
    write_dump("en A 5 0\n")
    run_hour(HOUR, settings)
    with pytest.raises(SourceError, match=f"the source {source} "):
        run_hour(HOUR, settings.model_copy(update={"source": source}))
    with pytest.raises(SourceError, match=f"the source {source} "):
        run_hours([HOUR], settings.model_copy(update={"source": source}))
