"""A mart on MariaDB or MySQL: rows of many at once, with text in hexadecimal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import polars as pl
from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateTable

from pvtop.core.errors import MartError
from pvtop.mart.product import Product
from pvtop.mart.server import Server, ServerSession
from pvtop.mart.session import Session, changes

LOCK = "pvtop_mart"
LOCK_WAIT = 60  # seconds
STATEMENT_BYTES = 128_000  # of one insert; the server takes longer for each row of a longer one


class MySQL(Server):
    """A MariaDB or MySQL database."""

    driver = "mysql+pymysql"

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """Return the exceptions of PyMySQL, and those of sockets that it lets pass."""
        import pymysql

        return (pymysql.Error, OSError)

    def session_of(self, connection: Connection, *, reading: bool) -> Session:
        """Return the session of a new connection. Values that do not fit are errors, whatever the server's mode."""
        connection.exec_driver_sql("SET SESSION sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES,NO_ENGINE_SUBSTITUTION'")
        if reading:
            connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.commit()
        return MySQLSession(connection)


class MySQLSession(ServerSession):
    """A connection to MariaDB or MySQL."""

    def __init__(self, connection: Connection) -> None:
        is_mariadb = getattr(connection.dialect, "is_mariadb", False)
        super().__init__(Product.MARIADB if is_mariadb else Product.MYSQL, connection)

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        """Insert rows in statements of many rows.

        LOAD DATA LOCAL takes half the time, but many servers refuse it. A client that allows it sends them any file.
        """
        columns = ", ".join(rows.columns)
        values = rows.select(
            pl.format("({})", pl.concat_str(map(_literal, rows.get_columns()), separator=","))
        ).to_series()
        number = values.str.len_bytes().cum_sum() // STATEMENT_BYTES
        statements = pl.DataFrame([number.alias("number"), values]).group_by("number", maintain_order=True)
        with self._driver.cursor() as cursor:  # SQLAlchemy's errors would have the whole statement
            for _, text in statements.agg(pl.col(values.name).str.join(",")).iter_rows():
                cursor.execute(f"INSERT INTO {table.name} ({columns}) VALUES {text}")  # noqa: S608 - literals

    def stage(self, table: Table, rows: pl.DataFrame) -> None:
        """Fill a temporary table of this connection."""
        self.run(f"DROP TEMPORARY TABLE IF EXISTS {table.name}")  # unlike TRUNCATE, it does not end the transaction
        self.run(CreateTable(table))
        self.insert(table, rows)

    def upsert(self, table: Table, row: dict[str, object]) -> None:
        """Insert or replace a row."""
        self.run(mysql.insert(table).values(row).on_duplicate_key_update(changes(table, row)))

    def ignoring_known(self, table: Table) -> Any:  # noqa: ANN401 - as in `ServerSession`
        """Return an insert statement that leaves rows as they are if their key is there."""
        key = next(iter(table.primary_key))
        return mysql.insert(table).on_duplicate_key_update({key.name: key})

    @contextlib.contextmanager
    def making_schema(self) -> Iterator[None]:
        """Make the schema under a lock. The server commits each statement by itself."""
        if self.run(select(func.get_lock(LOCK, LOCK_WAIT))) != [(1,)]:
            raise MartError("another process is making the tables of the mart", "try again")
        try:
            yield
        finally:
            self.run(select(func.release_lock(LOCK)))
            self._connection.commit()


def _literal(column: pl.Series) -> pl.Expr:
    """Return the values of a column as literals of SQL. Hexadecimal needs no escaping, whatever a title holds."""
    name = pl.col(column.name)
    match column.dtype:
        case pl.String:
            text = pl.format("_utf8mb4 x'{}'", name.cast(pl.Binary).bin.encode("hex"))
        case pl.Datetime:
            text = name.dt.strftime("%Y%m%d%H%M%S")  # a number takes less time to read than text
        case _:
            text = name.cast(pl.Int64).cast(pl.String)
    return text.fill_null("NULL")
