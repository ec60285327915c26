"""The facts of a file, kept beside it as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from pvtop.core.errors import OutputError
from pvtop.sources.facts import FileFacts, sidecar, translate_cache_errors

FACTS = FileFacts("https://example.org/dump.gz", 9, "aa" * 32, '"1"', "Sat, 03 Aug 2024 07:00:00 GMT")


def test_facts_are_read_back(tmp_path: Path) -> None:
    sidecar(tmp_path / "dump.gz").write_text(json.dumps(asdict(FACTS)))
    assert FileFacts.read(tmp_path / "dump.gz") == FACTS


def test_facts_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    earlier = {name: value for name, value in asdict(FACTS).items() if name != "redirected"}
    sidecar(tmp_path / "dump.gz").write_text(json.dumps(earlier))
    assert FileFacts.read(tmp_path / "dump.gz") == FACTS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "[" * 100_000,
        json.dumps(asdict(FACTS) | {"bytes": "9"}),
        json.dumps(asdict(FACTS) | {"bytes": True}),
        json.dumps(asdict(FACTS) | {"etag": 1}),
        json.dumps(asdict(FACTS) | {"redirected": "no"}),
        json.dumps(asdict(FACTS) | {"weather": "fair"}),
    ],
    ids=[
        *("empty", "null", "list", "deep", "bytes as text", "bytes as a boolean", "ETag as a number"),
        *("redirected as text", "another field"),
    ],
)
def test_unreadable_facts_count_as_none(text: str, tmp_path: Path) -> None:
    sidecar(tmp_path / "dump.gz").write_text(text)
    assert FileFacts.read(tmp_path / "dump.gz") is None


def test_full_disk_error_says_how_to_free_space() -> None:
    """/dev/full is the file on which every write fails for want of space."""
    with pytest.raises(OutputError, match="No space left") as caught, translate_cache_errors(Path("/dev")):
        Path("/dev/full").write_bytes(b"x")
    assert caught.value.remedy == "prune_cache"
