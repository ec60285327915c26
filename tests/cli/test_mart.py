"""pvtop mart, batch --mart, and the rows of docs/failure-modes.md about the mart."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pvtop.core.hour import Hour
from pvtop.lake.layout import top_pages_path
from pvtop.mart import duckdb_file
from pvtop.mart.mart import Mart
from support.marts import FIRST, assert_equal, write_lake
from support.pages import failure_modes
from support.samples import DAY, SOURCE, Command
from support.terminal import on_terminal

HOUR = ("--date", f"{FIRST.stamp:%Y-%m-%d}", "--hour", str(FIRST.stamp.hour))
BATCH = ("--source", SOURCE, "--blacklist", "none", "--output", "lake", "--mart", "m.duckdb")
OPEN = "import duckdb, sys; c = duckdb.connect('m.duckdb'); print(1, flush=True); sys.stdin.read()"


def hours(count: int) -> list[Hour]:
    return [FIRST + i for i in range(count)]


def test_init_makes_the_tables_once(pvtop_in_process: Command) -> None:
    assert pvtop_in_process("mart", "init", "--to", "m.duckdb").stdout == "m.duckdb: the tables are made\n"
    assert pvtop_in_process("mart", "init", PVTOP_MART="m.duckdb").stdout == "m.duckdb: the tables are there\n"


def test_load_takes_what_is_lacking_and_logs_each_hour(pvtop_in_process: Command) -> None:
    lake = write_lake(Path("lake"), hours(3))
    first = pvtop_in_process("mart", "load", "--output", "lake", "--to", "m.duckdb", *HOUR)
    assert (first.returncode, first.stdout) == (0, "1 loaded; 120 rows\n")
    rest = pvtop_in_process("mart", "load", "--output", "lake", "--to", "m.duckdb")
    assert rest.stdout == "2 loaded, 1 unchanged; 240 rows\n"
    assert rest.stderr.splitlines() == [
        "2 to load, 1 in the mart already",
        f"{(FIRST + 1).iso} loaded: 120 rows",
        f"{(FIRST + 2).iso} loaded: 120 rows",
    ]
    assert_equal(Mart("m.duckdb"), lake, hours(3))


def test_load_shows_a_bar_on_a_terminal_and_a_line_for_each_hour() -> None:
    write_lake(Path("lake"), hours(2))
    seen = on_terminal("mart", "load", "--output", "lake", "--to", "m.duckdb")
    assert "2 of 2" in seen.text
    assert [line for line in seen.lines if line.strip() == f"{FIRST.iso} loaded: 120 rows"]
    assert seen.stdout == "2 loaded; 240 rows\n"


def test_load_of_a_range_lists_what_the_lake_lacks(pvtop_in_process: Command) -> None:
    write_lake(Path("lake"), hours(1))
    span = ("--start", FIRST.iso, "--end", (FIRST + 2).iso)
    done = pvtop_in_process("mart", "load", "--output", "lake", "--to", "m.duckdb", *span)
    missing = f"2 hours not in the lake: {(FIRST + 1).iso} to {(FIRST + 2).iso}"
    assert (done.returncode, done.stdout.splitlines()) == (0, [missing, "1 loaded, 2 missing; 120 rows"])
    data = json.loads(pvtop_in_process("mart", "load", "--output", "lake", "--to", "m.duckdb", *span, "--json").stdout)
    assert data["counts"] == {"loaded": 1, "missing": 2}
    assert data["not_in_lake"] == [(FIRST + 1).iso, (FIRST + 2).iso]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--day", "2024-08-01", "--last", "1"), "cannot be combined with hours"),
        (("--merge-access",), "--merge-access needs a rollup"),
        (("--day", "2024-08-01", "--month", "2024-08"), "--day cannot be combined with --month"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    pvtop_in_process: Command, options: tuple[str, ...], message: str
) -> None:
    done = pvtop_in_process("mart", "load", "--to", "m.duckdb", *options)
    assert (done.returncode, message in done.stderr) == (2, True)


def test_rollup_that_is_not_in_the_lake_is_named(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("mart", "load", "--to", "m.duckdb", "--day", "2024-08-01")
    assert (done.returncode, "has no rollup of 2024-08-01" in done.stderr) == (3, True)


def test_info_describes_the_mart(pvtop_in_process: Command) -> None:
    write_lake(Path("lake"), hours(2))
    pvtop_in_process("mart", "load", "--output", "lake", "--to", "m.duckdb")
    data = json.loads(pvtop_in_process("mart", "info", "--to", "m.duckdb", "--json").stdout)
    assert data["database"].startswith("DuckDB 2.")
    assert {name: data[name] for name in ("schema", "hours", "first", "last", "rollups", "rows", "domains")} == {
        "schema": 1, "hours": 2, "first": FIRST.iso, "last": (FIRST + 1).iso, "rollups": 0, "rows": 240, "domains": 3,
    }  # fmt: skip
    shown = pvtop_in_process("mart", "info", "--to", "m.duckdb").stdout.splitlines()
    assert f"hours     2, {FIRST.iso} to {(FIRST + 1).iso}" in shown


def test_batch_loads_each_report_and_catches_up(pvtop_in_process: Command) -> None:
    span = ("--start", DAY[1].iso, "--end", DAY[2].iso)
    assert pvtop_in_process("batch", *BATCH[:-2], "--start", DAY[1].iso).returncode == 0  # without a mart
    assert pvtop_in_process("batch", *BATCH, *span).returncode == 0
    before = Mart("m.duckdb").loaded()
    assert before.get_column("hour").to_list() == [hour.stamp for hour in DAY[1:3]]
    assert pvtop_in_process("batch", *BATCH, *span).returncode == 0
    assert Mart("m.duckdb").loaded().equals(before)


def test_batch_keeps_reports_that_the_mart_refuses(pvtop_in_process: Command) -> None:
    mart = Mart("m.duckdb")
    mart.init()
    with mart._database.session() as session, session.transaction():  # noqa: SLF001 - as another program does
        session.run("ALTER TABLE pageview_fact DROP COLUMN update_time")
    done = pvtop_in_process("batch", *BATCH, "--start", DAY[1].iso)
    assert (done.returncode, f"{DAY[1].iso}  failed: the mart m.duckdb failed" in done.stdout) == (4, True)
    assert Path("lake", top_pages_path(DAY[1])).exists()


@pytest.mark.parametrize("password", ["verysecret", "7/verysecret", "/verysecret"])
def test_secrets_of_an_address_are_not_shown(pvtop_in_process: Command, password: str) -> None:
    address = f"postgresql://me:{password}@127.0.0.1:1/db?password=verysecret"
    write_lake(Path("reports"), [FIRST])
    for options in (("mart", "info"), ("mart", "load", "-v"), ("config", "show", "mart"), ("mart", "init", "--json")):
        done = pvtop_in_process(*options, PVTOP_MART=address)
        assert "127.0.0.1:1/db" in done.stdout + done.stderr
        assert "verysecret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("me:p@verysecret@127.0.0.1:1/db", "one @, before the host (write any other @ as %40"),
        ("me:verysecret/db", "a valid host, port and user"),
        ("me:7/very secret@127.0.0.1:1/db", "without white space"),
    ],
)
def test_address_that_can_be_read_in_two_ways_is_refused(pvtop_in_process: Command, rest: str, reason: str) -> None:
    for options in (("mart", "info"), ("config", "show"), ("mart", "init", "--json")):
        done = pvtop_in_process(*options, PVTOP_MART=f"mysql://{rest}")
        assert (done.returncode, reason in done.stderr) == (2, True)
        assert "secret" not in done.stdout + done.stderr


def damaged_lake() -> tuple[str, ...]:
    write_lake(Path("lake"), hours(2))
    Path("lake", top_pages_path(FIRST)).write_bytes(b"PAR1")
    return ()


def mart_of(version: int) -> tuple[str, ...]:
    mart = Mart("m.duckdb")
    mart.init()
    with mart._database.session() as session, session.transaction():  # noqa: SLF001 - as another pvtop does
        session.run(f"UPDATE mart_schema SET version = {version}")
    return ()


def junk() -> tuple[str, ...]:
    Path("m.duckdb").write_text("no database\n" * 1_000)
    return ()


def folder() -> tuple[str, ...]:
    Path("m.duckdb").mkdir()
    return ()


FAULTS: dict[str, Callable[[], tuple[str, ...]]] = {
    "no mart is named": tuple,
    "another kind of address": lambda: ("--to", "oracle://u:7/verysecret@host/db"),
    "a package is missing": tuple,
    "the server does not answer": lambda: ("--to", "postgresql://127.0.0.1:1/db"),
    "the file is no DuckDB file": junk,
    "the folder is missing": lambda: ("--to", "nowhere/m.duckdb"),
    "the path is that of a folder": folder,
    "a newer version made it": lambda: mart_of(99),
    "an older version made it": lambda: mart_of(0),
    "another process has the file open": tuple,
    "an option of the address is wrong": lambda: ("--to", "mysql://127.0.0.1:1/db?colour=verysecret"),
    "the address can be read in two ways": lambda: ("--to", "mysql://u:p@verysecret@127.0.0.1:1/db"),
    "an hour of the lake is damaged": damaged_lake,
    "the hour is not in the lake": lambda: HOUR,
    "the lake is empty": tuple,
}
ROWS = {fault: cells for fault, *cells in failure_modes("The mart")}


def test_every_row_is_run() -> None:
    assert ROWS.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_ends_as_on_the_page(fault: str, pvtop_in_process: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    code, message, _ = ROWS[fault]
    options, is_in_lake = FAULTS[fault](), "lake" not in fault
    if is_in_lake:
        write_lake(Path("lake"), hours(1))
    environment = {} if fault == "no mart is named" else {"PVTOP_MART": "m.duckdb"}
    if fault == "a package is missing":
        monkeypatch.setitem(sys.modules, "duckdb", None)
    if fault == "another process has the file open":
        monkeypatch.setattr(duckdb_file, "MAX_WAIT", 0)
        with subprocess.Popen([sys.executable, "-c", OPEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout
            other.stdout.readline()
            done = pvtop_in_process("mart", "load", "--output", "lake", *options, **environment)
            assert f"process {other.pid}" in done.stderr
            other.communicate()
    else:
        done = pvtop_in_process("mart", "load", "--output", "lake", *options, **environment)
    assert (str(done.returncode), message.strip("`") in done.stderr + done.stdout) == (code, True), done.stderr
    assert "verysecret" not in done.stderr
    assert is_in_lake or fault == "an hour of the lake is damaged" or not Path("m.duckdb").exists()
