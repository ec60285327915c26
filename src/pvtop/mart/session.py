"""A connection to a database, the same for all of them, and their errors."""

from __future__ import annotations

import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Executable, Table

from pvtop.core.address import Address
from pvtop.core.errors import MartError, PvtopError
from pvtop.core.redaction import redacted
from pvtop.mart.parts import Part
from pvtop.mart.product import Product
from pvtop.mart.tables import tables_for

Row = tuple[Any, ...]

ADVICE = {
    "create the database first": r'database "[^"]*" does not exist|\(1049,',
    "check the user and the password": (
        r'authentication failed|no password supplied|role "[^"]*" (?:does not exist|is not permitted)|\(1045,'
    ),
    "let the server accept this host, user and database (pg_hba.conf)": r"pg_hba\.conf",
    "end other connections to the server, or let it accept more": (
        r"too many (?:clients|connections)|connection slots|\((?:1040|1203|1226),"
    ),
    "read in the server's log why it ended the connection, and try again": (
        r"closed the connection|closed unexpectedly|SSL SYSCALL|terminating connection|\((?:2006|2013|1927|4031),"
    ),
    "check the certificates, and the TLS options of the address": r"SSL|certificate|TLS|insecure transport",
    "end the process that holds the lock in the database, or try again later": (
        r"lock timeout|deadlock detected|could not obtain lock|\((?:1205|1213),"
    ),
    "let the server run longer statements": r"statement timeout|\((?:1969|3024),",
    "a query cannot change the mart; a load needs a database that is not read-only": (
        r"read-only (?:transaction|mode)|\(1792,"
    ),
    "use a writable database, and a user who may make tables in it": (
        r"read-only|[Pp]ermission denied|must be owner|\((?:1044|1142|1227|1290),"
    ),
    "free some space where the database is": r"No space left|disk full|is full|\(1021,",
    "check the query, and that nobody has changed the tables of the mart": (
        r"syntax error|(?:Parser|Binder|Catalog) Error|(?:column|relation|function) .* does not exist"
        r"|\((?:1054|1064|1146|1305|1365),"
    ),
    "check the host and the port, and that the server is running": (
        r"connection failed|Connection refused|Can't connect|resolve host|timed out|timeout expired|\((?:2002|2003),"
    ),
}
"""What to do, and a pattern of the databases' texts that call for it. A number is an error number of MariaDB and MySQL.

The first pattern that matches counts. `connection failed` comes last, because PostgreSQL says that for every reason.
"""


@dataclass(frozen=True, slots=True)
class Known:
    """Names that a mart is known to have, as they are in the lake. Loads never remove names.

    Attributes:
        mart_id: The mart.
        domains: `domain_dim_id` and `domain_name`.
        pages: `page_dim_id` and `page_name`.
    """

    mart_id: str
    domains: pl.DataFrame
    pages: pl.DataFrame


