"""The bundled sample: made by its script, true to itself, and decoded by pvtop as by the reference."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from pvtop.core.hour import Hour
from pvtop.lake.lake import Lake
from pvtop.pipeline.hour import run_hour
from pvtop.settings import Settings
from support.reference import reference
from support.samples import DATA

SOURCE = DATA / "source"
DUMPS = sorted(SOURCE.rglob("pageviews-*.gz"))


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_the_script_makes_it(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DATA / "make_sample.py", tmp_path], check=True, capture_output=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    kept = [path.relative_to(DATA) for path in [*SOURCE.rglob("*"), DATA / "blacklist"] if path.is_file()]
    assert made == sorted(kept)
    # Compared unpacked: another zlib may pack the same bytes in another way.
    assert [path for path in made if unpacked(tmp_path / path) != unpacked(DATA / path)] == []


def test_it_covers_a_day_and_a_leap_day() -> None:
    hours = [Hour.from_dump_name(path.name) for path in DUMPS]
    first, day = Hour.parse("2016-02-28T23"), Hour.parse("2024-12-31T00")
    assert hours == [first + i for i in range(4)] + [day + i for i in range(26)]


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.name)
def test_every_hour_is_reported_by_the_rules(dump: Path, tmp_path: Path) -> None:
    hour = Hour.from_dump_name(dump.name)
    assert hour
    expected = reference(unpacked(dump), (DATA / "blacklist").read_bytes())
    run_hour(hour, Settings.load(source=str(SOURCE), blacklist=str(DATA / "blacklist"), output=str(tmp_path)))
    report = Lake(str(tmp_path)).read(hour)
    assert report
    assert report.top_pages.rows() == expected.top_pages
    assert report.domains.rows() == expected.domains
    assert report.provenance.malformed == len(expected.malformed)
    assert report.provenance.blacklisted_rows == expected.blacklisted_rows > 0


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.name)
def test_projectviews_are_the_sums_of_the_dump(dump: Path) -> None:
    listed = dump.with_name(dump.stem.replace("pageviews", "projectviews")).read_text().splitlines()
    counted = [(code or '""', views) for code, _, views, _, _ in reference(unpacked(dump)).domains]
    assert sorted(listed) == sorted(f"{code} - {views} 0" for code, views in counted)
