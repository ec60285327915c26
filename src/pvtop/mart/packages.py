"""The packages of the extra `mart`, which may be missing."""

from __future__ import annotations

from importlib import import_module

from pvtop.core.errors import MartError
from pvtop.mart.product import Product

PACKAGES = {
    Product.DUCKDB: ("sqlalchemy", "duckdb"),
    Product.POSTGRESQL: ("sqlalchemy", "psycopg"),
    Product.MYSQL: ("sqlalchemy", "pymysql"),
}


def check_packages(product: Product) -> None:
    """Check that the packages for a database are installed.

    Raises:
        MartError: One is missing.
    """
    for package in PACKAGES[product]:
        try:
            import_module(package)
        except ImportError as error:
            reason = str(error).partition("\n")[0]
            raise MartError(
                f"a mart in {product} needs the package {package}, which cannot be imported: {reason}",
                "install the extra mart: pip install 'pvtop[mart]'",
            ) from error
