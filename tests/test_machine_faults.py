"""The machine's part of docs/failure-modes.md: disks, kills, clocks, two runs at once; and object storage."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import fsspec
import pyarrow.parquet as pq
import pytest

from conftest import Command
from pages import failure_modes
from pvtop.batch import run_hours
from pvtop.cache import Cache
from pvtop.files import alone
from pvtop.hours import Hour, span
from pvtop.pipeline import run_hour
from pvtop.settings import Settings
from server import File, S3Proxy, Server, slow, slow_start, stall

HOURS = span(Hour.parse("2024-08-03T06"), Hour.parse("2024-08-03T08"))
HOUR = HOURS[0]
NOISE = random.Random(1)
LINES = [f"en {NOISE.randbytes(60).hex()} {views} 0\n" for views in range(1, 3_000)]
DUMP = File(gzip.compress("".join(LINES).encode(), mtime=0))
ROWS = {fault: cells for fault, *cells in failure_modes("The machine, and object storage")}
TESTED: set[str] = set()

PVTOP = str(Path(sys.executable).with_name("pvtop"))

T = TypeVar("T", bound=Callable[..., None])


def fault(name: str) -> Callable[[T], T]:
    """Say which row of the page a test runs."""
    TESTED.add(name)
    return lambda test: test


def assert_as_told(done: subprocess.CompletedProcess[str], name: str) -> None:
    """Compare what a command did with the row of the page."""
    expected, message, *_ = ROWS[name]
    assert done.returncode == int(expected), done.stderr
    assert message.strip("`") in done.stderr
    assert done.stderr.count("cannot be") <= 1, "told once"
    assert "Traceback" not in done.stderr
    assert not done.returncode or len(done.stderr.splitlines()) == 2, done.stderr


def test_every_row_is_tested() -> None:
    assert set(ROWS) == TESTED


@pytest.fixture
def args(server: Server) -> tuple[str, ...]:
    """Serve some hours; give the arguments that name the server."""
    server.files |= {f"/{hour.dump_path}": DUMP for hour in HOURS} | {"/blacklist": File(b"en 00\n")}
    return ("--source", server.url, "--blacklist", f"{server.url}/blacklist", "--quiet")


REPORT = ("report", "--date", "2024-08-03", "--hour", "6")
BATCH = ("batch", "--start", HOURS[0].iso, "--end", HOURS[-1].iso)


def mounted(*options: str | Path) -> bool:
    """Mount something; tell whether that is possible here."""
    if (command := shutil.which("mount")) is None:
        return False
    return not subprocess.run([command, *options], check=False, capture_output=True).returncode


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 100 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mounted("-t", "tmpfs", "-o", "size=100k", "tmpfs", disk):
        pytest.skip("a small disk takes the right to mount one")
    yield disk
    subprocess.run([str(shutil.which("umount")), disk], check=True)


def left_on(disk: Path) -> list[Path]:
    return [path for path in disk.rglob("*") if path.is_file()]


@fault("cache on a full disk")
def test_a_cache_on_a_full_disk(pvtop: Command, args: tuple[str, ...], small_disk: Path) -> None:
    done = pvtop(*REPORT, *args, "--cache-dir", small_disk)
    assert_as_told(done, "cache on a full disk")
    assert "pvtop cache prune" in done.stderr
    assert not [path for path in left_on(small_disk) if "2024" in path.name]


@fault("lake on a full disk")
def test_a_lake_on_a_full_disk(pvtop: Command, args: tuple[str, ...], small_disk: Path) -> None:
    assert pvtop(*REPORT, *args, "--output", small_disk, "--top", "10").returncode == 0
    before = files(str(small_disk))
    (small_disk / "filler").write_bytes(bytes(85_000))
    done = pvtop(*REPORT, *args, "--output", small_disk)
    assert_as_told(done, "lake on a full disk")
    assert "pvtop cache prune" in done.stderr
    (small_disk / "filler").unlink()
    assert files(str(small_disk)) == before
    assert pvtop(*REPORT, *args, "--output", small_disk).returncode == 0


@fault("cache that is read-only")
def test_a_cache_that_is_read_only(pvtop: Command, args: tuple[str, ...], small_disk: Path) -> None:
    assert mounted("-o", "remount,ro", small_disk)
    assert_as_told(pvtop(*REPORT, *args, "--cache-dir", small_disk), "cache that is read-only")


@fault("lake that is read-only")
def test_a_lake_that_is_read_only(pvtop: Command, args: tuple[str, ...], small_disk: Path) -> None:
    assert mounted("-o", "remount,ro", small_disk)
    assert_as_told(pvtop(*REPORT, *args, "--output", small_disk), "lake that is read-only")


@fault("cache where a file is")
def test_a_cache_where_a_file_is(pvtop: Command, args: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_as_told(pvtop(*REPORT, *args, "--cache-dir", tmp_path / "file"), "cache where a file is")


@fault("lake where a file is")
def test_a_lake_where_a_file_is(pvtop: Command, args: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_as_told(pvtop(*REPORT, *args, "--output", tmp_path / "file"), "lake where a file is")


@pytest.fixture
def unprivileged() -> tuple[str, ...]:
    """Give the command that takes from root what permissions do not hold for."""
    if os.geteuid():
        return ()
    if not (command := shutil.which("setpriv")):
        pytest.skip("permissions do not hold for root")
    return (command, "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all")


@fault("folder of the lake that must not be written")
@pytest.mark.parametrize("folder", ["text/2024/2024-08", f"domains/{HOUR.partition}", f"top_pages/{HOUR.partition}"])
def test_a_folder_that_must_not_be_written(
    pvtop: Command, args: tuple[str, ...], unprivileged: tuple[str, ...], folder: str
) -> None:
    pvtop(*REPORT, *args, "--output", "lake")
    before = files("lake")
    Path("lake", folder).chmod(0o555)
    done = subprocess.run(
        [*unprivileged, PVTOP, *REPORT, *args, "--output", "lake", "--force"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert_as_told(done, "folder of the lake that must not be written")
    assert files("lake") == before


DAY = "lake/top_pages/date=2024-08-03"


@fault("folder of the lake that must not be read")
@pytest.mark.parametrize(
    ("command", "folder"),
    [
        (("status", *BATCH[1:]), "lake"),
        (("status", *BATCH[1:]), "lake/top_pages"),
        (("status", *BATCH[1:]), DAY),
        (("validate", *BATCH[1:]), DAY),
        ((*BATCH, "--dry-run"), DAY),
        (("show",), DAY),
    ],
)
def test_a_folder_of_the_lake_that_must_not_be_read(
    pvtop: Command, args: tuple[str, ...], unprivileged: tuple[str, ...], command: tuple[str, ...], folder: str
) -> None:
    pvtop(*REPORT, *args, "--output", "lake")
    more = {"show": (), "batch": args}.get(command[0], args[:2])
    done = without_permission(folder, *unprivileged, PVTOP, *command, *more, "--output", "lake")
    assert_as_told(done, "folder of the lake that must not be read")


@fault("damaged report")
@pytest.mark.parametrize("name", ["top_pages", "domains"])
def test_a_damaged_report(pvtop: Command, args: tuple[str, ...], name: str) -> None:
    assert pvtop(*BATCH, *args, "--output", "lake").returncode == 0
    before = files("lake")
    path = Path("lake", name, HOUR.partition, f"{name}.parquet")
    content = bytearray(path.read_bytes())
    content[4] ^= 0xFF  # the first page of it
    content[-9] ^= 0xFF  # its footer
    path.write_bytes(content)
    for command in (["validate", *BATCH[1:]], ["show", *REPORT[1:]]):
        shown = pvtop(*command, "--output", "lake")
        assert shown.returncode == (5 if "validate" in command else 1)
        assert f"{path} cannot be read: " in shown.stderr
        assert "panicked" not in shown.stderr
    again = () if name == "top_pages" else ("--force",)  # domains are read where they are needed, and not before
    assert_as_told(pvtop(*BATCH, *args, "--output", "lake", *again), "damaged report")
    assert files("lake") == before


@fault("folder of the cache that must not be read")
@pytest.mark.parametrize(
    ("command", "folder"),
    [
        (("ls",), "cache"),
        (("ls",), "cache/2024"),
        (("verify",), "cache/2024/2024-08"),
        (("prune", "--older-than", "0d", "--yes"), "cache/2024/2024-08"),
    ],
)
def test_a_folder_of_the_cache_that_must_not_be_read(
    pvtop: Command, args: tuple[str, ...], unprivileged: tuple[str, ...], command: tuple[str, ...], folder: str
) -> None:
    pvtop(*REPORT, *args, "--output", "lake")
    done = without_permission(folder, *unprivileged, PVTOP, "cache", *command)
    assert_as_told(done, "folder of the cache that must not be read")


def without_permission(folder: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command while a folder must not be read."""
    Path(folder).chmod(0)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    Path(folder).chmod(0o755)
    return done


