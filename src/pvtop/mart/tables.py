"""The tables of the mart: a star schema, and what is loaded. docs/mart.md describes them for users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects.mysql import MEDIUMTEXT
from sqlalchemy.types import TypeEngine

from pvtop.mart.product import Product

SCHEMA_VERSION = 1
"""Raise it with any change below, and upgrade or refuse marts of earlier versions in `mart.schema`."""

COLLATIONS = {Product.MARIADB: "utf8mb4_nopad_bin", Product.MYSQL: "utf8mb4_0900_bin"}
"""Collations that compare names by bytes, trailing spaces included. Neither database has that of the other."""

FIRST_CHARACTERS = 100  # of a page's name in the index of MariaDB and MySQL, which limit the length of a key

TOP_PAGES = """
    SELECT f.datehour, f.datehour - INTERVAL '1' HOUR AS hour_start,
        d.domain_name, d.project, d.language, d.access, d.host,
        p.page_name, f.num_views, f.num_views_rank, f.domain_dim_id, f.page_dim_id
    FROM {facts}
    JOIN domain_dim d ON d.domain_dim_id = f.domain_dim_id
    JOIN page_dim p ON p.page_dim_id = f.page_dim_id"""

ROLLUP_TOP_PAGES = """
    SELECT f.first_datehour, f.last_datehour, f.first_datehour - INTERVAL '1' HOUR AS period_start, f.is_merged,
        d.domain_name, d.project, d.language, d.access, d.host,
        p.page_name, f.num_views, f.mobile_views, f.num_views_rank, f.domain_dim_id, f.page_dim_id
    FROM rollup_fact f
    JOIN domain_dim d ON d.domain_dim_id = f.domain_dim_id
    JOIN page_dim p ON p.page_dim_id = f.page_dim_id"""

BY_HOUR = "report_load l JOIN pageview_fact f ON f.datehour = l.datehour"
"""The facts of every hour. A server that knows the hours finds a domain in each by the key, without reading all."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a mart, with the types, keys and indexes of one database.

    Attributes:
        metadata: All of them but the temporary ones.
        mart_schema: The version of the schema, and the id of the mart. One row.
        domain_dim: The domains.
        page_dim: The pages, by title. A title is one page in all domains.
        pageview_fact: The ranked pages of hours.
        rollup_fact: The ranked pages of rollups.
        report_load: The hours that are loaded.
        rollup_load: The rollups that are loaded.
        staged: For each of the two dimensions, a temporary table of the rows that a report has.
        views: The views that people and BI tools query, and their definitions.
    """

    metadata: MetaData
    mart_schema: Table
    domain_dim: Table
    page_dim: Table
    pageview_fact: Table
    rollup_fact: Table
    report_load: Table
    rollup_load: Table
    staged: Mapping[str, Table]
    views: Mapping[str, str]


@cache
def tables_for(product: Product) -> Tables:
    """Return the tables for a database."""
    return _Definitions(product).tables()


class _Definitions:
    """Defines the tables for one database.

    DuckDB gets no keys: there, they cost more time than all else, and its one writer needs none to keep rows distinct.
    """

    def __init__(self, product: Product) -> None:
        self._metadata = MetaData()
        self._product = product
        self._has_keys = product is not Product.DUCKDB
        self._options: dict[str, Any] = (
            {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"} if product in COLLATIONS else {}
        )

    def tables(self) -> Tables:
        """Return all tables."""
        return Tables(
            self._metadata,
            self._table("mart_schema", Column("version", Integer, nullable=False), self._name("mart_id")),
            self._table("domain_dim", *self._domain(key=self._has_keys), *_times()),
            self._table("page_dim", *self._page(key=self._has_keys), *_times(), *self._index_of_names()),
            self._table("pageview_fact", *self._pageviews(), **self._partitions()),
            self._table("rollup_fact", *self._rollups(), *self._index_of_pages()),
            self._table("report_load", _stamp("datehour", key=True), *self._load()),
            self._table("rollup_load", *_period(key=True), *self._load()),
            {
                "domain_dim": self._staged("staged_domain", *self._domain(key=False)),
                "page_dim": self._staged("staged_page", *self._page(key=False)),
            },
            {
                "top_pages": TOP_PAGES.format(facts=BY_HOUR if self._has_keys else "pageview_fact f"),
                "rollup_top_pages": ROLLUP_TOP_PAGES,
            },
        )

    def _table(self, name: str, *columns: Column[object] | Index, **options: Any) -> Table:  # noqa: ANN401 - as SQLAlchemy
        return Table(name, self._metadata, *columns, **self._options, **options)

    def _staged(self, name: str, *columns: Column[object]) -> Table:
        return Table(name, MetaData(), *columns, prefixes=["TEMPORARY"], **self._options)

    def _domain(self, *, key: bool) -> list[Column[object]]:
        meaning = ("project", "language", "access", "host")
        return [
            _number("domain_dim_id", BigInteger, key=key),
            self._name("domain_name"),
            *(self._name(name, nullable=name != "project") for name in meaning),
        ]

    def _page(self, *, key: bool) -> list[Column[object]]:
        return [_number("page_dim_id", BigInteger, key=key), self._name("page_name")]

    def _pageviews(self) -> list[Column[object]]:
        return [
            _number("pageview_fact_id", BigInteger),
            _stamp("datehour", key=self._has_keys),
            *self._facts(),
            *_times(),
        ]

    def _rollups(self) -> list[Column[object]]:
        mobile: Column[object] = Column("mobile_views", BigInteger)
        return [*_period(key=self._has_keys), *self._facts(), mobile, *_times()]

    def _facts(self) -> list[Column[object]]:
        """Return what every ranked page has. A domain may rank a title twice, so the key has the rank."""
        return [
            _number("domain_dim_id", BigInteger, key=self._has_keys),
            _number("page_dim_id", BigInteger),
            _number("num_views", BigInteger),
            _number("num_views_rank", Integer, key=self._has_keys),
        ]

    def _load(self) -> list[Column[object]]:
        return [
            self._name("provenance"),
            _number("num_rows", BigInteger),
            Column("create_time", DateTime, nullable=False),
            Column("loaded_at", DateTime, nullable=False),
        ]

    def _name(self, name: str, *, nullable: bool = False) -> Column[object]:
        """Return a column of text that compares by bytes, of any length that a dump can have."""
        kind: TypeEngine[str] = Text()
        if self._product in COLLATIONS:
            kind = MEDIUMTEXT(charset="utf8mb4", collation=COLLATIONS[self._product])
        elif self._product is Product.POSTGRESQL:
            kind = Text(collation="C")
        return Column(name, kind, nullable=nullable)

    def _index_of_names(self) -> list[Index]:
        """Return an index to find pages by name. PostgreSQL refuses long titles in any but a hash index."""
        if self._product is Product.POSTGRESQL:
            return [Index("page_dim_name", "page_name", postgresql_using="hash")]
        return [Index("page_dim_name", "page_name", mysql_length=FIRST_CHARACTERS)] if self._has_keys else []

    def _index_of_pages(self) -> list[Index]:
        """Return an index on the pages of rollups. There is none on those of hours: it would take a third of a load."""
        return [Index("rollup_fact_page", "page_dim_id")] if self._has_keys else []

    def _partitions(self) -> dict[str, str]:
        is_postgresql = self._product is Product.POSTGRESQL
        return {"postgresql_partition_by": "RANGE (datehour)"} if is_postgresql else {}


def _number(name: str, kind: type[Integer], *, key: bool = False) -> Column[object]:
    return Column(name, kind, primary_key=key, autoincrement=False, nullable=False)


def _stamp(name: str, *, key: bool) -> Column[object]:
    """Return a column for a stamp in UTC, without a time zone."""
    return Column(name, DateTime, primary_key=key, nullable=False)


def _period(*, key: bool) -> list[Column[object]]:
    return [
        _stamp("first_datehour", key=key),
        _stamp("last_datehour", key=key),
        Column("is_merged", Boolean, primary_key=key, nullable=False),
    ]


def _times() -> list[Column[object]]:
    return [Column("create_time", DateTime, nullable=False), Column("update_time", DateTime, nullable=False)]
