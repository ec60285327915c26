"""A mart in a DuckDB file."""

from __future__ import annotations

import contextlib
from pathlib import Path

import duckdb
import pytest

from pvtop import Mart
from pvtop.core.address import Address
from pvtop.mart.duckdb_file import LOCKED, ROW_GROUP_SIZE, DuckDBFile, _holder

TEXT = (
    'IO Error: Could not set lock on file "/srv/m.duckdb": Conflicting lock is held in {}. See also https://duckdb.org'
)


@pytest.mark.parametrize(
    ("holder", "shown"),
    [
        ("/usr/bin/python3.11 (PID 18272)", "process 18272 (/usr/bin/python3.11)"),
        ("/srv/my program (1) (PID 18272) by user me", "process 18272 (/srv/my program (1))"),
        ("PID 18272", "process 18272"),  # a process of another user
        ("PID 0", "another process"),  # a process in another container, or one that has just closed the file
    ],
)
def test_process_that_has_the_file_open_is_recognised(holder: str, shown: str) -> None:
    found = LOCKED.search(TEXT.format(holder))
    assert found
    assert _holder(found) == shown


def test_lock_error_without_another_process_is_not_waited_for() -> None:
    assert not LOCKED.search('IO Error: Could not set lock on file "/srv/m.duckdb": No locks available')


@pytest.mark.parametrize("existing", [False, True])
def test_new_file_has_small_blocks_and_an_existing_one_keeps_its_own(tmp_path: Path, *, existing: bool) -> None:
    path = tmp_path / "mart.duckdb"
    if existing:
        duckdb.connect(path).close()
    mart = Mart(path)
    mart.init()
    sizes = mart.query("SELECT block_size FROM pragma_database_size() WHERE database_name = current_database()")
    assert sizes.item() == (262_144 if existing else 65_536)


def test_row_group_has_the_facts_of_an_hour(tmp_path: Path) -> None:
    path = tmp_path / "mart.duckdb"
    Mart(path).init()
    with contextlib.closing(DuckDBFile(Address.at(path)).connect()) as session:
        session.run("CREATE TABLE numbers AS SELECT range AS number FROM range(100_000)")
        counts = session.run("SELECT max(row_group_id) FROM pragma_storage_info('numbers')")
    assert counts == [(100_000 // ROW_GROUP_SIZE,)]
