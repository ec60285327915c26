"""Make the tables of a mart, and check their version."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.schema import CreateIndex, CreateTable

from pvtop.core.address import Address
from pvtop.core.errors import MartError
from pvtop.mart.session import Session
from pvtop.mart.tables import SCHEMA_VERSION


def make_schema(session: Session, address: Address) -> bool:
    """Make the tables and views if they are missing. Return whether anything was missing.

    The version is written last. If it is missing, the schema is incomplete, and this completes it.

    Raises:
        MartError: The mart is of another version, or other tables have the names of its tables.
    """
    if is_complete(session, address):
        return False
    with session.making_schema():
        existing = session.existing_tables()
        if "mart_schema" not in existing and (taken := sorted(existing & _names(session))):
            raise MartError(
                f"the mart {address} has a table {taken[0]} that pvtop did not make",
                "name another database",
                setting="mart",
            )
        if not is_complete(session, address):
            _make(session)
    return True


def check_schema(session: Session, address: Address) -> None:
    """Check that the mart has its tables, in this version.

    Raises:
        MartError: It has none, or those of another version.
    """
    if not is_complete(session, address):
        raise MartError(f"there is no mart in {address}", "load a report into it first", remedy="make_mart")


def is_complete(session: Session, address: Address) -> bool:
    """Return whether the schema is made.

    Raises:
        MartError: It is of another version.
    """
    if not session.has_table("mart_schema"):
        return False
    versions = [version for (version,) in session.run(select(session.tables.mart_schema.c.version))]
    for version in versions:
        if version != SCHEMA_VERSION:
            raise MartError(
                f"the mart {address} has tables of version {version}, but this pvtop knows version {SCHEMA_VERSION}",
                "upgrade pvtop, or name another mart" if version > SCHEMA_VERSION else "load the lake into a new mart",
                setting="mart",
            )
    return bool(versions)


def _make(session: Session) -> None:
    """Make what is missing. The table `mart_schema` shows that pvtop made the others; its row, that all are made."""
    tables = session.tables
    session.run(CreateTable(tables.mart_schema, if_not_exists=True))
    for table in tables.metadata.sorted_tables:
        is_new = table.name not in session.existing_tables()
        session.run(CreateTable(table, if_not_exists=True))
        for index in table.indexes if is_new else ():
            session.run(CreateIndex(index))
    for name, definition in tables.views.items():
        session.run(f"CREATE OR REPLACE VIEW {name} AS {definition}")
    session.run(tables.mart_schema.insert().values(version=SCHEMA_VERSION, mart_id=uuid4().hex))


def _names(session: Session) -> set[str]:
    return {*session.tables.metadata.tables, *session.tables.views}
