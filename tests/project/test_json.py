"""The keys of the JSON documents, and the page that explains them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from pvtop.core.hour import hour_range
from pvtop.lake.layout import top_pages_path
from pvtop.transform.day import DayProvenance, DumpRecord
from pvtop.transform.report import Provenance
from pvtop.transform.rollup import RollupProvenance
from support.days import DAY, write_day
from support.samples import ROOT, Command, WriteDump

PAGE = (ROOT / "docs" / "json.md").read_text()
EXPLAINED = {
    name for names in re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE) for name in re.findall(r"`(.*?)`", names)
}
NAMED_OTHERWISE = {"counts", "dumps"}  # their keys are states and stamps
LAKE = ("--output", "lake")
SOURCE = ("--source", "source")
BOTH = (*SOURCE, "--blacklist", "blacklist", *LAKE)
MART = ("--to", "mart.duckdb")
LAST = DAY.hours[-1]
AT = ("--date", f"{LAST.stamp:%Y-%m-%d}", "--hour", str(LAST.stamp.hour))
RANGE = ("--start", DAY.hours[0].iso, "--end", (LAST + 3).iso)
ONLY = ("--start", DAY.iso, "--end", DAY.iso)
COMMANDS = [
    ("batch", *BOTH, *RANGE, "--days", "--dry-run"),
    ("batch", *BOTH, *RANGE, "--days"),
    ("days", "build", *SOURCE, *LAKE, *ONLY, "--dry-run"),
    ("days", "build", *SOURCE, *LAKE, *ONLY),
    ("days", "ls", *LAKE),
    ("days", "verify", *LAKE),
    ("rollup", *BOTH, "--day", DAY.iso, "--merge-access"),
    ("show", *LAKE, "--day", DAY.iso, "--merge-access"),
    ("series", *SOURCE, *LAKE, "en:A", "--day", DAY.iso, "--merge-access"),
    ("movers", *LAKE, "--blacklist", "none", "--day", DAY.iso, "--min-views", "1"),
    ("spikes", *LAKE, "--blacklist", "none", "--day", DAY.iso, "--min-views", "1"),
    ("report", *BOTH, *AT),
    ("show", *LAKE, *AT),
    ("domains", *LAKE, *AT),
    ("status", *SOURCE, *LAKE, *RANGE),
    ("validate", *BOTH, *AT, "--totals", "--against-dump"),
    ("validate", "--source", "nowhere", *LAKE, *AT, "--totals"),
    ("blacklist", "info", "--blacklist", "blacklist"),
    ("cache", "dir"),
    ("cache", "ls"),
    ("cache", "verify"),
    ("cache", "prune", "--older-than", "0s", "--dry-run"),
    ("mart", "init", *MART),
    ("mart", "load", *LAKE, *MART, *RANGE),
    ("mart", "info", *MART),
    ("report", *BOTH, "--hour", "77"),
]


@pytest.fixture
def _places(tmp_path: Path, write_dump: WriteDump) -> None:
    """Make a source with a day, two hours after it, of which one is malformed, and wrong totals of the last hour.

    The lake has a damaged report.
    """
    for number, hour in enumerate(hour_range(DAY.hours[0], LAST + 1)):
        dump = write_dump(f"en A {1000 if number == 7 else 10} 0\nen.m A 1 0\n", hour)
        if hour == LAST:
            dump.with_name(dump.stem.replace("pageviews", "projectviews")).write_text("en - 17 0\n")
    write_dump("en A 1", LAST + 2)
    (tmp_path / "blacklist").write_text("en B\nen.wikipedia.org C\n")
    write_day(tmp_path / "lake", DAY + -1, {("en", "A"): {1: 2}})
    damaged = tmp_path / "lake" / top_pages_path(LAST + 3)
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"damaged")
    cached = tmp_path / "cache" / LAST.dump_path
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"broken")


def keys(value: object) -> Iterator[str]:
    """Yield the keys in a JSON document. Leave out those that are states, stamps or columns of a violation."""
    if isinstance(value, list):
        for one in value:
            yield from keys(one)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            is_open = key in NAMED_OTHERWISE or (key == "hours" and isinstance(inner, dict))
            if not is_open and not (key == "rows" and "rule" in value):
                yield from keys(inner)


@pytest.mark.usefixtures("_places")
def test_page_explains_each_key_and_no_other(pvtop_in_process: Command) -> None:
    found = {key for command in COMMANDS for key in keys(json.loads(pvtop_in_process(*command, "--json").stdout))}
    assert found - EXPLAINED == set()
    assert EXPLAINED - found == set()


@pytest.mark.parametrize("kind", [Provenance, DayProvenance, DumpRecord, RollupProvenance])
def test_page_explains_each_field_of_a_provenance(kind: type) -> None:
    assert {field.name for field in fields(kind)} <= EXPLAINED