class Session(ABC):
    """A connection to a database.

    Attributes:
        product: The database. MariaDB and MySQL are told apart.
        tables: The tables, for this database.
    """

    def __init__(self, product: Product) -> None:
        self.product = product
        self.tables = tables_for(product)

    def mart_id(self) -> str:
        """Read the id of the mart. If the tables are removed and made again, the mart gets another id."""
        return str(self.run("SELECT mart_id FROM mart_schema")[0][0])

    @abstractmethod
    def close(self) -> None:
        """Close the connection. Roll back a transaction that has not ended."""

    @abstractmethod
    def run(self, statement: Executable | str) -> list[Row]:
        """Run a statement, and return its rows if it has any."""

    @abstractmethod
    def query(self, sql: str) -> pl.DataFrame:
        """Return the rows of a query. Whole numbers of any width are Int64, if they fit."""

    @abstractmethod
    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """Return a block that is one transaction. If it fails, nothing has changed."""

    @abstractmethod
    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        """Insert rows by the fastest way of the database. The columns are named like those of the table."""

    @abstractmethod
    def add_missing(self, dimension: Table, rows: pl.DataFrame, now: datetime) -> list[Row]:
        """Insert the rows whose id a dimension lacks, by id. Others may insert the same rows at the same time.

        Args:
            dimension: The table. Its first two columns are the id and the name.
            rows: The rows, without their times.
            now: Their times.

        Returns:
            A name and the other name that has its id in the dimension, if there are such.
        """

    @abstractmethod
    def upsert(self, table: Table, row: dict[str, object]) -> None:
        """Insert a row of a table with a primary key, or replace all of it except its `create_time`.

        Waits for others who write the same row.
        """

    def make_room(self, part: Part) -> None:  # noqa: B027 - most databases need nothing
        """Prepare the tables for the facts of a part. Not within a transaction."""

    @abstractmethod
    def making_schema(self) -> contextlib.AbstractContextManager[None]:
        """Return a block that makes the schema, one process at a time."""

    @abstractmethod
    def has_table(self, name: str) -> bool:
        """Return whether there is a table."""

    @abstractmethod
    def existing_tables(self) -> set[str]:
        """Return the names of all tables and views."""


class Database(ABC):
    """A database, and how to connect to it.

    Args:
        address: Where it is.

    Attributes:
        known: The names that the last load left in the mart. None before the first load.
    """

    keeps_connection = True
    """Whether one session may load many hours. If not, it is closed after each, because others wait for that."""

    works_elsewhere = True
    """Whether another process does the work. If so, this one reads the next part meanwhile."""

    replaces: tuple[str, str] | None = None
    """A character that the database cannot store, and what it becomes."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.known: Known | None = None

    @abstractmethod
    def connect(self, *, reading: bool = False) -> Session:
        """Return a session. If it is for reading, it cannot write.

        Raises:
            MartError: The database cannot be reached.
        """

    @abstractmethod
    def errors(self) -> tuple[type[Exception], ...]:
        """Return the exceptions of the driver."""

    @contextlib.contextmanager
    def session(self, *, reading: bool = False) -> Iterator[Session]:
        """Return a block with a session. Close the session at the end of the block.

        Raises:
            MartError: The database cannot be reached, or a statement in the block fails.
        """
        with contextlib.closing(self.connect(reading=reading)) as session, self.translated():
            yield session

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of the database in the block into a MartError.

        Raises:
            MartError: The block failed.
        """
        try:
            yield
        except PvtopError:
            raise
        except self.errors() as error:
            raise failure(self.address, error) from error


def failure(address: Address, error: Exception) -> MartError:
    """Return the MartError for an error of a database."""
    cause = getattr(error, "orig", None) or error  # SQLAlchemy's own text has the statement and its values
    reason = redacted(" ".join(str(cause).split()))
    hint = next((advice for advice, pattern in ADVICE.items() if re.search(pattern, reason)), "check the address")
    return MartError(f"the mart {address} failed: {reason}", hint, setting="mart")


def changes(table: Table, row: dict[str, object]) -> dict[str, object]:
    """Return the values that replace those of an existing row: all but its key and its `create_time`."""
    return {name: value for name, value in row.items() if name != "create_time" and not table.c[name].primary_key}


def with_whole_numbers(found: pl.DataFrame) -> pl.DataFrame:
    """Turn each column of whole numbers into Int64, if all of it fits. Sums are wider in most databases."""
    whole = [column for column in found.get_columns() if _is_whole(column.dtype)]
    fitting = [(column, column.cast(pl.Int64, strict=False)) for column in whole]
    return found.with_columns(numbers for column, numbers in fitting if numbers.null_count() == column.null_count())


def _is_whole(kind: pl.DataType) -> bool:
    is_exact = isinstance(kind, pl.Decimal) and kind.scale == 0
    return is_exact or (kind.is_integer() and kind != pl.Int64)
