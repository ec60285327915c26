"""The rows of docs/failure-modes.md about disks, kills, clocks, two runs at once, and object storage."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import formatdate
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from threading import Event
from typing import TypeVar
from urllib.parse import unquote

import fsspec
import pyarrow.parquet as pq
import pytest
from aiohttp import web
from polars.exceptions import PanicException

from pvtop.cli.progress import Watch
from pvtop.core.address import Address
from pvtop.core.hour import Hour, hour_range
from pvtop.core.states import HourState
from pvtop.lake.failures import LAKE
from pvtop.lake.layout import top_pages_path
from pvtop.pipeline.batch import run_hours
from pvtop.pipeline.hour import run_hour
from pvtop.settings import Settings
from pvtop.sources.cache import Cache
from pvtop.storage import locks
from pvtop.storage.registry import open_filesystem
from support.disks import mount, mounted_at
from support.pages import failure_modes
from support.processes import PAUSE, wait_until
from support.samples import ROOT, Command, WriteDump
from support.server.behaviours import cut, slow, slow_start, stall, status
from support.server.files import File, Server
from support.server.s3 import S3Proxy, s3_error

HOURS = hour_range(Hour.parse("2024-08-03T06"), Hour.parse("2024-08-03T08"))
HOUR = HOURS[0]
HOURS_FAILED = 4
YEAR = 365 * 86_400  # seconds
NOISE = random.Random(1)
LINES = [f"en {NOISE.randbytes(60).hex()} {views} 0\n" for views in range(1, 3_000)]
DUMP = File(gzip.compress("".join(LINES).encode(), mtime=0))
ROWS = {fault: cells for fault, *cells in failure_modes("The machine, and object storage")}
TESTED: set[str] = set()

PVTOP = str(Path(sys.executable).with_name("pvtop"))

T = TypeVar("T", bound=Callable[..., None])


def fault(name: str) -> Callable[[T], T]:
    """Record which row of the page a test runs."""
    TESTED.add(name)
    return lambda test: test


def assert_as_told(done: subprocess.CompletedProcess[str], name: str) -> None:
    """Compare the outcome of a command with the row of the page."""
    report, batch, message, *_ = ROWS[name]
    assert done.returncode == int(batch if "batch" in done.args else report), done.stderr
    told = done.stderr.splitlines()
    assert not done.returncode or len(told) == 2 + (done.returncode == HOURS_FAILED), done.stderr
    assert message.strip("`") in (told or [""])[0]
    assert done.stderr.count("cannot ") <= 1, "told once"
    assert "Traceback" not in done.stderr


def test_every_row_of_the_page_is_tested() -> None:
    assert set(ROWS) == TESTED


@pytest.fixture
def args(server: Server) -> tuple[str, ...]:
    """Serve some hours. Return the arguments that name the server."""
    server.files |= {f"/{hour.dump_path}": DUMP for hour in HOURS} | {"/blacklist": File(b"en 00\n")}
    return ("--source", server.url, "--blacklist", f"{server.url}/blacklist", "--quiet")


REPORT = ("report", "--date", "2024-08-03", "--hour", "6")
BATCH = ("batch", "--start", HOURS[0].iso, "--end", HOURS[-1].iso)
ONE = ("batch", "--start", HOUR.iso, "--end", HOUR.iso)

BUCKET = "s3://bucket/lake"
both = pytest.mark.parametrize("work", [REPORT, ONE], ids=["report", "batch"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 100 kB."""
    with mounted_at(tmp_path / "disk", "-t", "tmpfs", "-o", "size=100k", "tmpfs"):
        yield tmp_path / "disk"


def left_on(disk: Path) -> list[Path]:
    return [path for path in disk.rglob("*") if path.is_file()]


@fault("cache on a full disk")
@both
def test_cache_on_a_full_disk(
    pvtop_in_process: Command, args: tuple[str, ...], small_disk: Path, work: tuple[str, ...]
) -> None:
    done = pvtop_in_process(*work, *args, "--cache-dir", small_disk, "--quiet")
    assert_as_told(done, "cache on a full disk")
    assert ("pvtop cache prune" in done.stderr) is (work == REPORT)
    assert not [path for path in left_on(small_disk) if "2024" in path.name]


