"""The address of a mart: which database it is, and how to show it without secrets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from pvtop.core.address import absolute, local_path, public
from pvtop.core.errors import UsageError


class Product(StrEnum):
    """The databases that a mart can be in."""

    DUCKDB = "DuckDB"
    POSTGRESQL = "PostgreSQL"
    MYSQL = "MySQL"
    MARIADB = "MariaDB"


DRIVERS = {
    "postgresql": (Product.POSTGRESQL, "postgresql+psycopg"),
    "mysql": (Product.MYSQL, "mysql+pymysql"),
    "mariadb": (Product.MYSQL, "mysql+pymysql"),
}
"""By scheme, the database and the scheme that SQLAlchemy takes. Only a connection tells MariaDB and MySQL apart."""


@dataclass(frozen=True, slots=True, repr=False)
class MartAddress:
    """Where a mart is. Its text never shows a secret.

    Attributes:
        product: The database. `MYSQL` may also be MariaDB.
        url: The address as SQLAlchemy takes it, with its secrets. Empty for a DuckDB file.
        path: The DuckDB file, None for a server.
        shown: The address without secrets.
    """

    product: Product
    url: str
    path: Path | None
    shown: str

    @classmethod
    def parse(cls, address: str) -> Self:
        """Parse `mart.duckdb`, or the address of a server: `postgresql://user:password@host/database`.

        Raises:
            UsageError: It is neither a path nor the address of a known database.
        """
        if not address:
            raise UsageError("no mart is named", "name a DuckDB file, or the address of a database", setting="mart")
        if path := local_path(address):
            return cls(Product.DUCKDB, "", absolute(path), str(path))
        scheme, _, rest = address.partition("://")
        if scheme.lower() not in DRIVERS:
            raise UsageError(
                f"{public(address)} is not the address of a mart",
                "name a DuckDB file, or write postgresql://, mysql:// or mariadb://",
                setting="mart",
            )
        product, driver = DRIVERS[scheme.lower()]
        return cls(product, f"{driver}://{rest}", None, public(address))

    def __str__(self) -> str:
        return self.shown

    def __repr__(self) -> str:
        return f"MartAddress({self.shown!r})"
