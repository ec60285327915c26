"""The lake: the same files in a folder, in memory and on S3."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from threading import Barrier

import fsspec
import polars as pl
import pyarrow.parquet as pq
import pytest

from pvtop.core.errors import OPEN_FILES, InvalidReportError, NotInLakeError, OutputError, UsageError
from pvtop.core.hour import Hour, HourLike
from pvtop.lake.lake import Lake
from pvtop.lake.layout import domains_path, text_path, top_pages_path
from pvtop.mart.mart import Mart
from pvtop.render.text import render_text
from pvtop.transform.report import Report
from support.disks import mounted_at
from support.open_files import files_left
from support.reports import HOUR, PAGES, PROVENANCE, make_report

PATHS = [
    "domains/date=2019-04-01/hour=12/domains.parquet",
    "text/2019/2019-04/top_pages-20190401-120000.txt",
    "top_pages/date=2019-04-01/hour=12/top_pages.parquet",
]
Write = Callable[[Lake], object]


@pytest.fixture(params=["folder", "memory", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the root of a lake that does not exist yet."""
    if request.param == "folder":
        yield str(tmp_path / "lake")
        return
    if request.param == "s3":
        request.getfixturevalue("s3")
        yield "s3://bucket/lake"
        return
    memory = fsspec.filesystem("memory")
    yield f"memory://{tmp_path.name}/lake"
    if memory.exists(f"/{tmp_path.name}"):
        memory.rm(f"/{tmp_path.name}", recursive=True)


def contents(root: str) -> dict[str, bytes]:
    """Return the content of all files below a root, by path."""
    files, path = fsspec.core.url_to_fs(root)
    files.invalidate_cache()
    return {name.removeprefix(f"{path}/"): files.cat_file(name) for name in files.find(path)}


def test_write_creates_the_three_files_of_an_hour(root: str) -> None:
    Lake(root).write(make_report())
    assert sorted(contents(root)) == PATHS
    assert [domains_path(HOUR), text_path(HOUR), top_pages_path(HOUR)] == PATHS


def test_read_returns_the_written_report(root: str) -> None:
    report = make_report()
    Lake(root).write(report)
    found = Lake(root).read(HOUR)
    assert found.top_pages.equals(report.top_pages)
    assert found.domains.equals(report.domains)
    assert found.top_pages.schema == report.top_pages.schema
    assert (found.hour, found.provenance) == (HOUR, PROVENANCE)


def test_empty_report_keeps_its_columns(root: str) -> None:
    Lake(root).write(make_report(pages=[], totals=[]))
    found = Lake(root).read(HOUR)
    assert found.top_pages.schema == make_report().top_pages.schema


def test_text_file_is_utf8(root: str) -> None:
    report = make_report(pages=[("en", 1, "Österreich", 5)])
    Lake(root).write(report)
    assert contents(root)[PATHS[1]] == render_text(report).encode()


def test_parquet_columns_have_the_documented_types(tmp_path: Path) -> None:
    Lake(str(tmp_path)).write(make_report())
    top_pages, domains = (pq.read_schema(tmp_path / PATHS[place]) for place in (2, 0))
    assert [(field.name, str(field.type)) for field in top_pages] == [
        ("domain_code", "large_string"),
        ("rank", "uint32"),
        ("page_title", "large_string"),
        ("views", "int64"),
    ]
    assert [(field.name, str(field.type)) for field in domains] == [
        ("domain_code", "large_string"),
        ("pages", "int64"),
        ("views", "int64"),
        ("blacklisted_pages", "int64"),
        ("blacklisted_views", "int64"),
    ]


@pytest.mark.parametrize("path", [PATHS[0], PATHS[2]])
def test_provenance_is_in_the_parquet_metadata(path: str, tmp_path: Path) -> None:
    Lake(str(tmp_path)).write(make_report())
    metadata = pq.read_metadata(tmp_path / path).metadata
    assert sorted(metadata) == [b"ARROW:schema", b"pvtop"]
    assert json.loads(metadata[b"pvtop"]) == json.loads(PROVENANCE.to_json())


