"""What marts on PostgreSQL, MariaDB and MySQL share: connections by SQLAlchemy."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import polars as pl
from sqlalchemy import Connection, Engine, Executable, Table, create_engine, inspect, literal, or_, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from pvtop.core.address import Address
from pvtop.core.errors import MartError
from pvtop.mart.product import Product
from pvtop.mart.session import Database, Row, Session, with_whole_numbers

CONNECT_TIMEOUT = "20"  # seconds, if the address has none
NOT_THEIR_OWN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@cache
def _engine(address: Address, driver: str) -> Engine:
    """Return SQLAlchemy's engine for an address. It keeps no connection, but what it learned of the server."""
    url = make_url(address.with_secrets()).set(drivername=driver)
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": CONNECT_TIMEOUT})
    return create_engine(url, poolclass=NullPool, isolation_level="READ COMMITTED", hide_parameters=True)


class Server(Database):
    """A database on a server."""

    driver: str
    """The driver, as SQLAlchemy names it."""

    def connect(self, *, reading: bool = False) -> Session:
        """Connect to the server."""
        with self.translated():
            return self.session_of(self._connection(), reading=reading)

    def _connection(self) -> Connection:
        """Return a new connection.

        Raises:
            MartError: An option of the address makes SQLAlchemy or the driver raise an error that is not their own.
        """
        try:
            return _engine(self.address, self.driver).connect()
        except NOT_THEIR_OWN:
            options = ", ".join(sorted(make_url(self.address.with_secrets()).query))
            if not options:
                raise
            raise MartError(  # the error may have the value of the option, which may be secret
                f"the mart {self.address} failed: an option of the address, or its value, is wrong: {options}",
                "check the options of the address",
                setting="mart",
            ) from None

    def errors(self) -> tuple[type[Exception], ...]:
        """Return the exceptions of SQLAlchemy, which wraps those of drivers, and of the driver itself."""
        return (SQLAlchemyError, *self.driver_errors())

    @abstractmethod
    def driver_errors(self) -> tuple[type[Exception], ...]:
        """Return the exceptions that the driver itself raises."""

    @abstractmethod
    def session_of(self, connection: Connection, *, reading: bool) -> Session:
        """Return the session of a new connection."""


class ServerSession(Session):
    """A connection to a server.

    Args:
        product: The database.
        connection: The connection.
    """

    def __init__(self, product: Product, connection: Connection) -> None:
        super().__init__(product)
        self._connection = connection

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def _driver(self) -> Any:  # noqa: ANN401 - the drivers have no common class
        """The connection of the driver."""
        return self._connection.connection.driver_connection

    def run(self, statement: Executable | str) -> list[Row]:
        """Run a statement. What it changes lasts if it is within a transaction."""
        result = self._connection.execute(text(statement) if isinstance(statement, str) else statement)
        return [tuple(row) for row in result] if result.returns_rows else []

    def query(self, sql: str) -> pl.DataFrame:
        """Return the rows of a query."""
        # Without parameters, the drivers leave percent signs alone.
        result = self._connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        names, rows = list(result.keys()), [tuple(row) for row in result]
        return with_whole_numbers(pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block. If it fails, roll back."""
        self._connection.rollback()  # ends a transaction that a query has begun
        with self._connection.begin():
            yield

    def add_missing(self, dimension: Table, rows: pl.DataFrame, now: datetime) -> list[Row]:
        """Insert the rows whose id a dimension lacks, from a temporary table. Look them up first: most are there."""
        staged, known = self.tables.staged[dimension.name], dimension.alias("known")
        id_, name = list(staged.columns)[:2]
        known_name, has_id = known.c[name.name], known.c[id_.name] == id_
        self.stage(staged, rows)
        given = select(id_).select_from(staged.outerjoin(known, has_id))
        found = {row[0] for row in self.run(given.where(or_(known_name.is_(None), known_name != name)))}
        if not found:
            return []
        if len(found) < len(rows):
            self.stage(staged, rows.filter([row in found for row in rows.get_column(id_.name)]))
        new = select(*staged.columns, literal(now), literal(now)).order_by(id_)
        self.run(self.ignoring_known(dimension).from_select(list(dimension.columns), new))
        others = select(name, known_name).join_from(staged, known, has_id).where(known_name != name)
        return self.run(others.limit(1))

    @abstractmethod
    def stage(self, table: Table, rows: pl.DataFrame) -> None:
        """Put rows into a temporary table, in place of those that it has. They stay while the transaction lasts."""

    @abstractmethod
    def ignoring_known(self, table: Table) -> Any:  # noqa: ANN401 - SQLAlchemy's insert statements have no common class
        """Return an insert statement that skips rows whose key is there."""

    def has_table(self, name: str) -> bool:
        """Return whether there is a table. That takes half the time of naming all tables."""
        return inspect(self._connection).has_table(name)

    def existing_tables(self) -> set[str]:
        """Return the names of all tables and views."""
        found = inspect(self._connection)
        return {*found.get_table_names(), *found.get_view_names()}
