"""Without a network, and with --offline: nothing but what is on this machine."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pvtop.core.hour import Hour
from support.samples import Command
from support.server.files import File, Server

HOURS = [Hour.parse(f"2024-08-03T{hour:02}") for hour in (5, 6, 7)]
CACHED, OTHER = HOURS[:2], HOURS[2]
DUMP = File(gzip.compress(b"en A 5 0\nen B 3 0\n", mtime=0))
RANGE = ("--start", HOURS[0].iso, "--end", HOURS[-1].iso)
FUTURE = ("--date", "2999-01-01")


def at(hour: Hour) -> tuple[str, ...]:
    return ("--date", f"{hour.stamp:%Y-%m-%d}", "--hour", str(hour.stamp.hour))


@pytest.fixture
def away(pvtop_in_process: Command, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Fill the cache with two of three dumps and the blacklist, then stop the server."""
    with Server() as server:
        server.files = {f"/{hour.dump_path}": DUMP for hour in HOURS} | {"/list": File(b"en B\n")}
        for name, value in {"SOURCE": server.url, "BLACKLIST": f"{server.url}/list", "OUTPUT": "first"}.items():
            monkeypatch.setenv(f"PVTOP_{name}", value)
        for hour in CACHED:
            assert pvtop_in_process("report", *at(hour), "--quiet").returncode == 0
        server.requests.clear()
    monkeypatch.setenv("PVTOP_OUTPUT", "lake")
    return server


def test_report_of_a_cached_dump_needs_no_network(pvtop_in_process: Command, away: Server) -> None:
    for options in ((), ("--offline",)):
        done = pvtop_in_process("report", *at(CACHED[0]), "--force", *options, "--quiet")
        assert (done.returncode, done.stderr) == (0, "")
    assert away.requests == []


def test_report_offline_names_what_is_missing(pvtop_in_process: Command, away: Server) -> None:
    done = pvtop_in_process("report", *at(OTHER), "--offline")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"pvtop: the dump of {OTHER} at {away.url} would have to be downloaded, but pvtop is offline\n"
        "  download it without this setting (--offline)\n"
    )


def test_newest_hour_offline_is_the_newest_in_the_cache(pvtop_in_process: Command, away: Server) -> None:
    assert f"{CACHED[-1]}: " in pvtop_in_process("report", "--offline").stdout
    assert f"{CACHED[0]}: " in pvtop_in_process("report", "--offline", "--hour", "5").stdout
    done = pvtop_in_process("report", "--offline", "--date", "2024-08-04")
    assert (done.returncode, f"every dump of 2024-08-04 at {away.url} would" in done.stderr) == (1, True)
    done = pvtop_in_process("report", "--offline", "--source", "http://127.0.0.1:1")
    assert (done.returncode, "every dump at http://127.0.0.1:1 would" in done.stderr) == (1, True)


@pytest.mark.usefixtures("away")
def test_batch_offline_makes_what_is_cached_and_names_the_rest(pvtop_in_process: Command) -> None:
    plan = pvtop_in_process("batch", *RANGE, "--offline", "--dry-run")
    assert plan.stdout.splitlines() == [
        f"2 hours to make: not in the lake ({CACHED[0].iso} to {CACHED[1].iso})",
        f"1 hour cannot be made: not in the lake, and the dump is not downloaded offline ({OTHER.iso})",
        "3 hours: 1 cannot be made, 2 to make",
    ]
    done = pvtop_in_process("batch", *RANGE, "--offline", "--json")
    result = json.loads(done.stdout)
    assert (done.returncode, result["counts"]) == (4, {"failed": 1, "made": 2})
    assert [(failed["hour"], "offline" in failed["error"]) for failed in result["failures"]] == [(OTHER.iso, True)]
    assert pvtop_in_process("batch", "--offline").stdout == "2 hours: 2 unchanged\n"


@pytest.mark.usefixtures("away")
def test_dry_run_without_a_network_uses_the_cached_blacklist(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("batch", "--start", CACHED[0].iso, "--end", CACHED[1].iso, "--dry-run", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (("report", "--refresh-blacklist"), "/list would"),
        (("report", "--refresh-dump"), "the dump of 2024-08-03 06:00 UTC"),
        (("batch", "--check-source"), "/2024/2024-08/ would"),
        (("blacklist", "refresh"), "/list would"),
        (("blacklist", "info", "--blacklist", "http://127.0.0.1:1/list"), "http://127.0.0.1:1/list would"),
        (("blacklist", "info", "--blacklist", "s3://bucket/list"), "s3://bucket/list would"),
        (("report", "--source", "s3://bucket", "--date", "2024-08-03", "--hour", "6"), "at s3://bucket would"),
        (("report", "--output", "s3://bucket/lake"), "the lake s3://bucket/lake is not on this machine"),
        (("show", "--output", "s3://bucket/lake"), "the lake s3://bucket/lake is not on this machine"),
        (("validate", "--output", "s3://bucket/lake"), "the lake s3://bucket/lake is not on this machine"),
        (("status", "--output", "s3://bucket/lake"), "the lake s3://bucket/lake is not on this machine"),
        (("validate", "--output", "first", "--totals"), "projectviews-20240803-060000 would"),
    ],
)
@pytest.mark.usefixtures("away")
def test_command_offline_names_what_it_would_download(
    pvtop_in_process: Command, args: Sequence[str], named: str
) -> None:
    done = pvtop_in_process(*args, PVTOP_OFFLINE="1")
    assert done.returncode == 1
    assert named in done.stderr
    assert "offline" in done.stderr
    assert "retrying" not in done.stderr


@pytest.mark.usefixtures("away")
def test_status_and_validate_offline_use_what_is_there(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("status", *RANGE, "--offline", "--output", "first")
    assert (done.returncode, "2 made, 1 missing" in done.stdout) == (0, True)
    assert "cannot list the source" in done.stdout
    done = pvtop_in_process("validate", "--offline", "--output", "first", "--against-dump")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("options", [(), ("--offline",)], ids=["", "offline"])
@pytest.mark.parametrize("hour", [(), ("--hour", "5")], ids=["day", "hour"])
def test_future_hour_needs_no_network(
    pvtop_in_process: Command, server: Server, hour: tuple[str, ...], options: tuple[str, ...]
) -> None:
    source = ("--source", server.url, "--blacklist", f"{server.url}/list", "--output", "lake")
    done = pvtop_in_process("report", *FUTURE, *hour, *source, *options)
    assert (done.returncode, server.requests) == (3, [])
    assert "is not published" in done.stderr
    assert "the clock of this machine shows 20" in done.stderr
    batch = ("batch", "--start", "2999-01-01T00", "--end", "2999-01-01T03", *source, *options)
    assert pvtop_in_process(*batch, "--dry-run").stdout.endswith("4 hours: 4 not published\n")
    done = pvtop_in_process(*batch)
    assert (done.returncode, server.requests) == (3, [])


def test_future_hour_in_a_folder_is_made(pvtop_in_process: Command) -> None:
    hour = Hour.parse("2999-01-01T05")
    path = Path("source", hour.dump_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(DUMP.content)
    done = pvtop_in_process("report", *at(hour), "--source", "source", "--blacklist", "none", "--output", "lake")
    assert (done.returncode, "(made)" in done.stdout) == (0, True)


def test_no_download_is_announced_offline(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("blacklist", "info", "--blacklist", "http://127.0.0.1:9/list", "--offline")
    assert done.returncode == 1
    assert "downloading" not in done.stderr
