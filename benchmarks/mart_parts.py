"""The parts of the benchmarks about marts: hours that are loaded into each database, and a year of hours in DuckDB."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cases import Part, Turns
from checks import largest
from commands import probe
from day_inputs import DATE, DayInputs
from inputs import YEAR, Inputs
from mart_checks import are_reports, is_year
from pvtop.lake.layout import top_pages_path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from support.databases import DatabaseServer, MariaDBServer, PostgreSQLServer

SERVERS: dict[str, type[DatabaseServer]] = {"PostgreSQL": PostgreSQLServer, "MariaDB": MariaDBServer}
LOAD_YEAR = "loading all hours"
QUERY_YEAR = "the top pages of a domain in a month"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the cases of a database.

    Args:
        database: The database.
        copying: Its own way to copy rows in bulk.
    """

    database: str
    copying: str

    @property
    def bare(self) -> str:
        """Copying the rows of an hour into one table."""
        return f"{self.database}, {self.copying}, an hour"

    @property
    def following(self) -> str:
        """Loading an hour that follows others."""
        return f"{self.database}, an hour in a load"

    @property
    def alone(self) -> str:
        """Loading an hour by a call of its own."""
        return f"{self.database}, an hour alone"

    @property
    def all(self) -> str:
        """Loading a day with one loader."""
        return f"{self.database}, a day in a load"

    @property
    def each(self) -> str:
        """Loading a day by a call for each hour."""
        return f"{self.database}, a day, each hour alone"

    @property
    def steps(self) -> dict[str, str]:
        """The names by the steps of `probes/mart_hours.py`."""
        return {step: getattr(self, step) for step in ("bare", "following", "alone", "all", "each")}


DUCKDB = Names("DuckDB", "inserting from Arrow")
POSTGRESQL = Names("PostgreSQL", "COPY")
MARIADB = Names("MariaDB", "LOAD DATA")


def mart(inputs: Inputs, _: str) -> Iterator[Turns]:
    """Load a day into a mart on each database."""
    lake = DayInputs(inputs).report_lake()
    yield hours_in(DUCKDB, lake)
    if inputs.scale.has_servers:
        for names in (POSTGRESQL, MARIADB):
            yield from hours_on_server(names, lake)


def hours_in(names: Names, lake: Path, server: Path | None = None, missing: str = "") -> Turns:
    """Return the turns of loading the hours of a day, and of copying their rows."""
    first, count = DATE.hours[0].iso, len(DATE.hours)
    command = probe("mart_hours.py", names.database.lower(), server or "none", lake, first, count)
    return Turns(
        f"{count} hours into a mart on {names.database}",
        command,
        names.steps,
        are_reports(lake, DATE.hours),
        missing=missing,
    )


def hours_on_server(names: Names, lake: Path) -> Iterator[Turns]:
    """Start a server, and yield the turns on it. If it is not installed, yield turns that are not run."""
    kind = SERVERS[names.database]
    if missing := kind.missing():
        yield hours_in(names, lake, missing=missing)
        return
    with tempfile.TemporaryDirectory(prefix="pvtop-") as folder:
        Path(folder).chmod(0o755)  # the server runs as another user, if this is root
        server = kind(Path(folder) / kind.name)
        with server.shared():
            yield hours_in(names, lake, server.folder)


def mart_year(inputs: Inputs, _: str) -> Iterator[Turns]:
    """Load a year of hours into a DuckDB file, and query one of its months."""
    lake, count = DayInputs(inputs).report_lake(), inputs.scale.year
    day = [lake / top_pages_path(hour) for hour in DATE.hours]
    hours, reports = [YEAR + i for i in range(count)], [day[i % len(day)] for i in range(count)]
    start = (YEAR + count // 2).stamp
    month = [hour for hour in hours if (hour + -1).stamp.month == start.month]
    domain = str(largest(day[0])["domain_code"])
    year = inputs.repeated(lake, "year", YEAR, count, DATE.hours)
    ends = (month[0] + -1).iso, month[-1].iso
    yield Turns(
        f"{count:,} hours into a DuckDB file",
        probe("mart_year.py", year, domain, *ends),
        {"load": LOAD_YEAR, "query": QUERY_YEAR},
        is_year(reports, hours, domain, month),
        rounds=1,
    )


MART_PARTS: dict[str, Part] = {"mart": mart, "mart-year": mart_year}
