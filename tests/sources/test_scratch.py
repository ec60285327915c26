"""Scratch space: sorted runs in files, in a folder that no run leaves behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvtop.core.errors import OutputError
from pvtop.settings import NO_CACHE_DIR
from pvtop.sources.cache import Cache
from pvtop.sources.scratch import BATCH_ROWS, RunWriter, SortedRun, check_room, scratch_folder, sweep_scratch
from pvtop.transform.schemas import ROWS
from support.disks import mounted_at

Row = tuple[str, str, int]

KILLED = """
import os, sys
from pathlib import Path
from pvtop.sources.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "run.arrow").write_bytes(b"rows")
    os._exit(137)
"""

titles = st.text(st.sampled_from("\0\x1fab\ufffd\uffff\U00010000"), min_size=1, max_size=3)
pages = st.sets(st.tuples(st.sampled_from(["", "de", "en", "en.m"]), titles)).map(
    lambda found: [
        (code, title, place)
        for place, (code, title) in enumerate(sorted(found, key=lambda page: (page[0].encode(), page[1].encode())))
    ]
)


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=ROWS, orient="row")


def write(path: Path, rows: pl.DataFrame, step: int) -> SortedRun:
    writer = RunWriter(path)
    for part in rows.iter_slices(step):
        writer.write(part)
    return writer.close()


def kill_a_run(cache: Path) -> None:
    """Leave behind what a killed run does."""
    done = subprocess.run([sys.executable, "-c", KILLED, cache], check=False)
    assert done.returncode == 137


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@settings(max_examples=settings.get_profile("test").max_examples // 4)
@given(pages, st.integers(1, 7))
def test_run_returns_the_rows_of_each_domain(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], step: int
) -> None:
    run = write(tmp_path_factory.mktemp("run") / "run", frame(rows), step)
    found = {code: [row for part in run.read(code) for row in part.rows()] for code in run.codes}
    assert found == {code: [row[1:] for row in group] for code, group in groupby(rows, key=lambda row: row[0])}
    run.close()


def test_rows_are_read_in_batches(tmp_path: Path) -> None:
    count = 2 * BATCH_ROWS + 3
    rows = frame([("de", "a", 1), *(("en", f"{number:06}", number) for number in range(count)), ("fr", "a", 1)])
    run = write(tmp_path / "run", rows, len(rows))
    parts = list(run.read("en"))
    assert max(map(len, parts)) <= BATCH_ROWS
    assert pl.concat(parts).equals(rows.filter(domain_code="en").drop("domain_code"))
    assert [row for part in run.read("fr") for row in part.rows()] == [("a", 1)]
    run.close()


def test_run_without_rows_has_no_domain(tmp_path: Path) -> None:
    assert RunWriter(tmp_path / "run").close().codes == {}


def test_folder_is_gone_at_the_end(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        (folder / "run").write_bytes(b"rows")
        assert folder.is_relative_to(tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_folder_is_gone_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), scratch_folder(tmp_path) as folder:
        (folder / "missing" / "run").write_bytes(b"rows")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_sweep_removes_the_folder_of_a_killed_run_but_not_of_a_living_one(tmp_path: Path) -> None:
    kill_a_run(tmp_path)
    assert len(files(tmp_path)) == 2
    with scratch_folder(tmp_path) as folder:
        (folder / "run").write_bytes(b"rows")
        assert len(files(tmp_path)) == 2  # the lock and the rows of the living run
        sweep_scratch(tmp_path)
        assert (folder / "run").read_bytes() == b"rows"
    assert files(tmp_path) == []


def test_sweep_removes_a_folder_whose_lock_is_gone(tmp_path: Path) -> None:
    kill_a_run(tmp_path)
    for lock in (tmp_path / "scratch").glob(".run.*.tmp"):
        lock.unlink()
    sweep_scratch(tmp_path)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_sweep_removes_a_lock_without_a_folder(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / ".run.0.tmp").touch()
    sweep_scratch(tmp_path)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_sweep_of_the_cache_sweeps_scratch(tmp_path: Path) -> None:
    kill_a_run(tmp_path)
    Cache(tmp_path).sweep()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_lock_of_another_program_keeps_a_folder(tmp_path: Path) -> None:
    kill_a_run(tmp_path)
    (lock,) = (tmp_path / "scratch").glob(".run.*.tmp")
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        sweep_scratch(tmp_path)
    assert len(files(tmp_path)) == 2


def test_disk_without_room_is_an_error(tmp_path: Path) -> None:
    check_room(tmp_path, 1)
    with pytest.raises(OutputError, match=r"has [\d.,]+ GB left, and 1,000,000\.0 GB are needed") as error:
        check_room(tmp_path, 10**15)
    assert error.value.setting == "cache_dir"


def test_user_without_a_cache_folder_has_no_scratch() -> None:
    with pytest.raises(OutputError, match="there is no cache folder"), scratch_folder(NO_CACHE_DIR):
        pass
    with pytest.raises(OutputError, match="there is no cache folder"):
        check_room(NO_CACHE_DIR, 1)


def test_cache_path_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(OutputError, match="cannot write the cache folder"), scratch_folder(tmp_path / "cache"):
        pass


def test_full_disk_ends_a_run_and_leaves_nothing(tmp_path: Path) -> None:
    rows = pl.DataFrame({"page_title": [os.urandom(100).hex() for _ in range(20_000)]}).select(
        pl.lit("en").alias("domain_code"), "page_title", pl.lit(1, pl.Int64).alias("views")
    )
    with mounted_at(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1M", "tmpfs"):
        with pytest.raises(OSError, match="No space left"), scratch_folder(tmp_path / "disk") as folder:
            write(folder / "run", rows, 5_000)
        assert files(tmp_path / "disk") == []
        assert shutil.disk_usage(tmp_path / "disk").free > 900_000