@fault("killed")
@pytest.mark.parametrize("again", [False, True], ids=["the first time", "made again"])
def test_killed_before_any_change_to_a_file(server: Server, args: tuple[str, ...], *, again: bool) -> None:
    settings = Settings.load(source=server.url, blacklist=args[3], output="lake", cache_dir=Path("cache"))
    Path("before/lake").mkdir(parents=True)
    run_hour(HOUR, settings.model_copy(update={"output": "right"}))
    if again:
        run_hour(HOUR, settings.model_copy(update={"output": "before/lake", "top": 10}))
    command = [
        sys.executable,
        str(Path(__file__).with_name("killed.py")),
        "before",
        "right",
        settings.model_dump_json(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


@fault("interrupted")
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_a_server_is_silent(server: Server, args: tuple[str, ...], by: signal.Signals) -> None:
    server.always[f"/{HOUR.dump_path}"] = stall(0.5)
    interrupt([*REPORT, *args], by, lambda: bool(server.asked(f"/{HOUR.dump_path}")))


def interrupt(command: list[str], by: signal.Signals, when: Callable[[], bool]) -> None:
    """Run a command, interrupt it as soon as something is so, and see that it ends in good order."""
    program = str(Path(sys.executable).with_name("pvtop"))
    with subprocess.Popen([program, *command], stderr=subprocess.PIPE, text=True) as process:
        try:
            while not when():
                assert process.poll() is None
            process.send_signal(by)
            _, told = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == int(ROWS["interrupted"][0]), told
    assert "Traceback" not in told
    assert not [path for path in Path().rglob("*.tmp") if path.is_file()]


def test_interrupted_while_another_run_has_the_lock(args: tuple[str, ...]) -> None:
    folder = Path("lake/top_pages", HOUR.partition)
    folder.mkdir(parents=True)
    with alone(folder, time.sleep):
        interrupt(
            [*REPORT, *args, "--output", "lake"], signal.SIGINT, lambda: len(list(Path("lake/.tmp").glob("*"))) == 3
        )


@fault("clock set back")
@fault("clock set forward")
@pytest.mark.parametrize("years", [-50, 50])
def test_the_clock_was_set(pvtop: Command, args: tuple[str, ...], years: int) -> None:
    """Whatever times the files have, what is done is done; only the cache goes by them."""
    settings = Settings.load(source=args[1], blacklist=args[3], output="lake", check_source=True)
    assert run_hours(HOURS, settings).counts["written"] == len(HOURS)
    when = time.time() + years * 365 * 86_400
    for path in [*Path("lake").rglob("*"), *settings.cache_dir.rglob("*")]:
        os.utime(path, (when, when))
    assert run_hours(HOURS, settings).counts == {"done": len(HOURS)}
    assert len(Cache(settings.cache_dir).prunable(timedelta(days=7), None)) == (len(HOURS) if years < 0 else 0)
    name = "clock set back" if years > 0 else "clock set forward"
    assert_as_told(pvtop(*REPORT, *args, "--output", "lake", "--force"), name)


@fault("two runs at once")
def test_two_runs_at_once(pvtop: Command, server: Server, args: tuple[str, ...]) -> None:
    pvtop(*BATCH, *args, "--output", "right", "--cache-dir", "another-cache")
    server.always |= {f"/{hour.dump_path}": slow() for hour in HOURS}
    command = [str(Path(sys.executable).with_name("pvtop")), *BATCH, *args, "--output", "lake"]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    looks = 0
    while any(run.poll() is None for run in runs):
        for path in Path("cache").rglob("pageviews-*.gz"):
            assert path.read_bytes() == DUMP.content
        for path in Path("lake").rglob("*.parquet"):
            with contextlib.suppress(FileNotFoundError):  # it may be taken away again, but is never half there
                looks += bool(pq.read_metadata(path).num_rows)
    told = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    assert looks
    assert_as_told(pvtop(*BATCH, *args, "--output", "lake"), "two runs at once")
    assert files("lake") == files("right")
    assert not [path for path in Path().rglob("*.tmp") if path.is_file()]


def files(folder: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.fixture
def s3_proxy(s3: fsspec.AbstractFileSystem, s3_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """Put something between the commands and the S3 server that can answer in its stead."""
    assert s3.exists("bucket")
    with S3Proxy(s3_address) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        yield proxy


@fault("S3 slows down")
@fault("S3 fails now and then")
@pytest.mark.parametrize(
    ("status", "code", "name"), [(503, "SlowDown", "S3 slows down"), (500, "InternalError", "S3 fails now and then")]
)
def test_s3_recovers(  # noqa: PLR0913, PLR0917 - fixtures
    pvtop: Command, args: tuple[str, ...], s3: fsspec.AbstractFileSystem, s3_proxy: S3Proxy,
    status: int, code: str, name: str,
) -> None:  # fmt: skip
    s3_proxy.refuse(status, code, times=2)
    assert_as_told(pvtop(*REPORT, *args, "--output", "s3://bucket/lake"), name)
    assert s3_proxy.refused == 2
    assert len(s3.find("bucket/lake")) == 3


@fault("S3 slows down for good")
@fault("S3 refuses")
@pytest.mark.parametrize(
    ("status", "code", "name"), [(503, "SlowDown", "S3 slows down for good"), (403, "AccessDenied", "S3 refuses")]
)
def test_s3_does_not_recover(  # noqa: PLR0913, PLR0917 - fixtures
    pvtop: Command, args: tuple[str, ...], s3: fsspec.AbstractFileSystem, s3_proxy: S3Proxy,
    status: int, code: str, name: str,
) -> None:  # fmt: skip
    s3_proxy.refuse(status, code, times=1_000)
    assert_as_told(pvtop(*REPORT, *args, "--output", "s3://bucket/lake", AWS_MAX_ATTEMPTS="1"), name)
    assert s3.find("bucket/lake") == []


@fault("S3 breaks while an hour is written")
def test_s3_breaks_while_an_hour_is_written(
    pvtop: Command, args: tuple[str, ...], s3: fsspec.AbstractFileSystem, s3_proxy: S3Proxy
) -> None:
    s3_proxy.refuse(403, "AccessDenied", times=1, method="PUT", key="top_pages.parquet")
    assert_as_told(pvtop(*REPORT, *args, "--output", "s3://bucket/lake"), "S3 breaks while an hour is written")
    assert not [path for path in s3.find("bucket/lake") if "/top_pages/" in path]
    assert pvtop(*REPORT, *args, "--output", "s3://bucket/lake").returncode == 0


@fault("S3 as a source that is silent")
def test_s3_as_a_source_that_is_silent(
    server: Server, s3: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3.exists("bucket")
    server.always["/bucket"] = slow_start
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    command = ["report", "--source", "s3://bucket", "--blacklist", "none", "--quiet"]
    interrupt(command, signal.SIGINT, lambda: bool(server.requests))


@fault("S3 as a lake that is silent")
@pytest.mark.parametrize("command", [REPORT, BATCH], ids=["report", "batch"])
@pytest.mark.parametrize("interrupted", [False, True], ids=["waited for", "interrupted"])
def test_s3_as_a_lake_that_is_silent(
    pvtop: Command, args: tuple[str, ...], s3_proxy: S3Proxy, command: tuple[str, ...], *, interrupted: bool
) -> None:
    s3_proxy.misbehave(slow_start, times=1_000)
    command = (*command, *args, "--output", "s3://bucket/lake")
    if interrupted:
        interrupt([*command], signal.SIGINT, lambda: bool(s3_proxy.refused))
    else:
        done = pvtop(*command, PVTOP_CONNECT_TIMEOUT="0.1", PVTOP_READ_TIMEOUT="0.2")
        assert_as_told(done, "S3 as a lake that is silent")
