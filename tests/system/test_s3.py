"""The lake on object storage: the same commands, the same bytes as in a folder, on an S3 server of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import fsspec
import pytest

from support.samples import DATA, Command

ARGS = ("--source", DATA / "source", "--blacklist", DATA / "blacklist")
LAKE = "s3://bucket/lake"


def test_batch_writes_the_same_files_to_s3_and_a_folder(
    pvtop_process: Command, pvtop_in_process: Command, s3: fsspec.AbstractFileSystem
) -> None:
    assert pvtop_in_process("batch", *ARGS, "--output", "lake", "--last", "4").returncode == 0
    done = pvtop_process("batch", *ARGS, "--output", LAKE, "--last", "4", "--json")
    assert json.loads(done.stdout)["counts"] == {"made": 4}, done.stderr
    folder = {str(path.relative_to("lake")): path.read_bytes() for path in Path("lake").rglob("*") if path.is_file()}
    bucket = {path.removeprefix("bucket/lake/"): s3.cat_file(path) for path in s3.find("bucket/lake")}
    assert bucket == folder


def test_made_hours_on_s3_are_unchanged_and_shown(pvtop_in_process: Command, s3: fsspec.AbstractFileSystem) -> None:
    pvtop_in_process("report", *ARGS, "--output", LAKE, "--date", "2024-12-31", "--hour", "14")
    again = pvtop_in_process("report", *ARGS, "--output", LAKE, "--date", "2024-12-31", "--hour", "14")
    assert "(unchanged)" in again.stdout, again.stderr
    assert "Sydney_Harbour_Bridge" in pvtop_in_process("show", "--output", LAKE, "--domain", "en").stdout
    seen = json.loads(pvtop_in_process("status", *ARGS[:2], "--output", LAKE, "--start", "2024-12-31", "--json").stdout)
    assert seen["counts"] == {"made": 1, "missing": 23}
    s3.rm_file("bucket/lake/top_pages/date=2024-12-31/hour=14/top_pages.parquet")
    assert (
        "(made)" in pvtop_in_process("report", *ARGS, "--output", LAKE, "--date", "2024-12-31", "--hour", "14").stdout
    )


@pytest.mark.usefixtures("s3")
def test_missing_bucket_is_not_created(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("report", *ARGS, "--output", "s3://nowhere/lake")
    assert done.returncode == 1
    assert " the lake s3://nowhere/lake: " in done.stderr
    files = fsspec.filesystem("s3", use_listings_cache=False)
    assert files.ls("") == ["bucket"]


def test_keys_in_an_s3_address_are_refused_and_not_shown(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("report", *ARGS, "--output", "s3://AKIATEST:very/secret@bucket/lake", "--verbose")
    assert done.returncode == 2
    assert "must name a bucket without keys" in done.stderr
    assert "secret" not in done.stdout + done.stderr
