"""The mart: load reports into it, and query it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.exceptions import PanicException

from pvtop.core.address import Address, AddressLike, parse_address
from pvtop.core.errors import MartError, NotInLakeError, UsageError
from pvtop.core.escape import shorten
from pvtop.core.hour import Hour, HourLike, hours_at
from pvtop.core.html import table
from pvtop.core.period import Period, PeriodLike
from pvtop.core.redaction import redacted
from pvtop.lake.lake import Lake
from pvtop.mart.packages import check_packages
from pvtop.mart.product import Product, product_of

if TYPE_CHECKING:
    from pvtop.mart.load import Loader, LoadObserver, LoadResult
    from pvtop.mart.parts import Part
    from pvtop.mart.session import Database, Session

LOADED = pl.Schema({"hour": pl.Datetime("us", "UTC"), "rows": pl.Int64(), "loaded_at": pl.Datetime("us", "UTC")})


@dataclass(frozen=True, slots=True)
class MartInfo:
    """What is in a mart.

    Attributes:
        address: Where it is, without secrets.
        product: The database: `DuckDB`, `PostgreSQL`, `MariaDB` or `MySQL`.
        version: The version of the database.
        schema: The version of the tables.
        hours: The number of hours.
        first: The first hour, None if there is none.
        last: The last hour, None if there is none.
        rollups: The number of rollups.
        rows: The number of facts, those of rollups included.
        domains: The number of domains.
        pages: The number of pages.
    """

    address: str
    product: str
    version: str
    schema: int
    hours: int
    first: Hour | None
    last: Hour | None
    rollups: int
    rows: int
    domains: int
    pages: int


class Mart:
    """A star schema of reports and rollups in a database.

    Args:
        address: A DuckDB file, or the address of a database: `postgresql://user:password@host/database`, `mysql://...`
            or `mariadb://...`.

    Raises:
        UsageError: It is not such an address.
        MartError: A package that the database needs is not installed.
    """

    def __init__(self, address: AddressLike) -> None:
        if not str(address):
            raise UsageError("no mart is named", "name a DuckDB file, or the address of a database", setting="mart")
        given = _parsed(address)
        self.address = Address.at(given.local_path or given)
        self._product = product_of(self.address)
        check_packages(self._product)
        self._database = _open(self._product, self.address)

    def __repr__(self) -> str:
        return f"Mart({str(self.address)!r})"

    def _repr_html_(self) -> str:
        """Return the address, as notebooks show it. Does not connect."""
        return table(f"The mart {self.address}", [("database", self._product)])

    def init(self) -> bool:
        """Make the tables and views, if they are missing. Return whether any was.

        Raises:
            MartError: The database cannot be reached or written, or its mart is of another version.
        """
        from pvtop.mart.schema import make_schema

        with self._database.session() as session:
            return make_schema(session, self.address)

    def loader(self, lake: Lake) -> Loader:
        """Return a loader for single hours and rollups, for use in a `with` block."""
        from pvtop.mart.load import Loader

        return Loader(self._database, lake)

    def load(
        self,
        lake: Lake | AddressLike,
        hours: HourLike | Iterable[HourLike] | None = None,
        rollups: Iterable[PeriodLike] | None = None,
        *,
        merge_access: bool = False,
        observer: LoadObserver | None = None,
    ) -> LoadResult:
        """Load reports and rollups, each in one transaction, in place of what the mart has of them.

        Args:
            lake: Where they are.
            hours: The hours to load, or one of them.
            rollups: The periods of the rollups to load. If neither hours nor rollups are given, the load takes all that
                the mart lacks, or has from another report.
            merge_access: Whether the named rollups are those with merged access.
            observer: Receives the progress.

        Returns:
            How many were loaded, and which ones failed or are not in the lake.

        Raises:
            UsageError: A value is not an hour or a period.
            MartError: The database cannot be reached or written, or its mart is of another version.
            NotInLakeError: Neither hours nor rollups are given, and the lake has none.
            OutputError: The lake cannot be read.
        """
        from pvtop.mart.load import LoadResult, LoadState
        from pvtop.mart.parts import HourPart, RollupPart, parts_in_lake

        lake = lake if isinstance(lake, Lake) else Lake(lake)
        named: list[Part] = [HourPart(hour) for hour in hours_at(hours)] if hours else []
        named += [RollupPart(Period.at(period), merge_access) for period in rollups or ()]
        result = LoadResult()
        with self.loader(lake) as loader:
            wanted: Sequence[Part] = named
            if hours is None and rollups is None:
                stored = parts_in_lake(lake)
                if not stored:
                    raise NotInLakeError(
                        f"the lake {lake.path('')} has no report", "make one with run_hour", remedy="make_report"
                    )
                wanted = loader.lacking(stored)
                result.counts[LoadState.UNCHANGED] = len(stored) - len(wanted)
            if observer:
                observer.planned(wanted, result.counts[LoadState.UNCHANGED])
            for outcome in loader.load_all(wanted) if wanted else ():
                result.add(outcome)
                if observer:
                    observer.finished(outcome)
        return result

    def query(self, sql: str) -> pl.DataFrame:
        """Return the rows of a query. The query cannot change the mart.

        Args:
            sql: SQL of the database. docs/mart.md has the tables and views.

        Raises:
            MartError: The database cannot be reached or refuses the query, or the rows do not fit into a frame.
        """
        with self._reading() as session:
            try:
                return session.query(sql)
            except (pl.exceptions.PolarsError, PanicException, RuntimeError) as error:
                reason = str(error).partition("\n")[0]
                raise MartError(
                    f"the rows of the query do not fit into a frame: {reason}",
                    "give each column a name of its own, and cast large numbers",
                ) from error

    def loaded(self) -> pl.DataFrame:
        """Return the hours in the mart, the oldest first.

        Returns:
            `hour` Datetime in UTC, the END of the hour; `rows` Int64, the number of its facts; `loaded_at` Datetime in
            UTC.

        Raises:
            MartError: The database cannot be reached, or has no mart.
        """
        from sqlalchemy import select

        with self._reading() as session:
            loads = session.tables.report_load
            rows = session.run(select(loads.c.datehour, loads.c.num_rows, loads.c.loaded_at).order_by(loads.c.datehour))
        return pl.DataFrame(rows, schema=list(LOADED), orient="row").select(
            _in_utc("hour"), pl.col("rows").cast(pl.Int64), _in_utc("loaded_at")
        )

    def info(self) -> MartInfo:
        """Return what is in the mart.

        Raises:
            MartError: The database cannot be reached, or has no mart.
        """
        from sqlalchemy import func, select

        with self._reading() as session:
            tables = session.tables

            def one(*columns: Any) -> Any:  # noqa: ANN401 - whatever SQL computes
                return session.run(select(*columns))[0]

            stamp, rows = tables.report_load.c.datehour, tables.report_load.c.num_rows
            hours, first, last, of_hours = one(func.count(), func.min(stamp), func.max(stamp), func.sum(rows))
            rollups, of_rollups = one(func.count(), func.sum(tables.rollup_load.c.num_rows))
            return MartInfo(
                address=str(self.address),
                product=session.product,
                version=_number(session.run("SELECT version()")[0][0]),
                schema=one(func.max(tables.mart_schema.c.version))[0],
                hours=hours,
                first=_hour(first),
                last=_hour(last),
                rollups=rollups,
                rows=int(of_hours or 0) + int(of_rollups or 0),
                domains=one(func.count(tables.domain_dim.c.domain_dim_id))[0],
                pages=one(func.count(tables.page_dim.c.page_dim_id))[0],
            )

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Session]:
        """Yield a session that cannot write, of a database that has a mart."""
        from pvtop.mart.schema import check_schema

        with self._database.session(reading=True) as session:
            check_schema(session, self.address)
            yield session


def _parsed(address: AddressLike) -> Address:
    """Return the address of a mart.

    Raises:
        UsageError: It is not a valid address.
    """
    given = Address.at(address)
    try:
        return parse_address(given) if isinstance(address, str) or not given.local_path else given
    except ValueError as error:
        raise UsageError(
            f"{shorten(redacted(repr(str(given))))} is not the address of a mart: it {error}", setting="mart"
        ) from None


def _open(product: Product, address: Address) -> Database:
    """Return the database at an address. Import SQLAlchemy and the driver only now."""
    match product:
        case Product.DUCKDB:
            from pvtop.mart.duckdb_file import DuckDBFile

            return DuckDBFile(address)
        case Product.POSTGRESQL:
            from pvtop.mart.postgresql import PostgreSQL

            return PostgreSQL(address)
        case _:
            from pvtop.mart.mysql import MySQL

            return MySQL(address)


def _in_utc(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _hour(stamp: datetime | None) -> Hour | None:
    return Hour(stamp.replace(tzinfo=UTC)) if stamp else None


def _number(version: str) -> str:
    """Return the number in the text about a version."""
    match = re.search(r"\d+(?:\.\d+)+", version)
    return match[0] if match else version
