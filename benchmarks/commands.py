"""The commands to measure. Each runs in an empty folder of its own and writes its answer there."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from inputs import HERE
from measure import measure
from pvtop import Day, Hour, Period

PVTOP = str(Path(sys.executable).with_name("pvtop"))
ANSWER = "answer.parquet"
LAKE = "lake"
CONTACT = "bench@example.org"
CONTENDERS = {  # name: module that must be installed, script
    "DuckDB": ("duckdb", "with_duckdb.py"),
    "ClickHouse (chdb)": ("chdb", "with_chdb.py"),
    "pandas": ("pandas", "with_pandas.py"),
    "heap, plain Python, tuned": ("pyarrow", "with_pruned_heap.py"),
    "heap, plain Python": ("pyarrow", "with_heap.py"),
    "zcat, sort and awk": ("pyarrow", "with_sort.sh"),
}


def gzip(dumps: Sequence[Path]) -> list[str]:
    """Return the command that decompresses files one after the other and discards the output."""
    return ["sh", "-c", 'for dump; do gzip -dc "$dump"; done > /dev/null', "sh", *map(str, dumps)]


def probe(script: str, *arguments: object) -> list[str]:
    """Return the command for one of the scripts in `probes/`."""
    return [sys.executable, str(HERE / "probes" / script), *map(str, arguments)]


def contender(name: str, python: str, dump: Path, blacklist: Path) -> list[str]:
    """Return the command for the script of a contender, with the interpreter that has it installed."""
    script = HERE / "contenders" / CONTENDERS[name][1]
    arguments = [str(script), str(dump), str(blacklist), ANSWER]
    return ["sh", *arguments, python] if script.suffix == ".sh" else [python, *arguments]


def other(python: str, script: str, *arguments: object) -> list[str]:
    """Return the command for a script of the contenders that answers a question about a day."""
    return [python, str(HERE / "contenders" / script), *map(str, arguments)]


def report(
    hour: Hour, source: Path | str, blacklist: Path | None, cache: Path | None = None, lake: Path | str = LAKE
) -> list[str]:
    """Return the command that makes the report of an hour."""
    when = ["--date", f"{hour.stamp:%Y-%m-%d}", "--hour", str(hour.stamp.hour)]
    return [PVTOP, "report", *when, *places(source, blacklist, lake, cache)]


def batch(first: Hour, count: int, source: Path | None, blacklist: Path, lake: Path | str = LAKE) -> list[str]:
    """Return the command that makes the reports of `count` hours. Without a source, the caller adds one."""
    return [PVTOP, "batch", *hour_range(first, count), *places(source, blacklist, lake)]


def build_days(days: Sequence[Day], source: Path, lake: Path | str = LAKE) -> list[str]:
    """Return the command that makes the day files of consecutive days."""
    where = ["--source", str(source), "--output", str(lake), "--cache-dir", "cache"]
    return [PVTOP, "days", "build", "--start", str(days[0]), "--end", str(days[-1]), *where]


def rollup(period: Period, blacklist: Path, source: Path | None = None) -> list[str]:
    """Return the command that makes the rollup of a period. Without a source, day files must have all of its hours."""
    hours = hour_range(period.first, len(period.hours))
    offline = [] if source else ["--offline"]
    return [PVTOP, "rollup", *hours, *offline, "--json", *places(source, blacklist, LAKE)]


def movers(day: Day, blacklist: Path, lake: Path) -> list[str]:
    """Return the command that finds the movers of a day among all pages that have not fallen below their level."""
    where = ["--blacklist", str(blacklist), "--output", str(lake), "--cache-dir", "cache"]
    return [PVTOP, "movers", "--day", str(day), "--against", "7d", "--min-ratio", "1", "--json", *where]


def places(
    source: Path | str | None, blacklist: Path | None, lake: Path | str, cache: Path | str | None = None
) -> list[str]:
    """Return the options for source, blacklist, lake and cache."""
    named = {"source": source, "blacklist": blacklist or "none", "output": lake, "cache-dir": cache or "cache"}
    return [part for name, place in named.items() if place for part in (f"--{name}", str(place))]


def hour_range(first: Hour, count: int) -> list[str]:
    """Return the options for `count` hours."""
    return ["--start", first.iso, "--end", (first + (count - 1)).iso]


def prepare(command: Sequence[str], folder: Path) -> None:
    """Run a command that prepares a measurement. Exit if it fails."""
    figures = measure(command, folder, environment())
    if figures.code:
        sys.exit(f"{' '.join(command)}: {figures.stderr}")


def environment() -> dict[str, str]:
    """Return the environment for commands: this one without the variables of pvtop and Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PVTOP_", "PYTHON"))}
