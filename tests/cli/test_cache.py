"""The commands below `cache`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvtop.core.hour import Hour
from support.samples import DATA, Command
from support.server.files import File, Server

SOURCE = DATA / "source"
HOURS = [Hour.parse("2024-12-31T14"), Hour.parse("2024-12-31T15")]


@pytest.fixture
def dumps(pvtop_in_process: Command, server: Server) -> list[Path]:
    """Download two dumps into the cache."""
    folder = Path(pvtop_in_process("cache", "dir").stdout.strip())
    for hour in HOURS:
        server.files[f"/{hour.dump_path}"] = File((SOURCE / hour.dump_path).read_bytes())
    batch = ("batch", "--start", HOURS[0].iso, "--end", HOURS[-1].iso)
    pvtop_in_process(*batch, "--source", server.url, "--blacklist", "none", "--output", "lake")
    return [folder / hour.dump_path for hour in HOURS]


def test_cache_ls_lists_the_oldest_hour_first(pvtop_in_process: Command, dumps: list[Path]) -> None:
    listed = json.loads(pvtop_in_process("cache", "ls", "--json").stdout)
    assert [dump["hour"] for dump in listed] == [hour.iso for hour in HOURS]
    assert [dump["path"] for dump in listed] == [str(path) for path in dumps]
    assert pvtop_in_process("cache", "ls").stdout.splitlines()[-1].startswith("2 dumps, ")


def test_one_dump_is_singular(pvtop_in_process: Command, dumps: list[Path]) -> None:
    dumps[0].unlink()
    assert pvtop_in_process("cache", "ls").stdout.splitlines()[-1].startswith("1 dump, ")
    assert pvtop_in_process("cache", "verify").stdout == "1 dump, 0 broken\n"
    assert "1 dump, " in pvtop_in_process("cache", "prune", "--max-size", "0", "--dry-run").stdout


def test_cache_verify_exits_1_if_a_dump_is_broken(pvtop_in_process: Command, dumps: list[Path]) -> None:
    assert pvtop_in_process("cache", "verify").stdout == "2 dumps, 0 broken\n"
    dumps[0].write_bytes(b"\x1f\x8bjunk")
    broken = pvtop_in_process("cache", "verify")
    assert broken.returncode == 1
    assert broken.stdout.endswith("2 dumps, 1 broken\n")
    assert "1 of 2 cached dumps is broken" in broken.stderr
    assert "pvtop cache prune --max-size 0\n" in broken.stderr


def test_cache_prune_asks_what_to_remove_and_whether_to(pvtop_in_process: Command, dumps: list[Path]) -> None:
    assert pvtop_in_process("cache", "prune").returncode == 2
    refused = pvtop_in_process("cache", "prune", "--max-size", "0")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert all(path.exists() for path in dumps)


def test_cache_prune_removes_what_its_dry_run_lists(pvtop_in_process: Command, dumps: list[Path]) -> None:
    assert "2 dumps" in pvtop_in_process("cache", "prune", "--max-size", "0", "--dry-run").stdout
    assert "0 dumps" in pvtop_in_process("cache", "prune", "--older-than", "1h", "--yes").stdout
    assert all(path.exists() for path in dumps)
    assert "2 dumps" in pvtop_in_process("cache", "prune", "--max-size", "5", "--yes").stdout
    assert not any(path.exists() for path in dumps)


@pytest.mark.parametrize(
    "args", [("--max-size", "1,000GB"), ("--max-size", "20 apples"), ("--max-size", "-1"), ("--older-than", "7")]
)
def test_cache_prune_refuses_a_size_or_an_age_that_it_cannot_read(
    pvtop_in_process: Command, args: tuple[str, str]
) -> None:
    refused = pvtop_in_process("cache", "prune", *args, "--yes")
    assert refused.returncode == 2
    assert f"Invalid value for '{args[0]}': '{args[1]}' " in refused.stderr
