"""The command `batch`."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from pvtop.cli.progress import summary
from pvtop.pipeline.plan import Action, ActionKind
from pvtop.transform.report import RULES_VERSION
from support.samples import DATA, DAY, Command, WriteDump, serve
from support.server.files import File, Server

BATCH = ("batch", "--source", DATA / "source", "--blacklist", "none", "--output", "lake")


def test_batch_with_gaps_names_them_and_exits_0(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*BATCH, "--start", "2025-01-01T01", "--end", "2025-01-01T03", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["not_published"] == ["2025-01-01T02", "2025-01-01T03"]


def test_batch_exits_3_if_none_of_its_hours_is_published(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*BATCH, "--start", "2025-01-01T02", "--end", "2025-01-01T03")
    assert done.returncode == 3
    assert "pvtop: none of the hours is published\n" in done.stderr


def test_batch_makes_24_hours_by_default(pvtop_in_process: Command) -> None:
    planned = json.loads(pvtop_in_process(*BATCH, "--dry-run", "--json").stdout)
    assert 1 < len(planned) <= 24
    assert planned[-1]["hour"] == "2025-01-01T01"


def test_dry_run_names_the_rules_if_a_report_is_from_an_earlier_version(
    pvtop_in_process: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = ("--start", "2025-01-01T01")
    with monkeypatch.context() as earlier:
        earlier.setattr("pvtop.pipeline.compute.RULES_VERSION", RULES_VERSION - 1)
        assert pvtop_in_process(*BATCH, *hour).returncode == 0
    planned = json.loads(pvtop_in_process(*BATCH, *hour, "--dry-run", "--json").stdout)
    assert [(one["action"], one["reason"]) for one in planned] == [("make", "made by other rules")]
    assert pvtop_in_process(*BATCH, *hour).stdout == "1 hour: 1 made\n"
    assert pvtop_in_process(*BATCH, *hour).stdout == "1 hour: 1 unchanged\n"


def test_dry_run_counts_what_is_not_published_and_tells_runs(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*BATCH, "--start", "2025-01-01T00", "--end", "2025-01-02T23", "--dry-run")
    assert done.stdout.splitlines() == [
        "2 hours to make: not in the lake (2025-01-01T00 to 2025-01-01T01)",
        "46 hours not published: 2025-01-01T02 to 2025-01-02T23",
        "48 hours: 46 not published, 2 to make",
    ]


def test_dry_run_names_a_dump_whose_time_has_changed(pvtop_in_process: Command, tmp_path: Path) -> None:
    dump = tmp_path / "source" / DAY[0].dump_path
    dump.parent.mkdir(parents=True)
    shutil.copy(DATA / "source" / DAY[0].dump_path, dump)
    args = ("batch", "--source", tmp_path / "source", "--blacklist", "none", "--output", "lake", "--start", DAY[0].iso)
    pvtop_in_process(*args)
    assert pvtop_in_process(*args, "--dry-run").stdout == f"1 hour up to date: {DAY[0].iso}\n1 hour: 1 up to date\n"
    os.utime(dump, (1e9, 1e9))
    assert pvtop_in_process(*args, "--dry-run").stdout.splitlines() == [
        f"1 hour to verify: the dump's time has changed ({DAY[0].iso})",
        "1 hour: 1 to verify",
    ]


def test_batch_tells_unpublished_hours_as_a_run(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*BATCH, "--start", "2025-01-01T01", "--end", "2025-01-02T23")
    assert done.stdout.splitlines() == [
        "46 hours not published: 2025-01-01T02 to 2025-01-02T23",
        "47 hours: 1 made, 46 not published",
    ]
    assert done.stderr.count("2025-01-01T02") == 1


def test_many_runs_are_cut_and_counted(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*BATCH, "--start", "2024-11-01", "--end", "2024-11-30", "--hours", "6", "--dry-run")
    assert "1 hour not published: 2024-11-20T06" in done.stdout
    assert "and 10 more such periods; --json has them all" in done.stdout


def test_dry_run_announces_the_bytes_to_download(pvtop_in_process: Command, server: Server) -> None:
    settings = serve(server, DAY[:3])
    sizes = [len(server.files[f"/{hour.dump_path}"].content) for hour in DAY[:3]]
    args = ("batch", "--source", settings.source, "--blacklist", "none", "--output", "lake")
    pvtop_in_process(*args, "--start", DAY[0].iso, "--end", DAY[0].iso)
    planned = json.loads(pvtop_in_process(*args, "--last", "3", "--dry-run", "--json").stdout)
    assert [action["download_bytes"] for action in planned] == [0, *sizes[1:]]
    shown = pvtop_in_process(*args, "--last", "3", "--dry-run").stdout
    assert shown.endswith(f"3 hours: 2 to make, 1 up to date; {sum(sizes[1:]):,} bytes to download\n")


def test_dry_run_says_if_the_size_of_a_download_is_unknown(pvtop_in_process: Command, server: Server) -> None:
    settings = serve(server, DAY[:2])
    name = DAY[0].dump_path.rpartition("/")[2]
    server.files[f"/{DAY[0].month_folder}/"] = File(f'<a href="{name}">{name}</a>\n'.encode())
    args = ("--source", settings.source, "--start", DAY[0].iso, "--end", DAY[0].iso, "--dry-run")
    shown = pvtop_in_process("batch", *args, "--blacklist", "none", "--output", "lake").stdout
    assert shown.endswith("1 hour: 1 to make; 1 dump of unknown size to download\n")


def test_verbose_batch_says_what_is_decided_and_why(pvtop_in_process: Command, server: Server) -> None:
    settings = serve(server, DAY[:2])
    places = ("--source", settings.source, "--blacklist", "none", "--output", "lake")
    args = ("batch", *places, "--start", DAY[0].iso, "--end", DAY[1].iso, "-v")
    pvtop_in_process(*args)
    told = pvtop_in_process(*args, "--top", "3").stderr
    assert f"{DAY[0]}: planned as make: made with top 25\n" in told
    assert f"{DAY[0]}: found " in told
    assert re.search(rf"{DAY[0]}: checked \d+ rules, 0 violated; 59 domains, ", told)
    assert f"{DAY[0]}: planned as none: up to date\n" in pvtop_in_process(*args, "--top", "3").stderr


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([0, 0], "2 hours: 2 to make"),
        ([57_000_000, 114_400_000], "2 hours: 2 to make; 171 MB to download"),
        ([57_000_000, None], "2 hours: 2 to make; 57 MB and 1 dump of unknown size to download"),
        ([None, None], "2 hours: 2 to make; 2 dumps of unknown size to download"),
    ],
)
def test_summary_of_a_plan_has_known_and_unknown_sizes(sizes: list[int | None], told: str) -> None:
    actions = [Action(DAY[0], ActionKind.MAKE, "not in the lake", download_bytes=size) for size in sizes]
    assert summary(actions) == told


def test_batch_makes_the_same_day_files_as_days_build(pvtop_in_process: Command) -> None:
    made = pvtop_in_process(*BATCH, "--day", "2024-12-31", "--days", "--json")
    built = pvtop_in_process("days", "build", *BATCH[1:3], "--output", "built", "--start", "2024-12-31")
    assert (made.returncode, built.returncode) == (0, 0)
    path = Path("days", "day=2024-12-31", "pages.parquet")
    assert (Path("lake") / path).read_bytes() == (Path("built") / path).read_bytes()
    data = json.loads(made.stdout)
    assert (data["counts"], [day["state"] for day in data["days"]], data["partial_days"]) == (
        {"made": 24},
        ["made"],
        [],
    )


def test_batch_makes_a_day_file_if_all_its_reports_are_up_to_date(pvtop_in_process: Command) -> None:
    pvtop_in_process(*BATCH, "--day", "2024-12-31")
    done = json.loads(pvtop_in_process(*BATCH, "--day", "2024-12-31", "--days", "--json").stdout)
    assert (done["counts"], [day["state"] for day in done["days"]]) == ({"unchanged": 24}, ["made"])
    again = json.loads(pvtop_in_process(*BATCH, "--day", "2024-12-31", "--days", "--json").stdout)
    assert (again["counts"], [day["state"] for day in again["days"]]) == ({"unchanged": 24}, ["unchanged"])


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)], ids=["run", "dry run"])
def test_batch_counts_the_days_that_are_not_published(
    pvtop_in_process: Command, write_dump: WriteDump, dry_run: tuple[str, ...]
) -> None:
    write_dump("en A 1 0\n", DAY[14])
    args = ("--source", "source", *BATCH[3:], "--start", "2024-12-02T01", "--end", "2025-01-01T00", "--days", *dry_run)
    done = pvtop_in_process("batch", *args)
    lines = [line for line in done.stdout.splitlines() if " days " in line]
    assert lines == ["29 days not published: 2024-12-02 to 2024-12-30"]
    if not dry_run:
        assert lines[0] in done.stderr.splitlines()


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)], ids=["run", "dry run"])
def test_batch_names_the_days_of_which_its_range_has_only_some_hours(
    pvtop_in_process: Command, dry_run: tuple[str, ...]
) -> None:
    done = pvtop_in_process(*BATCH, "--start", "2024-12-31T23", "--end", "2025-01-01T01", "--days", *dry_run)
    assert "2 days without a day file: only some hours are in the range (2024-12-31 to 2025-01-01)\n" in done.stdout
