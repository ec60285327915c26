"""Load hours into marts, and copy their rows in bulk into one table, in turns within this process.

    python mart_hours.py DATABASE SERVER LAKE FIRST COUNT

DATABASE is `duckdb`, `postgresql` or `mariadb`, and SERVER is the folder of a running server; with DuckDB, it is not
used. A turn is a quarter of the hours. First their rows are copied, then each hour is loaded by a call of its own into
a mart, then all are loaded by one loader into another mart. `bare`, `alone` and `following` are the times of an hour
without the first turn, in which marts are almost empty; `each` and `all` are the times of all hours.

Prints the version of the database, the figures, and rows and views of the copy as JSON. Writes what the two marts have
to `alone.parquet` and `together.parquet`. Before the first turn, an hour is loaded into a third mart, for the imports.
"""

import contextlib
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
from steps import Steps

from pvtop import Hour, Lake, Mart
from pvtop.mart.parts import HourPart

sys.path.append(str(Path(__file__).parents[2] / "tests"))

from support.databases import DatabaseServer, MariaDBServer, PostgreSQLServer

SERVERS: dict[str, type[DatabaseServer]] = {"postgresql": PostgreSQLServer, "mariadb": MariaDBServer}
TURNS = 4
COLUMNS = "domain_code {text}, ranked int, page_title {text}, views bigint"
IN_MART = (
    "SELECT datehour, domain_name AS domain_code, num_views_rank AS rank, page_name AS page_title, num_views AS views "
    "FROM top_pages"
)


class Table(ABC):
    """One table without indexes, filled by the fastest way of a database.

    Args:
        address: The address of an empty database.
    """

    text = "text"  # the type of columns of text

    def __init__(self, address: str) -> None:
        self.connection = self.connect(address)
        self.run(f"CREATE TABLE bare ({COLUMNS.format(text=self.text)})")

    @abstractmethod
    def connect(self, address: str) -> Any:  # noqa: ANN401 - the drivers have no common class
        """Return a connection of the driver."""

    @abstractmethod
    def copy(self, rows: pl.DataFrame) -> None:
        """Insert rows, and commit."""

    def run(self, sql: str) -> Any:  # noqa: ANN401 - as above
        """Run SQL, and return the cursor."""
        cursor = self.connection.cursor()
        cursor.execute(sql)
        return cursor

    def totals(self) -> list[int]:
        """Return rows and views."""
        return [*map(int, self.run("SELECT count(*), sum(views) FROM bare").fetchone())]


class DuckDBTable(Table):
    """Inserts from Arrow. The file stays open."""

    def connect(self, address: str) -> Any:  # noqa: ANN401 - as above
        """Open the file."""
        import duckdb

        return duckdb.connect(address)

    def copy(self, rows: pl.DataFrame) -> None:
        """Insert rows, and commit."""
        self.connection.register("given", rows.to_arrow())
        self.connection.execute("INSERT INTO bare SELECT * FROM given")
        self.connection.unregister("given")


class PostgreSQLTable(Table):
    """Inserts by COPY of CSV."""

    def connect(self, address: str) -> Any:  # noqa: ANN401 - as above
        """Connect to the server."""
        import psycopg

        return psycopg.connect(address)

    def copy(self, rows: pl.DataFrame) -> None:
        """Insert rows, and commit."""
        with self.connection.cursor().copy("COPY bare FROM STDIN (FORMAT csv)") as copy:
            copy.write(rows.write_csv(include_header=False, quote_style="non_numeric"))
        self.connection.commit()


class MariaDBTable(Table):
    """Inserts by LOAD DATA of a file with tabs."""

    text = "longtext CHARACTER SET utf8mb4"

    def connect(self, address: str) -> Any:  # noqa: ANN401 - as above
        """Connect to the server."""
        import pymysql
        from sqlalchemy.engine import make_url

        url = make_url(address)
        place = {"unix_socket": url.query["unix_socket"], "user": url.username, "database": url.database}
        return pymysql.connect(**place, local_infile=True)

    def copy(self, rows: pl.DataFrame) -> None:
        """Insert rows, and commit."""
        rows.write_csv("bare.tsv", separator="\t", include_header=False, quote_style="never")
        self.run("LOAD DATA LOCAL INFILE 'bare.tsv' INTO TABLE bare CHARACTER SET utf8mb4 FIELDS ESCAPED BY ''")
        self.connection.commit()


TABLES: dict[str, type[Table]] = {"duckdb": DuckDBTable, "postgresql": PostgreSQLTable, "mariadb": MariaDBTable}


def main() -> None:
    """Measure, then read both marts."""
    product, server, place, first, count = sys.argv[1:]
    hours = [Hour.parse(first) + i for i in range(int(count))]
    lake, steps = Lake(place), Steps()
    with contextlib.ExitStack() as databases:
        bare, warm, alone, together = (databases.enter_context(database(product, server)) for _ in range(4))
        Mart(warm).load(lake, hours[:1])
        table, marts = TABLES[product](bare), {"alone": Mart(alone), "together": Mart(together)}
        take_turns(steps, lake, hours, table, marts)
        for name, mart in marts.items():
            mart.query(IN_MART).write_parquet(f"{name}.parquet")
        info, totals = marts["together"].info(), table.totals()
        table.connection.close()
    json.dump({"version": f"{info.product} {info.version}", "steps": steps.figures, "bare": totals}, sys.stdout)


@contextlib.contextmanager
def database(product: str, server: str) -> Iterator[str]:
    """Make an empty database, and yield its address."""
    name = f"bench_{uuid4().hex}"
    if product not in SERVERS:
        yield f"{name}.duckdb"
        return
    with SERVERS[product](Path(server)).database(name) as address:
        yield address


def take_turns(steps: Steps, lake: Lake, hours: Sequence[Hour], table: Table, marts: dict[str, Mart]) -> None:
    """Copy and load the hours, a quarter at a time."""
    size = len(hours) // TURNS
    for mart in marts.values():
        mart.init()
    with marts["together"].loader(lake) as loader:
        for start in range(0, len(hours), size):
            turn, steady = hours[start : start + size], start > 0
            for rows in [lake.read(hour).top_pages for hour in turn]:
                with steps.timed("copied", *["bare"] * steady):
                    table.copy(rows)
            with steps.timed("each", *["alone"] * steady):
                failed = [hour.iso for hour in turn if marts["alone"].load(lake, [hour]).failures]
            with steps.timed("all", *["following"] * steady):
                failed += [outcome.part.label for outcome in loader.load_all(map(HourPart, turn)) if outcome.error]
            if failed:
                sys.exit(f"not loaded: {', '.join(failed)}")
    for name in ("bare", "alone", "following"):
        steps.divide(name, len(hours) - size)


if __name__ == "__main__":
    main()
