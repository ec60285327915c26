"""A mart on each database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from pvtop.mart.mart import Mart
from support.databases import DatabaseServer, MariaDBServer, PostgreSQLServer, server_folder

SERVERS = {"postgresql": PostgreSQLServer, "mariadb": MariaDBServer}


def start(kind: type[DatabaseServer]) -> Iterator[DatabaseServer]:
    """Yield a running server. If its programs are missing, skip the test; in CI, fail."""
    if missing := kind.missing():
        if os.environ.get("CI"):
            pytest.fail(f"{missing} is not installed")
        pytest.skip(f"{missing} is not installed")
    server = kind(server_folder(kind.name))
    with server.shared():
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[DatabaseServer]:
    """Yield a PostgreSQL server for all tests."""
    yield from start(PostgreSQLServer)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[DatabaseServer]:
    """Yield a MariaDB server for all tests."""
    yield from start(MariaDBServer)


@pytest.fixture(params=["duckdb", *SERVERS])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the address of an empty database of each kind."""
    if request.param == "duckdb":
        yield str(tmp_path / "mart.duckdb")
        return
    server: DatabaseServer = request.getfixturevalue(request.param)
    with server.database(f"t{uuid4().hex}") as found:
        yield found


@pytest.fixture
def mart(address: str) -> Mart:
    """Return an empty mart on each database."""
    return Mart(address)