def test_writing_a_report_twice_gives_the_same_bytes(root: str) -> None:
    Lake(root).write(make_report())
    before = contents(root)
    Lake(root).write(make_report())
    assert contents(root) == before


def test_write_replaces_the_report_of_an_hour(root: str) -> None:
    Lake(root).write(make_report())
    Lake(root).write(make_report(pages=[("en", 1, "Other", 5)], entries=1))
    found = Lake(root).read(HOUR)
    assert found.top_pages.rows() == [("en", 1, "Other", 5)]
    assert found.provenance.entries == 1


@pytest.mark.parametrize("path", PATHS)
def test_folder_at_the_path_of_a_file_fails_before_any_change(path: str, tmp_path: Path) -> None:
    Lake(str(tmp_path)).write(make_report())
    (tmp_path / path).unlink()
    (tmp_path / path).mkdir()
    before = contents(str(tmp_path))
    with pytest.raises(OutputError, match=f"cannot write {tmp_path / path}: it is not a regular file"):
        Lake(str(tmp_path)).write(make_report(top=3))
    assert contents(str(tmp_path)) == before
    assert (Lake(str(tmp_path)).provenance(HOUR) is None) == (path == PATHS[2])


@pytest.mark.parametrize("path", PATHS)
def test_failed_write_leaves_no_temporary_files(path: str, tmp_path: Path) -> None:
    (tmp_path / path / "in the way").mkdir(parents=True)
    with pytest.raises(OutputError):
        Lake(str(tmp_path)).write(make_report())
    assert {found.relative_to(tmp_path).as_posix() for found in tmp_path.rglob("*") if found.is_file()} < set(PATHS)


def failure_of_write(lake: Lake, report: Report, limits: Iterator[int]) -> tuple[OutputError, dict[str, bytes]] | None:
    """Write a report with the next limit on open files. Return the error and the files left, None if it succeeds."""
    try:
        with files_left(next(limits)):
            lake.write(report)
    except OutputError as error:
        return error, contents(lake.path(""))
    return None


def test_write_with_too_many_open_files_changes_nothing_and_says_so(tmp_path: Path) -> None:
    """How many files a write opens at once is not its contract, so this tries all numbers until it succeeds."""
    lake, smaller = Lake(str(tmp_path / "lake")), make_report(pages=PAGES[:1])
    lake.write(make_report())
    before = contents(lake.path(""))
    failures = list(iter(partial(failure_of_write, lake, smaller, count(1)), None))
    assert len(failures) > 3
    assert all(error.message.endswith(": Too many open files") for error, _ in failures)
    assert {error.hint for error, _ in failures} == {OPEN_FILES}
    assert all(left == before for _, left in failures)
    assert [path.parent for path in tmp_path.rglob(".tmp")] == [tmp_path / "lake"]
    assert contents(lake.path("")) != before


