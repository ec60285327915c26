"""A mart in a DuckDB file. While a process writes the file, no other can open it."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql

from pvtop.core.address import Address
from pvtop.core.errors import MartError
from pvtop.mart.product import Product
from pvtop.mart.session import Database, Row, Session, changes, with_whole_numbers

if TYPE_CHECKING:
    import duckdb

DIALECT = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call] # DuckDB takes its SQL
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "checkpoint_threshold": "1KB",  # a commit writes to the file at once: by way of the log it takes twice as long
    "default_block_size": 1 << 16,  # of new files: DuckDB's own, four times as large, makes it read far more facts
}

ROW_GROUP_SIZE = 43_008
"""The facts of an hour and a little more, in the multiples of 2,048 that DuckDB takes.

A commit writes the last row group anew if it has room for more rows. DuckDB's own size has room for three hours.
"""

MAX_WAIT = 60.0  # seconds for another process that has the file open
POLL_INTERVAL = 0.02
LOCKED = re.compile(r"Conflicting lock is held in (?:(?P<program>.*) \(PID (?P<process>\d+)\)|PID (?P<nameless>\d+))")
"""DuckDB's message if a process has the file open. If DuckDB cannot see the process, it has no name, or number 0."""
ONE_AT_A_TIME = RLock()
"""In one process, DuckDB refuses a file that is open in another way, and two writers may conflict."""

MART = "mart"  # the name of the file while it is open


@cache
def _engine(process: int) -> duckdb.DuckDBPyConnection:  # noqa: ARG001 - its threads do not survive a fork
    """Return the DuckDB of this process. It takes 20 ms or more to start, but less than 1 ms to open a file."""
    import duckdb

    return duckdb.connect(":memory:", config=CONFIG)


class DuckDBFile(Database):
    """A DuckDB file."""

    keeps_connection = False
    works_elsewhere = False

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._path = Path(address.absolute())

    def errors(self) -> tuple[type[Exception], ...]:
        """Return the exceptions of DuckDB."""
        import duckdb

        return (duckdb.Error,)

    def connect(self, *, reading: bool = False) -> Session:
        """Open the file. If other processes have it open, wait for a minute at most."""
        if reading and not self._path.exists():
            raise MartError(f"there is no mart {self.address}", "load a report into it first", remedy="make_mart")
        ONE_AT_A_TIME.acquire()
        try:
            with self.translated():
                return DuckDBSession(self._open(reading=reading))
        except BaseException:
            _engine.cache_clear()  # it may have failed for good
            ONE_AT_A_TIME.release()
            raise

    def _open(self, *, reading: bool) -> duckdb.DuckDBPyConnection:
        """Open the file as soon as no other process has it open.

        Raises:
            MartError: Another process has had it open for a minute.
        """
        import duckdb

        connection = _engine(os.getpid()).cursor()
        file = str(self._path).replace("'", "''")
        mode = "READ_ONLY" if reading else f"READ_WRITE, ROW_GROUP_SIZE {ROW_GROUP_SIZE}"
        since = time.monotonic()
        while True:
            try:
                return connection.execute(f"ATTACH '{file}' AS {MART} ({mode}); USE {MART}")
            except duckdb.IOException as error:
                other = LOCKED.search(str(error))
                if other is None:
                    raise
                if time.monotonic() - since > MAX_WAIT:
                    raise self._busy(other) from error
            time.sleep(POLL_INTERVAL)

    def _busy(self, other: re.Match[str]) -> MartError:
        return MartError(
            f"the mart {self.address} is open in {_holder(other)}",
            "end that process, or try again later: while a process writes the file, no other can open it",
        )


def _holder(other: re.Match[str]) -> str:
    """Return what is known of the process that has the file open."""
    if other["process"]:
        return f"process {other['process']} ({other['program']})"
    return f"process {other['nameless']}" if int(other["nameless"]) else "another process"


class DuckDBSession(Session):
    """A connection to a DuckDB file.

    Args:
        connection: The connection. `ONE_AT_A_TIME` is held until it is closed.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(Product.DUCKDB)
        self._connection = connection

    def close(self) -> None:
        """Close the file, and let others open it. If that fails, the next session starts DuckDB anew."""
        import duckdb

        try:
            self._connection.execute(f"USE memory; DETACH {MART}")
        except duckdb.Error:  # a fatal error, such as a full disk, ends all of DuckDB in this process
            _engine.cache_clear()
        finally:
            self._connection.close()
            ONE_AT_A_TIME.release()

    def run(self, statement: Executable | str) -> list[Row]:
        """Run a statement, compiled as for PostgreSQL."""
        if isinstance(statement, str):
            return self._connection.execute(statement).fetchall()
        compiled: Any = statement.compile(dialect=DIALECT)  # type: ignore[attr-defined] # only DDL has another method
        values = [compiled.params[name] for name in getattr(compiled, "positiontup", None) or ()]  # DDL has none
        return self._connection.execute(str(compiled), values).fetchall()

    def query(self, sql: str) -> pl.DataFrame:
        """Return the rows of a query, by way of Arrow."""
        relation = self._connection.sql(sql)
        if relation is None:  # a statement without rows
            return pl.DataFrame()
        found = pl.from_arrow(relation.to_arrow_table())
        return with_whole_numbers(found if isinstance(found, pl.DataFrame) else found.to_frame())

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block. If it fails, roll back."""
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        """Insert rows from Arrow."""
        self._connection.register("inserted", rows.to_arrow())
        self._connection.execute(f"INSERT INTO {table.name} BY NAME SELECT * FROM inserted")  # noqa: S608 - our own names
        self._connection.unregister("inserted")

    def add_missing(self, dimension: Table, rows: pl.DataFrame, now: datetime) -> list[Row]:
        """Insert the rows whose id a dimension lacks. There is one writer, so looking before is enough."""
        id_, name = rows.columns[:2]
        self._connection.register("given", rows.to_arrow())
        found = self.query(
            f"SELECT given.*, known.{name} AS known_name FROM given LEFT JOIN {dimension.name} AS known USING ({id_}) "  # noqa: S608 - our own names
            f"WHERE known.{name} IS DISTINCT FROM given.{name}"
        )
        self._connection.unregister("given")
        missing = found.filter(pl.col("known_name").is_null()).sort(id_).drop("known_name")
        self.insert(dimension, missing.with_columns(create_time=now, update_time=now))
        return found.drop_nulls("known_name").select(name, "known_name").rows()

    def upsert(self, table: Table, row: dict[str, object]) -> None:
        """Insert or replace a row."""
        key, changed = [*table.primary_key], changes(table, row)
        self.run(postgresql.insert(table).values(row).on_conflict_do_update(index_elements=key, set_=changed))

    @contextlib.contextmanager
    def making_schema(self) -> Iterator[None]:
        """Make the schema in one transaction."""
        with self.transaction():
            yield

    def has_table(self, name: str) -> bool:
        """Return whether there is a table."""
        return name in self.existing_tables()

    def existing_tables(self) -> set[str]:
        """Return the names of all tables and views."""
        found = self.run("SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database()")
        return {name for (name,) in found}