@fault("limit on the length of files")
@both
def test_limit_on_the_size_of_files(pvtop_in_process: Command, args: tuple[str, ...], work: tuple[str, ...]) -> None:
    _, most = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (50_000, most))
    try:
        done = pvtop_in_process(*work, *args, "--quiet")
    finally:
        setrlimit(RLIMIT_FSIZE, (most, most))
    assert_as_told(done, "limit on the length of files")
    assert ("ulimit -f" in done.stderr) is (work == REPORT)
    assert not [path for path in left_on(Path("cache")) if "2024" in path.name]


@fault("lake on a full disk")
@both
def test_lake_on_a_full_disk(
    pvtop_in_process: Command, args: tuple[str, ...], small_disk: Path, work: tuple[str, ...]
) -> None:
    assert pvtop_in_process(*REPORT, *args, "--output", small_disk, "--top", "10", "--quiet").returncode == 0
    before = files(str(small_disk))
    (small_disk / "filler").write_bytes(bytes(85_000))
    done = pvtop_in_process(*work, *args, "--output", small_disk, "--quiet")
    assert_as_told(done, "lake on a full disk")
    assert ("pvtop cache prune" in done.stderr) is (work == REPORT)
    (small_disk / "filler").unlink()
    left = {name: content for name, content in files(str(small_disk)).items() if not name.startswith("failures/")}
    assert left == before
    assert pvtop_in_process(*work, *args, "--output", small_disk, "--quiet").returncode == 0
    assert files(str(small_disk)).keys() == before.keys()


@fault("read-only cache")
@both
def test_read_only_cache(
    pvtop_in_process: Command, args: tuple[str, ...], small_disk: Path, work: tuple[str, ...]
) -> None:
    assert mount("-o", "remount,ro", small_disk)
    done = pvtop_in_process(*work, *args, "--cache-dir", small_disk, "--quiet")
    assert_as_told(done, "read-only cache")
    assert "choose another folder (--cache-dir)" in done.stderr


@fault("read-only lake")
@both
def test_read_only_lake(
    pvtop_in_process: Command, args: tuple[str, ...], small_disk: Path, work: tuple[str, ...]
) -> None:
    assert mount("-o", "remount,ro", small_disk)
    done = pvtop_in_process(*work, *args, "--output", small_disk, "--quiet")
    assert_as_told(done, "read-only lake")
    assert ("choose another one (--output)" in done.stderr) is (work == REPORT)


