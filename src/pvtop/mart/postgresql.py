"""A mart on PostgreSQL: facts in partitions by month, and COPY for bulk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from pvtop.mart.copied import copied
from pvtop.mart.parts import HourPart, Part
from pvtop.mart.product import Product
from pvtop.mart.server import Server, ServerSession
from pvtop.mart.session import Session, changes

DDL_LOCK = 0x70_76_74_6F_70  # "pvtop": of an advisory lock, for those who make tables
MONTHS = 12


class PostgreSQL(Server):
    """A PostgreSQL database."""

    driver = "postgresql+psycopg"
    replaces = ("\0", "\ufffd")

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """Return the exceptions of psycopg."""
        import psycopg

        return (psycopg.Error,)

    def session_of(self, connection: Connection, *, reading: bool) -> Session:
        """Return the session of a new connection.

        Turns off JIT compilation: if the server expects many rows, it takes longer than the queries of a load.
        """
        connection.exec_driver_sql("SET SESSION jit = off")
        if reading:
            connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        connection.commit()
        return PostgreSQLSession(connection)


class PostgreSQLSession(ServerSession):
    """A connection to PostgreSQL."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(Product.POSTGRESQL, connection)
        self._staged: set[str] = set()
        self._months: set[str] = set()

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        """Insert rows by COPY."""
        options, content = copied(rows)
        columns = ", ".join(rows.columns)
        with (
            self._driver.cursor() as cursor,
            cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN ({options})") as copy,
        ):
            copy.write(content)

    def stage(self, table: Table, rows: pl.DataFrame) -> None:
        """Fill a temporary table of this connection."""
        if table.name in self._staged:
            self.run(f"TRUNCATE {table.name}")
        else:
            self.run(CreateTable(table))
            self._staged.add(table.name)
        self.insert(table, rows)

    def upsert(self, table: Table, row: dict[str, object]) -> None:
        """Insert or replace a row."""
        key, changed = [*table.primary_key], changes(table, row)
        self.run(postgresql.insert(table).values(row).on_conflict_do_update(index_elements=key, set_=changed))

    def ignoring_known(self, table: Table) -> Any:  # noqa: ANN401 - as in `ServerSession`
        """Return an insert statement that skips rows whose key is there."""
        return postgresql.insert(table).on_conflict_do_nothing()

    def make_room(self, part: Part) -> None:
        """Make the partition of the month of an hour. Look it up first, because making it waits for all who write."""
        if isinstance(part, HourPart):
            self._make_partition(part.hour.stamp)

    def _make_partition(self, stamp: datetime) -> None:
        name = f"pageview_fact_{stamp:%Y_%m}"
        if name in self._months:
            return
        with self.transaction():
            if self.run(f"SELECT to_regclass('{name}')") == [(None,)]:
                self._lock_ddl()
                following = f"{stamp.year + stamp.month // MONTHS}-{stamp.month % MONTHS + 1:02}"
                bounds = f"FROM ('{stamp:%Y-%m}-01') TO ('{following}-01')"
                self.run(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF pageview_fact FOR VALUES {bounds}")
        self._months.add(name)

    @contextlib.contextmanager
    def making_schema(self) -> Iterator[None]:
        """Make the schema in one transaction."""
        with self.transaction():
            self._lock_ddl()
            yield

    def _lock_ddl(self) -> None:
        """Wait for others who make tables, until the end of the transaction."""
        self.run(f"SELECT pg_advisory_xact_lock({DDL_LOCK})")