def test_concurrent_writes_do_not_mix_their_files(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    reports = [make_report(pages=PAGES[:count], top=count) for count in (1, 2, 3)]
    wrote_whole = {(report.provenance.top, render_text(report)) for report in reports}
    at_once = Barrier(len(reports))

    def write(report: Report) -> None:
        at_once.wait()
        lake.write(report)

    with ThreadPoolExecutor(len(reports)) as writers:
        for _ in range(40):
            list(writers.map(write, reports))
            made = lake.provenance(HOUR)
            assert made
            assert (made.top, lake.text(HOUR)) in wrote_whole


def test_check_before_replacing_runs_under_the_lock(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write(make_report())

    def look() -> None:
        (lock,) = (tmp_path / ".tmp").glob(".*.lock")
        with lock.open("r+b") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        raise InvalidReportError("less than is there")

    before = contents(str(tmp_path))
    with pytest.raises(InvalidReportError, match="less than is there"):
        lake.write(make_report(top=3), look)
    assert contents(str(tmp_path)) == before


@pytest.fixture(params=[0, 1, 2], ids=["kind", "date", "hour"])
def another_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Make a report, then move a folder of the lake to another disk. Yield the lake."""
    lake, disk = tmp_path / "lake", tmp_path / "disk"
    Lake(str(lake)).write(make_report())
    folder = (lake / PATHS[2]).parents[2 - request.param]
    with mounted_at(disk, "-t", "tmpfs", "tmpfs"):
        shutil.move(folder, disk / "moved")
        folder.symlink_to(disk / "moved")
        yield lake


def test_folder_of_the_lake_on_another_disk_is_written(another_disk: Path) -> None:
    again = make_report(pages=[("en", 1, "Other", 5)], entries=1)
    Lake(str(another_disk)).write(again)
    found = Lake(str(another_disk)).read(HOUR)
    assert found.top_pages.equals(again.top_pages)
    assert not [path for path in another_disk.parent.rglob("*.tmp") if path.is_file()]
    assert pl.read_parquet(another_disk / "top_pages", hive_partitioning=True).height == 1


def test_folder_of_the_lake_that_is_mounted_from_the_same_disk_is_written(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "lake").mkdir()
    with mounted_at(tmp_path / "lake" / "top_pages", "--bind", str(tmp_path / "elsewhere")):
        Lake(str(tmp_path / "lake")).write(make_report())
        Lake(str(tmp_path / "lake")).write(make_report(top=3))
        assert (tmp_path / "lake" / PATHS[2]).exists()


def test_temporary_folder_on_another_disk_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    with mounted_at(tmp_path / "lake" / ".tmp", "-t", "tmpfs", "tmpfs"):
        Lake(str(tmp_path / "lake")).write(make_report())
        Lake(str(tmp_path / "lake")).write(make_report(top=3))
        assert (tmp_path / "lake" / PATHS[2]).exists()


def test_prepare_removes_what_a_killed_run_left_on_another_disk(another_disk: Path) -> None:
    left = another_disk / "top_pages" / ".tmp" / ".top_pages.parquet.1.tmp"
    left.parent.mkdir(exist_ok=True)
    left.touch()
    Lake(str(another_disk)).prepare()
    assert not left.exists()


def test_failure_without_a_reason_is_named_by_its_kind(tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    lake = Lake(str(tmp_path))
    lake.write(make_report())
    with pytest.raises(OutputError, match="cannot read the lake .*: MemoryError"):
        lake._filesystem.read(PATHS[2], fail)  # noqa: SLF001 - whatever a reader meets


@pytest.mark.parametrize("failing", range(1, 7))
def test_failed_rename_keeps_the_earlier_report(failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the three files is set aside, then each new one is renamed into place."""
    lake = Lake(str(tmp_path))
    lake.write(make_report())
    before, renames, rename = contents(str(tmp_path)), count(1), os.rename

    def fail_once(source: str, target: str) -> None:
        if next(renames) == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_once)
    monkeypatch.setattr(os, "replace", fail_once)
    with pytest.raises(OutputError, match="Input/output error"):
        lake.write(make_report(pages=[("en", 1, "Other", 5)], entries=1))
    assert contents(str(tmp_path)) == before


@pytest.mark.parametrize("path", PATHS)
def test_pipe_at_the_path_of_a_file_never_blocks(path: str, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write(make_report())
    (tmp_path / path).unlink()
    os.mkfifo(tmp_path / path)
    assert (HOUR in lake.made_at([HOUR])) == (path != PATHS[2])
    with pytest.raises(OutputError, match="it is not a regular file"):
        lake.write(make_report(top=3))


@pytest.mark.parametrize(
    ("path", "what", "use"),
    [
        (PATHS[0], "read", lambda lake: lake.read(HOUR)),
        (PATHS[1], "read", lambda lake: lake.text(HOUR)),
        (f".tmp/.{PATHS[2].replace('/', '-')}.lock", "write", lambda lake: lake.write(make_report())),
    ],
    ids=["domains", "text", "lock"],
)
def test_pipe_in_the_lake_is_named(path: str, what: str, use: Write, tmp_path: Path) -> None:
    lake, root = Lake(str(tmp_path)), tmp_path
    lake.write(make_report())
    (root / path).unlink(missing_ok=True)
    os.mkfifo(root / path)
    with pytest.raises(OutputError) as caught:
        use(lake)
    assert caught.value.message == f"cannot {what} the lake {root}: {root}/{path}: it is not a regular file"
    assert caught.value.hint == "remove it, or choose another one"


@pytest.mark.parametrize("path", [".tmp", "domains", "text/2019/2019-04", "."])
def test_what_is_not_a_folder_is_named(path: str, tmp_path: Path) -> None:
    wrong = tmp_path / "lake" / path
    wrong.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(wrong)
    with pytest.raises(OutputError) as caught:
        Lake(str(tmp_path / "lake")).write(make_report())
    named = f"{wrong}: " if path != "." else ""
    assert caught.value.message == f"cannot write the lake {tmp_path / 'lake'}: {named}it is not a folder"
    assert caught.value.hint == "remove it, or choose another one"


def test_hour_without_a_report_has_no_provenance(root: str) -> None:
    assert Lake(root).provenance(HOUR) is None
    Lake(root).write(make_report())
    assert Lake(root).provenance(HOUR) == PROVENANCE
    assert Lake(root).provenance(HOUR + 1) is None


def test_read_of_a_missing_hour_names_the_hour_and_the_remedy(root: str) -> None:
    with pytest.raises(NotInLakeError, match="lake/ has no report of 2019-04-01 12:00 UTC") as caught:
        Lake(root).read(HOUR)
    assert caught.value.hint == "make it with run_hour"


@pytest.mark.parametrize("hour", [HOUR.iso, "2019-04-01T14:00+02:00", HOUR.stamp])
def test_every_method_reads_hours_as_times_and_text(hour: HourLike, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write(make_report())
    assert lake.read(hour).hour == HOUR
    assert lake.text(hour) == lake.text(HOUR)
    assert lake.provenance(hour) == lake.provenance_of_domains(hour) == lake.salvage(hour).provenance == PROVENANCE
    assert lake.made_at([hour]).keys() == {HOUR}
    assert lake.lacking_files([hour]) == set()
    lake.note_failure(hour, OutputError("disk full"))
    assert lake.failed(iter([hour])).keys() == {HOUR}


@pytest.mark.parametrize("method", ["read", "text", "provenance", "provenance_of_domains", "salvage"])
def test_value_that_is_not_an_hour_is_refused(method: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not an hour"):
        getattr(Lake(str(tmp_path)), method)("2019-04-01")


def test_lake_shows_its_address_without_secrets() -> None:
    assert repr(Lake("reports")) == "Lake('reports')"
    assert repr(Lake("memory://user:verysecret@host/lake")) == "Lake('memory://host/lake')"


@pytest.mark.parametrize("kind", [Lake, Mart])
@pytest.mark.parametrize("address", ["https:/user:verysecret@host/lake", "user:verysecret@host"])
def test_mistyped_address_of_a_lake_or_mart_is_refused_without_its_secrets(
    kind: type[Lake | Mart], address: str
) -> None:
    with pytest.raises(UsageError, match=rf"is not the address of a {kind.__name__.lower()}: it must be") as caught:
        kind(address)
    assert "verysecret" not in str(caught.value)


def test_notebook_shows_the_newest_hour_of_a_lake(root: str) -> None:
    assert '<td style="text-align: left">none yet</td>' in Lake(root)._repr_html_()
    for hour in (HOUR, HOUR + 1):
        Lake(root).write(make_report(hour=hour))
    assert f">{HOUR + 1}</td>" in Lake(root)._repr_html_()


def test_notebook_shows_why_a_lake_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "lake").symlink_to(tmp_path / "<gone>")
    with pytest.raises(OutputError):
        Lake(str(tmp_path / "lake"))
    lake = Lake(str(tmp_path / "other"))
    (tmp_path / "other").write_text("")
    assert "cannot be read" in lake._repr_html_()


def test_parquet_file_of_another_program_has_no_provenance(tmp_path: Path) -> None:
    path = tmp_path / PATHS[2]
    path.parent.mkdir(parents=True)
    make_report().top_pages.write_parquet(path)
    assert Lake(str(tmp_path)).provenance(HOUR) is None


@pytest.mark.parametrize("content", [b"", b"junk", b"PAR1" + bytes(64) + b"PAR1"], ids=["empty", "junk", "zeros"])
@pytest.mark.parametrize("path", [PATHS[2], PATHS[0]])
def test_read_names_a_damaged_parquet_file(path: str, content: bytes, tmp_path: Path) -> None:
    Lake(str(tmp_path)).write(make_report())
    (tmp_path / path).write_bytes(content)
    with pytest.raises(OutputError, match="cannot read "):
        Lake(str(tmp_path)).read(HOUR)


def test_read_names_a_missing_domains_file(root: str) -> None:
    Lake(root).write(make_report())
    files, path = fsspec.core.url_to_fs(root)
    files.rm_file(f"{path}/{PATHS[0]}")
    with pytest.raises(OutputError, match="cannot read "):
        Lake(root).read(HOUR)


@pytest.mark.parametrize(
    ("day", "hour", "found"),
    [
        (None, None, "2019-10-01T02"),
        (date(2019, 4, 1), None, "2019-04-01T12"),
        (None, 9, "2019-04-01T09"),
        (None, 2, "2019-10-01T02"),
        (date(2019, 4, 1), 9, "2019-04-01T09"),
        (date(2019, 4, 2), None, None),
        (date(2019, 10, 1), 12, None),
        (None, 23, None),
    ],
)
def test_newest_hour_of_a_lake_by_day_and_hour(
    root: str, day: date | None, hour: int | None, found: str | None
) -> None:
    for text in ["2019-04-01T12", "2019-04-01T09", "2019-10-01T02"]:
        Lake(root).write(make_report(hour=Hour.parse(text)))
    assert Lake(root).newest(day, hour) == (Hour.parse(found) if found else None)


def test_linked_folders_count_under_the_name_of_the_link(tmp_path: Path) -> None:
    Lake(str(tmp_path / "lake")).write(make_report())
    day = tmp_path / "lake" / PATHS[2].partition("/hour")[0]
    day.rename(tmp_path / "elsewhere")
    day.symlink_to(tmp_path / "elsewhere")
    (day / "hour=13").mkdir()
    (day / "hour=13/top_pages.parquet").symlink_to("nowhere")
    (day / "up").symlink_to(tmp_path / "elsewhere")
    (day / "itself").symlink_to("itself")
    lake = Lake(str(tmp_path / "lake"))
    assert list(lake.made_at([HOUR, HOUR + 1])) == [HOUR]
    assert lake.newest() == HOUR
    many = [HOUR + hours for hours in range(3_000)]  # so many that the whole lake is listed at once
    assert list(lake.made_at(many)) == [HOUR]


def test_newest_hour_of_an_empty_lake_is_none(root: str) -> None:
    assert Lake(root).newest() is None
    assert Lake(root).last(3) == []


def test_last_returns_the_newest_hours_in_order(root: str) -> None:
    hours = [Hour.parse(text) for text in ["2019-04-01T09", "2019-04-01T12", "2019-10-01T02"]]
    for hour in hours:
        Lake(root).write(make_report(hour=hour))
    assert Lake(root).last(2) == hours[1:]
    assert Lake(root).last(9) == hours


def test_hours_are_those_with_a_report(root: str) -> None:
    assert Lake(root).hours() == []
    hours = [Hour.parse(text) for text in ["2019-04-01T09", "2019-10-01T02"]]
    for hour in reversed(hours):
        Lake(root).write(make_report(hour=hour))
    assert Lake(root).hours() == hours
    assert Lake(root).rollups() == []


def test_newest_ignores_an_hour_without_a_report(tmp_path: Path) -> None:
    Lake(str(tmp_path)).write(make_report())
    (tmp_path / "top_pages/date=2019-04-02/hour=00").mkdir(parents=True)
    (tmp_path / "top_pages/.tmp").mkdir()
    assert Lake(str(tmp_path)).newest() == HOUR


@pytest.mark.parametrize("folder", ["date=2019-04-02.old/hour=00", "date=2019-04-02/hour=7", "date=9999-99-99/hour=00"])
def test_newest_ignores_folders_with_other_names(folder: str, tmp_path: Path) -> None:
    Lake(str(tmp_path)).write(make_report())
    (tmp_path / "top_pages" / folder).mkdir(parents=True)
    assert Lake(str(tmp_path)).newest() == HOUR


WRITES: dict[str, Write] = {"prepare": Lake.prepare, "write": lambda lake: lake.write(make_report())}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("below", ["", "/lake"])
def test_unwritable_root_is_an_output_error(below: str, write: Write, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=f"cannot write the lake .*file{below}: ") as caught:
        write(Lake(f"{tmp_path}/file{below}"))
    assert caught.value.setting == "output"


def test_prepare_creates_the_root(tmp_path: Path) -> None:
    Lake(str(tmp_path / "a/b")).prepare()
    Lake(str(tmp_path / "a/b")).prepare()
    assert (tmp_path / "a/b").is_dir()


def test_lake_with_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(OutputError, match="cannot open the lake nosuch://x"):
        Lake("nosuch://user:secret@x")


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ("reports", "reports/text/a.txt"),
        ("/srv/lake/", "/srv/lake/text/a.txt"),
        ("memory://lake/", "memory://lake/text/a.txt"),
        ("memory://user:secret@lake", "memory://lake/text/a.txt"),
    ],
)
def test_path_shows_no_secrets(output: str, path: str) -> None:
    assert Lake(output).path("text/a.txt") == path


def test_lake_expands_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Lake("~/lake").write(make_report())
    assert sorted(contents(str(tmp_path / "lake"))) == PATHS


def test_lake_decodes_a_file_address(tmp_path: Path) -> None:
    Lake(f"file://{tmp_path}/my%20lake").write(make_report())
    assert sorted(contents(str(tmp_path / "my lake"))) == PATHS


@pytest.mark.parametrize("path", [domains_path, top_pages_path])
def test_file_of_another_hour_is_not_taken_for_that_hour(path: Callable[[Hour], str], tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    for hour in (HOUR, HOUR + 1):
        lake.write(make_report(hour=hour))
    (tmp_path / path(HOUR + 1)).write_bytes((tmp_path / path(HOUR)).read_bytes())
    scan = lake.scan_reports if path is top_pages_path else lake.scan_totals
    expected = f"cannot read {tmp_path / path(HOUR + 1)}: it is the report of 2019-04-01T12:00:00Z"
    for read in (lambda: lake.read(HOUR + 1), lambda: scan(HOUR, HOUR + 1).collect()):
        with pytest.raises(OutputError, match=expected):
            read()
    of_top_pages, of_domains = lake.provenance(HOUR + 1), lake.provenance_of_domains(HOUR + 1)
    assert (of_top_pages is None, of_domains is None) == (path is top_pages_path, path is domains_path)
    salvaged = lake.salvage(HOUR + 1)
    assert (salvaged.top_pages is None, salvaged.domains is None) == (path is top_pages_path, path is domains_path)
    assert lake.read(HOUR).hour == HOUR