@fault("cache path is a file")
@both
def test_file_instead_of_the_cache_folder(
    pvtop_in_process: Command, args: tuple[str, ...], tmp_path: Path, work: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    done = pvtop_in_process(*work, *args, "--cache-dir", tmp_path / "file", "--quiet")
    assert_as_told(done, "cache path is a file")
    assert "choose another folder (--cache-dir)" in done.stderr


@fault("no home folder")
@pytest.mark.usefixtures("no_home")
@both
def test_no_home_folder(pvtop_in_process: Command, args: tuple[str, ...], work: tuple[str, ...]) -> None:
    done = pvtop_in_process(*work, *args, "--quiet")
    assert_as_told(done, "no home folder")
    assert "choose a folder (--cache-dir)" in done.stderr
    assert not [path for path in Path().rglob("*") if path.is_file()]


@fault("lake path is a file")
@both
def test_file_instead_of_the_lake_folder(
    pvtop_in_process: Command, args: tuple[str, ...], tmp_path: Path, work: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    done = pvtop_in_process(*work, *args, "--output", tmp_path / "file", "--quiet")
    assert_as_told(done, "lake path is a file")
    assert "choose another one (--output)" in done.stderr


@fault("lake is a link to nothing")
@pytest.mark.parametrize("link", ["lake", "folder/lake", "lake/top_pages"])
@both
def test_link_to_nothing_instead_of_a_lake_folder(
    pvtop_in_process: Command, args: tuple[str, ...], work: tuple[str, ...], link: str
) -> None:
    Path(link).parent.mkdir(parents=True, exist_ok=True)
    Path(link).symlink_to("nothing")
    lake = "folder/lake/below" if link == "folder/lake" else "lake"
    for command in (work, ("show",), ("status", "--start", HOUR.iso), ("validate",)):
        done = pvtop_in_process(*command, *(args if command == work else ()), "--output", lake, "--quiet")
        assert_as_told(done, "lake is a link to nothing")
        assert f"{link} is a link to nothing, which does not exist\n" in done.stderr
        assert "choose another lake (--output)" in done.stderr
    assert not Path("nothing").exists()


def test_link_to_nothing_instead_of_the_cache_folder(pvtop_in_process: Command, args: tuple[str, ...]) -> None:
    Path("link").symlink_to("nothing")
    done = pvtop_in_process(*REPORT, *args, "--cache-dir", "link", "--quiet")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pvtop: cannot write the cache folder link")
    assert "link is a link to nothing, which does not exist\n" in done.stderr


@fault("current folder is gone")
@both
def test_current_folder_that_is_gone(
    pvtop_in_process: Command, args: tuple[str, ...], work: tuple[str, ...], tmp_path: Path
) -> None:
    Path("gone").mkdir()
    os.chdir("gone")
    (tmp_path / "gone").rmdir()
    for command in (work, ("show",), ("status", "--start", HOUR.iso), ("validate",)):
        done = pvtop_in_process(*command, *(args if command == work else ()), "--output", "lake", "--quiet")
        assert_as_told(done, "current folder is gone")
    for option in ("--source", "--blacklist"):
        done = pvtop_in_process(*work, *args, "--output", tmp_path / "lake", option, "here", "--quiet")
        assert (done.returncode, "cannot find here: the current folder no longer exists" in done.stderr) == (1, True)
    assert pvtop_in_process(*work, *args, "--output", tmp_path / "lake").returncode == 0


@pytest.fixture
def unprivileged() -> tuple[str, ...]:
    """Return a command that takes root's right to ignore permissions."""
    if os.geteuid():
        return ()
    if not (command := shutil.which("setpriv")):
        pytest.skip("permissions do not hold for root, and setpriv is not installed")
    return (command, "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all")


@fault("unwritable lake folder")
@pytest.mark.parametrize(
    ("folder", "work"),
    [
        ("text/2024/2024-08", REPORT),
        (f"domains/{HOUR.partition}", REPORT),
        (f"top_pages/{HOUR.partition}", REPORT),
        (f"top_pages/{HOUR.partition}", ONE),
    ],
)
def test_lake_folder_without_write_permission(
    pvtop_in_process: Command, args: tuple[str, ...], unprivileged: tuple[str, ...], folder: str, work: tuple[str, ...]
) -> None:
    pvtop_in_process(*REPORT, *args, "--output", "lake", "--quiet")
    before = files("lake")
    Path("lake", folder).chmod(0o555)
    done = subprocess.run(
        [*unprivileged, PVTOP, *work, *args, "--output", "lake", "--force"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert_as_told(done, "unwritable lake folder")
    assert {name: content for name, content in files("lake").items() if "failures/" not in name} == before


DAY = "lake/top_pages/date=2024-08-03"


@fault("unreadable lake folder")
@pytest.mark.parametrize(
    ("work", "folder"),
    [
        (("status", *BATCH[1:]), "lake"),
        (("status", *BATCH[1:]), "lake/top_pages"),
        (("status", *BATCH[1:]), DAY),
        (("validate", *BATCH[1:]), DAY),
        ((*BATCH, "--dry-run"), DAY),
        (("show",), DAY),
    ],
)
def test_lake_folder_without_read_permission(
    pvtop_in_process: Command, args: tuple[str, ...], unprivileged: tuple[str, ...], work: tuple[str, ...], folder: str
) -> None:
    pvtop_in_process(*REPORT, *args, "--output", "lake", "--quiet")
    more = {"show": (), "batch": args}.get(work[0], args[:2])
    done = without_permission(folder, *unprivileged, PVTOP, *work, *more, "--output", "lake")
    assert_as_told(done, "unreadable lake folder")


@fault("damaged report")
@pytest.mark.parametrize("name", ["top_pages", "domains"])
def test_damaged_report_is_named_and_made_again(pvtop_in_process: Command, args: tuple[str, ...], name: str) -> None:
    assert pvtop_in_process(*BATCH, *args, "--output", "lake", "--quiet").returncode == 0
    before = files("lake")
    path = Path("lake", name, HOUR.partition, f"{name}.parquet")
    content = bytearray(path.read_bytes())
    content[4] ^= 0xFF  # the first page of it
    content[-9] ^= 0xFF  # its footer
    path.write_bytes(content)
    for work in (("validate", *BATCH[1:]), ("show", *REPORT[1:])):
        shown = pvtop_in_process(*work, "--output", "lake", "--quiet")
        assert shown.returncode == (5 if "validate" in work else 1)
        assert f"cannot read {path}: " in shown.stderr
        assert "panicked" not in shown.stderr
    again = () if name == "top_pages" else ("--force",)  # domains are read where they are needed, and not before
    assert_as_told(pvtop_in_process(*BATCH, *args, "--output", "lake", *again, "--quiet"), "damaged report")
    assert files("lake") == before


@fault("unreadable cache folder")
@pytest.mark.parametrize(
    ("work", "folder"),
    [
        (("ls",), "cache"),
        (("ls",), "cache/2024"),
        (("verify",), "cache/2024/2024-08"),
        (("prune", "--older-than", "0d", "--yes"), "cache/2024/2024-08"),
    ],
)
def test_cache_folder_without_read_permission(
    pvtop_in_process: Command, args: tuple[str, ...], unprivileged: tuple[str, ...], work: tuple[str, ...], folder: str
) -> None:
    pvtop_in_process(*REPORT, *args, "--output", "lake", "--quiet")
    done = without_permission(folder, *unprivileged, PVTOP, "cache", *work)
    assert_as_told(done, "unreadable cache folder")


def without_permission(folder: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command while a folder must not be read."""
    Path(folder).chmod(0)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    Path(folder).chmod(0o755)
    return done


@fault("killed")
@pytest.mark.parametrize(
    ("kind", "least"), [("seen", 5), pytest.param("any", 20, marks=pytest.mark.long)], ids=["seen by others", "any"]
)
def test_run_killed_before_any_file_change_is_completed_by_the_next(
    server: Server, args: tuple[str, ...], tmp_path: Path, kind: str, least: int
) -> None:
    """Kill the first run of an hour, and a run that replaces a report. Both at the same time, as they take long."""
    settings = Settings.load(source=server.url, blacklist=args[3], output="lake", cache_dir=Path("cache"))
    run_hour(HOUR, settings.model_copy(update={"output": "right"}))
    run_hour(HOUR, settings.model_copy(update={"output": "again/before/lake", "top": 10}))
    Path("first/before/lake").mkdir(parents=True)
    program = str(ROOT / "tests" / "support" / "killed.py")
    killing = [sys.executable, program, "before", str(tmp_path / "right"), settings.model_dump_json(), kind]
    runs = [
        subprocess.Popen(killing, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for folder in ("first", "again")
    ]
    for run in runs:
        changes, told = run.communicate(timeout=600)
        assert run.returncode == 0, told
        assert int(changes) >= least


@fault("folder of the lake on another disk")
def test_batch_over_a_lake_with_a_folder_on_another_disk(
    pvtop_in_process: Command, args: tuple[str, ...], small_disk: Path
) -> None:
    assert pvtop_in_process(*BATCH, *args, "--output", "right").returncode == 0
    assert pvtop_in_process(*BATCH, *args, "--output", "lake", "--top", "10").returncode == 0
    shutil.move("lake/top_pages", small_disk)
    Path("lake/top_pages").symlink_to(small_disk / "top_pages")
    assert_as_told(pvtop_in_process(*BATCH, *args, "--output", "lake"), "folder of the lake on another disk")
    for hour in HOURS:
        name = Path("top_pages", hour.partition, "top_pages.parquet")
        assert ("lake" / name).read_bytes() == ("right" / name).read_bytes()


@fault("pipe where a file is expected")
@both
def test_pipes_in_the_lake_and_the_cache_never_block(
    pvtop_in_process: Command, args: tuple[str, ...], work: tuple[str, ...]
) -> None:
    for harmless in ("lake/.tmp/.domains.parquet.1.tmp", "cache/2024/2024-08/.pageviews-20240803-060000.gz.1.tmp"):
        Path(harmless).parent.mkdir(parents=True)
        os.mkfifo(harmless)
    os.mkfifo("cache/2024/2024-08/pageviews-20240803-060000.gz.json")
    assert pvtop_in_process(*work, *args, "--output", "lake").returncode == 0
    marker = Path("lake/top_pages", HOUR.partition, "top_pages.parquet")
    marker.unlink()
    os.mkfifo(marker)
    assert_as_told(pvtop_in_process(*work, *args, "--output", "lake"), "pipe where a file is expected")


@fault("download locked by another program")
@both
def test_download_that_another_program_has_locked(
    pvtop_in_process: Command, args: tuple[str, ...], work: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "MAX_WAIT", 0.0)
    assert pvtop_in_process(*work, *args, "--output", "lake").returncode == 0
    with Path("cache", HOUR.dump_path).open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = pvtop_in_process(*work, *args, "--output", "lake", "--force")
    assert_as_told(done, "download locked by another program")


@pytest.fixture
def few_threads() -> tuple[str, ...]:
    """Return a command whose program may start only few threads. Limits do not hold for root, so it is another user."""
    prlimit, setpriv = shutil.which("prlimit"), shutil.which("setpriv")
    if os.geteuid() or not prlimit or not setpriv:
        pytest.skip("becoming another user takes root's rights, prlimit and setpriv")
    keep = "+dac_override,+dac_read_search"  # the user may not be able to read this environment
    user = ("--reuid", str(100_000 + os.getpid()), "--inh-caps", keep, "--ambient-caps", keep)
    return (prlimit, "--nproc=12:12", setpriv, *user)


@fault("too few threads")
@both
def test_machine_that_refuses_threads(
    args: tuple[str, ...], few_threads: tuple[str, ...], work: tuple[str, ...]
) -> None:
    command = [*few_threads, sys.executable, "-m", "pvtop", *work, *args, "--output", "lake"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert_as_told(done, "too few threads")
    assert not Path("lake").exists()


@fault("too few open files")
@both
def test_limit_on_open_files_is_named(write_dump: WriteDump, work: tuple[str, ...]) -> None:
    """How many files a run opens at once depends on the machine, so this tries several limits."""
    write_dump("".join(LINES))
    args = [*work, "--source", "source", "--blacklist", "none", "--output", "lake", "--force", "--quiet"]
    failed = 0
    for limit in (9, 11, 13):
        limited = ["/bin/sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", sys.executable, "-m", "pvtop", *args]
        done = subprocess.run(limited, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode and "panicked" not in done.stderr:
            failed += 1
            assert_as_told(done, "too few open files")
            assert "raise the limit on open files (ulimit -n)" in done.stderr or work == ONE
    assert failed


@fault("panic of Polars")
def test_panic_of_polars_fails_one_hour(args: tuple[str, ...]) -> None:
    class Panicking(Watch):
        def computing(self, hour: Hour) -> None:
            if hour == HOUR:
                raise PanicException("thread panicked\nbacktrace")

    result = run_hours(HOURS, Settings.load(source=args[1], blacklist="none", output="lake"), Panicking())
    assert result.counts == {HourState.MADE: 2, HourState.FAILED: 1}
    assert str(result.failures[0].error) == "internal error: PanicException: thread panicked"


@fault("interrupted")
@pytest.mark.parametrize(("work", "by"), [(REPORT, signal.SIGINT), (BATCH, signal.SIGTERM)])
def test_interrupt_ends_a_wait_for_a_silent_server(
    server: Server, args: tuple[str, ...], work: tuple[str, ...], by: signal.Signals
) -> None:
    server.always[f"/{HOUR.dump_path}"] = stall(0.5)
    interrupt([*work, *args], by, lambda: bool(server.asked(f"/{HOUR.dump_path}")))


def interrupt(command: list[str], by: signal.Signals, when: Callable[[], bool]) -> None:
    """Run a command, interrupt it when a condition holds, and check its exit code and its files."""
    program = str(Path(sys.executable).with_name("pvtop"))
    with subprocess.Popen([program, *command], stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(when, process)
            process.send_signal(by)
            _, told = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == int(ROWS["interrupted"][0]), told
    assert "Traceback" not in told
    assert not [path for path in Path().rglob("*.tmp") if path.is_file()]


def test_interrupt_ends_a_wait_for_a_lock(args: tuple[str, ...]) -> None:
    lake = open_filesystem(Address.at("lake"), LAKE, 1)
    with lake.exclusive_lock(top_pages_path(HOUR)):
        interrupt(
            [*REPORT, *args, "--output", "lake"], signal.SIGINT, lambda: len(list(Path("lake/.tmp").glob("*.tmp"))) == 3
        )


@fault("clock set back")
@fault("clock set forward")
@pytest.mark.parametrize("years", [-50, 50])
def test_run_after_the_clock_was_set(pvtop_in_process: Command, args: tuple[str, ...], years: int) -> None:
    """The times of files do not matter to the lake, only to the cache."""
    settings = Settings.load(source=args[1], blacklist=args[3], output="lake", check_source=True)
    assert run_hours(HOURS, settings).counts[HourState.MADE] == len(HOURS)
    when = time.time() + years * YEAR
    for path in [*Path("lake").rglob("*"), *settings.cache_dir.rglob("*")]:
        os.utime(path, (when, when))
    assert run_hours(HOURS, settings).counts == {"unchanged": len(HOURS)}
    assert len(Cache(settings.cache_dir).prunable(timedelta(days=7), None)) == (len(HOURS) if years < 0 else 0)
    for work in (REPORT, BATCH):
        done = pvtop_in_process(*work, *args, "--output", "lake", "--force", "--quiet")
        assert_as_told(done, "clock set back" if years > 0 else "clock set forward")


@pytest.mark.parametrize(("work", "years"), [(REPORT, -50), (ONE, 50)], ids=["report, back", "batch, forward"])
def test_clock_set_during_a_run(
    pvtop_in_process: Command, server: Server, args: tuple[str, ...], work: tuple[str, ...], years: int
) -> None:
    """Set the clock during a download. Then the server sends Retry-After by its own clock, and stalls."""
    pvtop_in_process(*work, *args, "--output", "right", "--cache-dir", "another-cache", "--quiet")

    async def set_clock(request: web.Request, file: File) -> web.StreamResponse:
        Path("clock").write_text(str(years * YEAR))
        return await cut(0.5)(request, file)

    later = status(503, Retry_After=formatdate(time.time() + 0.5, usegmt=True))
    server.script[f"/{HOUR.dump_path}"] = [set_clock, later, stall(0.1)]
    environment = os.environ | {"PVTOP_READ_TIMEOUT": "2"}
    stepped = [sys.executable, str(ROOT / "tests" / "support" / "stepped.py"), *work, *args, "--output", "lake"]
    done = subprocess.run(stepped, capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert_as_told(done, "clock set forward" if years > 0 else "clock set back")
    assert len(server.asked(f"/{HOUR.dump_path}")) >= 5  # more on a slow machine, if the last answer times out
    assert files("lake") == files("right")


@fault("two runs at once")
def test_two_runs_at_once_give_one_result(pvtop_process: Command, server: Server, args: tuple[str, ...]) -> None:
    pvtop_process(*BATCH, *args, "--output", "right", "--cache-dir", "another-cache")
    server.always |= {f"/{hour.dump_path}": slow() for hour in HOURS}
    command = [str(Path(sys.executable).with_name("pvtop")), *BATCH, *args, "--output", "lake"]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    while any(run.poll() is None for run in runs):
        with contextlib.suppress(subprocess.TimeoutExpired):
            runs[0].wait(PAUSE)
        for path in Path("cache").rglob("pageviews-*.gz"):
            assert path.read_bytes() == DUMP.content
        for path in Path("lake").rglob("*.parquet"):
            with contextlib.suppress(FileNotFoundError):  # it may be taken away again, but is never half there
                assert pq.read_metadata(path).num_rows
    told = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    assert_as_told(pvtop_process(*BATCH, *args, "--output", "lake"), "two runs at once")
    assert files("lake") == files("right")
    assert not [path for path in Path().rglob("*.tmp") if path.is_file()]


def files(folder: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@fault("S3 slows down")
@fault("S3 fails now and then")
@pytest.mark.parametrize(
    ("status", "code", "name", "work"),
    [(503, "SlowDown", "S3 slows down", REPORT), (500, "InternalError", "S3 fails now and then", ONE)],
)
def test_temporary_s3_error_is_retried(  # noqa: PLR0913, PLR0917 - fixtures
    pvtop_in_process: Command, args: tuple[str, ...], s3: fsspec.AbstractFileSystem, s3_proxy: S3Proxy,
    status: int, code: str, name: str, work: tuple[str, ...],
) -> None:  # fmt: skip
    s3_proxy.fail(status, code, times=2)
    assert_as_told(pvtop_in_process(*work, *args, "--output", BUCKET), name)
    assert s3_proxy.refused == 2
    assert len(s3.find("bucket/lake")) == 3


@fault("S3 slows down for good")
@fault("S3 refuses")
@pytest.mark.parametrize(
    ("status", "code", "name", "work"),
    [(503, "SlowDown", "S3 slows down for good", REPORT), (403, "AccessDenied", "S3 refuses", REPORT),
     (403, "AccessDenied", "S3 refuses", ONE)],
)  # fmt: skip
def test_lasting_s3_error_is_reported(  # noqa: PLR0913, PLR0917 - fixtures
    pvtop_in_process: Command, args: tuple[str, ...], s3: fsspec.AbstractFileSystem, s3_proxy: S3Proxy,
    status: int, code: str, name: str, work: tuple[str, ...],
) -> None:  # fmt: skip
    s3_proxy.fail(status, code, times=1_000)
    done = pvtop_in_process(*work, *args, "--output", BUCKET, AWS_MAX_ATTEMPTS="1")
    assert_as_told(done, name)
    assert "check its permissions and credentials" in done.stderr
    assert s3.find("bucket/lake") == []


@fault("S3 breaks while an hour is written")
@both
def test_s3_error_during_a_write_leaves_the_hour_unmade(
    pvtop_in_process: Command,
    args: tuple[str, ...],
    s3: fsspec.AbstractFileSystem,
    s3_proxy: S3Proxy,
    work: tuple[str, ...],
) -> None:
    s3_proxy.fail(403, "AccessDenied", times=1, method="PUT", key="top_pages.parquet")
    assert_as_told(pvtop_in_process(*work, *args, "--output", BUCKET), "S3 breaks while an hour is written")
    assert not [path for path in s3.find("bucket/lake") if "/top_pages/" in path]


CHANGES = {"PUT", "POST", "DELETE"}
READS = {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("again", "methods", "most"),
    [
        pytest.param(False, CHANGES, 5, id="change, the first time"),
        pytest.param(True, CHANGES, 8, id="change, made again"),
        pytest.param(False, CHANGES | READS, 19, id="any, the first time", marks=pytest.mark.long),
        pytest.param(True, CHANGES | READS, 25, id="any, made again", marks=pytest.mark.long),
    ],
)
def test_s3_error_at_any_operation_leaves_no_half_made_hour(  # noqa: PLR0913, PLR0917 - fixtures
    pvtop_in_process: Command, server: Server, args: tuple[str, ...], s3: fsspec.AbstractFileSystem, s3_proxy: S3Proxy,
    methods: set[str], most: int, *, again: bool,
) -> None:  # fmt: skip
    """Each hour of a batch fails at another operation, the last hour at none."""
    hours = hour_range(HOUR, HOUR + (most - 1))  # more hours than an hour takes such requests
    server.files |= {f"/{hour.dump_path}": DUMP for hour in hours}
    batch = ("batch", "--start", hours[0].iso, "--end", hours[-1].iso, *args)
    settings = Settings.load(source=args[1], blacklist=args[3], output="right")
    assert run_hours(hours, settings).counts[HourState.FAILED] == 0
    if again:
        run_hours(hours, settings.model_copy(update={"output": "old", "top": 10}))
        s3.put("old", "bucket/lake", recursive=True)
    old, right = objects(s3), {name: md5(content) for name, content in files("right").items()}
    left = {hour: operation for operation, hour in enumerate(hours)}
    planned = Event()

    def is_its_turn(request: web.Request) -> bool:
        if request.path == "/bucket/lake":  # the first thing that is done for an hour
            planned.set()
        hour = next((hour for hour in hours if is_of(hour, unquote(request.path_qs))), None)
        if hour is None or not planned.is_set() or request.method not in methods:
            return False
        left[hour] -= 1
        return left[hour] == -1

    s3_proxy.misbehave(s3_error(403, "AccessDenied"), is_its_turn)
    done = pvtop_in_process(*batch, "--output", BUCKET)
    assert done.returncode == HOURS_FAILED, done.stderr
    assert 3 <= s3_proxy.refused < len(hours), (left, s3_proxy.refused)
    s3_proxy.misbehave(s3_error(403, "AccessDenied"), lambda _: False)
    now = objects(s3)
    for hour in hours:
        left_of = {name: content for name, content in now.items() if is_of(hour, name) and "failures/" not in name}
        whole = [{name: content for name, content in lake.items() if is_of(hour, name)} for lake in (old, right)]
        assert left_of in whole or not (again or [name for name in left_of if "top_pages/" in name]), hour
    assert pvtop_in_process(*batch, "--output", BUCKET).returncode == 0
    assert objects(s3) == right


def is_of(hour: Hour, name: str) -> bool:
    """Return whether an object belongs to an hour."""
    return hour.partition in name or f"{hour.stamp:%Y%m%d-%H}0000" in name


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def objects(s3: fsspec.AbstractFileSystem) -> dict[str, str]:
    """Return the objects of the lake: their names, and their MD5, which S3 lists as the ETag of a small object."""
    found = s3.find("bucket/lake", detail=True)
    return {path.removeprefix("bucket/lake/"): entry["ETag"].strip('"') for path, entry in found.items()}


@fault("S3 as a source that is silent")
def test_interrupt_ends_a_wait_for_a_silent_s3_source(
    server: Server, s3: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3.exists("bucket")
    server.always["/bucket"] = slow_start
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    command = ["report", "--source", "s3://bucket", "--blacklist", "none", "--quiet"]
    interrupt(command, signal.SIGINT, lambda: bool(server.requests))


@fault("S3 as a lake that is silent")
@both
@pytest.mark.parametrize("interrupted", [False, True], ids=["waited for", "interrupted"])
def test_silent_s3_lake_times_out_or_is_interrupted(
    pvtop_in_process: Command, args: tuple[str, ...], s3_proxy: S3Proxy, work: tuple[str, ...], *, interrupted: bool
) -> None:
    s3_proxy.misbehave(slow_start, lambda _: True)
    command = [*work, *args, "--output", BUCKET]
    if interrupted:
        interrupt(command, signal.SIGINT, lambda: bool(s3_proxy.refused))
    else:
        done = pvtop_in_process(*command, PVTOP_CONNECT_TIMEOUT="0.5", PVTOP_READ_TIMEOUT="0.5")
        assert_as_told(done, "S3 as a lake that is silent")
