"""Which database a mart is in."""

from __future__ import annotations

from enum import StrEnum

from pvtop.core.address import Address
from pvtop.core.errors import UsageError


class Product(StrEnum):
    """The databases that a mart can be in."""

    DUCKDB = "DuckDB"
    POSTGRESQL = "PostgreSQL"
    MYSQL = "MySQL"
    MARIADB = "MariaDB"


SERVERS = {"postgresql": Product.POSTGRESQL, "mysql": Product.MYSQL, "mariadb": Product.MYSQL}
"""The database of each scheme. Only a connection tells MariaDB and MySQL apart."""


def product_of(address: Address) -> Product:
    """Return the database that an address names: a DuckDB file, or a server. `MYSQL` may also be MariaDB.

    Raises:
        UsageError: It is neither a path nor the address of a known database.
    """
    if address.local_path:
        return Product.DUCKDB
    scheme, mark, _ = str(address).partition("://")
    scheme = scheme.lower()
    if scheme not in SERVERS:
        raise UsageError(
            f"{scheme}{mark} is not the address of a mart",  # only the scheme: the rest may contain a password
            "name a DuckDB file, or write postgresql://, mysql:// or mariadb://",
            setting="mart",
        )
    return SERVERS[scheme]
