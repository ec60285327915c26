"""The cache folder."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pvtop.core.address import Address
from pvtop.core.hour import Hour
from pvtop.sources.cache import Cache, CachedDump
from pvtop.sources.facts import FileFacts, LocalFile, sidecar
from pvtop.storage.atomic import temporary_file
from pvtop.storage.locks import shared_lock

HOUR = Hour.parse("2019-04-01T12")
CONTENT = gzip.compress(b"en A 1 0\n", mtime=0)
ADDRESS = "https://example.org/dump.gz"
DAY = timedelta(days=1)


def keep(cache: Cache, hour: Hour = HOUR, content: bytes = CONTENT, age: timedelta = timedelta()) -> Path:
    """Write a dump into a cache as a download did some time ago."""
    path = cache.dump_path(hour)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    facts = FileFacts(ADDRESS, len(content), hashlib.sha256(content).hexdigest())
    sidecar(path).write_text(json.dumps(asdict(facts)))
    downloaded = time.time() - age.total_seconds()
    os.utime(path, (downloaded, downloaded))
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """Return a cache whose folder does not exist yet."""
    return Cache(tmp_path / "cache")


def test_sweep_removes_only_abandoned_temporary_files(tmp_path: Path) -> None:
    dump, left = tmp_path / "2024" / "2024-08" / "kept", tmp_path / "2024" / "2024-08" / ".kept.0123abcd.tmp"
    dump.parent.mkdir(parents=True)
    dump.touch()
    left.touch()
    with temporary_file(dump) as file:
        left.touch()
        Cache(tmp_path).sweep()
        assert sorted(dump.parent.iterdir()) == sorted([dump, Path(file.name)])


def test_paths_in_the_cache(cache: Cache) -> None:
    assert cache.dump_path(HOUR) == cache.folder / "2019/2019-04/pageviews-20190401-120000.gz"
    assert cache.blacklist_path(Address.at(ADDRESS)).parent == cache.folder / "blacklists"
    assert cache.blacklist_path(Address.at(ADDRESS)) != cache.blacklist_path(Address.at(ADDRESS + "?other"))


def test_find_returns_a_file_with_its_facts(cache: Cache) -> None:
    path = keep(cache)
    facts = FileFacts(ADDRESS, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert Cache.find(path, Address.at(ADDRESS)) == LocalFile(path, facts, cached=True)


def test_find_ignores_secrets_in_an_address(cache: Cache) -> None:
    assert Cache.find(keep(cache), Address.at("https://user:secret@example.org/dump.gz?token=secret"))


def test_find_ignores_a_file_of_another_address(cache: Cache) -> None:
    assert Cache.find(keep(cache), Address.at("https://mirror.example.org/dump.gz")) is None


def put_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOIL: dict[str, Callable[[Path], object]] = {
    "no file": Path.unlink,
    "a folder": put_folder,
    "too short": lambda path: path.write_bytes(CONTENT[:-1]),
    "too long": lambda path: path.write_bytes(CONTENT + b"\0"),
    "no facts": lambda path: sidecar(path).unlink(),
    "facts cut off": lambda path: sidecar(path).write_text(sidecar(path).read_text()[:-2]),
    "other facts": lambda path: sidecar(path).write_text('{"address": "https://example.org/dump.gz"}'),
    "facts not UTF-8": lambda path: sidecar(path).write_bytes(b"\xff"),
}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_find_ignores_a_file_without_matching_facts(cache: Cache, spoil: Callable[[Path], object]) -> None:
    path = keep(cache)
    spoil(path)
    assert Cache.find(path, Address.at(ADDRESS)) is None


def test_dumps_are_sorted_by_hour(cache: Cache) -> None:
    texts = ["2018-12-31T23", "2019-01-01T00", "2019-04-01T09", "2019-04-01T12", "2019-10-01T00"]
    for text in reversed(texts):
        keep(cache, Hour.parse(text))
    assert [dump.hour.iso for dump in cache.dumps()] == texts


def test_cached_dump_has_its_size_and_time(cache: Cache) -> None:
    path = keep(cache)
    os.utime(path, (86_400, 86_400))
    assert list(cache.dumps()) == [CachedDump(HOUR, path, len(CONTENT), datetime(1970, 1, 2, tzinfo=UTC))]


def test_dumps_ignores_other_files(cache: Cache) -> None:
    path = keep(cache)
    for name in [f".{path.name}.1a2b3c4d.part", "pageviews-20190431-120000.gz", "projectviews-20190401-120000"]:
        path.with_name(name).touch()
    cache.blacklist_path(Address.at(ADDRESS)).parent.mkdir()
    cache.blacklist_path(Address.at(ADDRESS)).touch()
    assert [dump.path for dump in cache.dumps()] == [path]


def test_dumps_ignores_folders_pipes_and_broken_links(cache: Cache) -> None:
    keep(cache)
    month = cache.folder / "2019" / "2019-04"
    (month / "pageviews-20190401-130000.gz").mkdir()
    (month / "pageviews-20190401-140000.gz").symlink_to("pageviews-20190401-140000.gz")
    (month / "pageviews-20190401-150000.gz").symlink_to("nowhere")
    os.mkfifo(month / "pageviews-20190401-160000.gz")
    (cache.folder / "2020").symlink_to(cache.folder / "2020")
    (cache.folder / "2021").symlink_to(cache.folder)
    (month / ".folder.tmp").mkdir()
    assert [dump.hour for dump in cache.dumps()] == [HOUR]
    assert list(cache.damaged()) == []
    cache.sweep()


def test_dumps_below_links_to_folders_are_listed_verified_and_removed(cache: Cache, tmp_path: Path) -> None:
    path = keep(cache)
    shutil.move(cache.folder / "2019", tmp_path / "elsewhere")
    (cache.folder / "2019").symlink_to(tmp_path / "elsewhere")
    left = path.with_name(f".{path.name}.1.tmp")
    left.touch()
    assert [dump.path for dump in cache.dumps()] == [path]
    path.write_bytes(b"changed")
    assert [dump.path for dump, _ in cache.damaged()] == [path]
    (chosen,) = cache.prunable(None, 0)
    assert cache.remove(chosen)
    cache.sweep()
    assert not [found for found in tmp_path.joinpath("elsewhere").rglob("*") if found.is_file()]


def test_missing_cache_folder_is_an_empty_cache(cache: Cache) -> None:
    assert list(cache.dumps()) == []
    assert list(cache.damaged()) == []
    assert cache.prunable(DAY, 0) == []


def test_broken_does_not_list_a_good_dump(cache: Cache) -> None:
    keep(cache)
    assert list(cache.damaged()) == []


OTHER = gzip.compress(b"en B 1 0\n", mtime=0)
BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "not gzip": (lambda path: path.write_bytes(b"<html>"), "is not gzip: it begins with '<html>'"),
    "cut off": (lambda path: path.write_bytes(CONTENT[:-9]), "is truncated"),
    "a wrong checksum": (lambda path: path.write_bytes(CONTENT[:-8] + bytes(8)), "is corrupt"),
    "another dump": (lambda path: path.write_bytes(OTHER), "has changed since it was downloaded"),
    "no facts": (lambda path: sidecar(path).unlink(), "has no .json file beside it"),
}


@pytest.mark.parametrize(("spoil", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken_lists_a_damaged_dump_with_the_reason(
    cache: Cache, spoil: Callable[[Path], object], reason: str
) -> None:
    path = keep(cache)
    keep(cache, HOUR + 1)
    spoil(path)
    ((dump, message),) = cache.damaged()
    assert dump.hour == HOUR
    assert message.startswith(f"{path.name} {reason}")


@pytest.fixture
def three(cache: Cache) -> Cache:
    """Return a cache of three dumps of 100 bytes each, downloaded 1, 5 and 9 days ago: the latest hour first."""
    for place, days in enumerate([1, 5, 9]):
        keep(cache, HOUR + place, bytes(100), days * DAY)
    return cache


@pytest.mark.parametrize(
    ("days", "max_bytes", "chosen"),
    [
        (None, None, []),
        (10, None, []),
        (7, None, [2]),
        (3, None, [2, 1]),
        (0, None, [2, 1, 0]),
        (None, 300, []),
        (None, 299, [2]),
        (None, 200, [2]),
        (None, 199, [2, 1]),
        (None, 0, [2, 1, 0]),
        (7, 200, [2]),
        (7, 100, [2, 1]),
        (3, 200, [2, 1]),
    ],
)
def test_prunable_lists_the_oldest_downloads_first(
    three: Cache, days: int | None, max_bytes: int | None, chosen: list[int]
) -> None:
    prunable = three.prunable(None if days is None else days * DAY, max_bytes)
    assert [dump.hour for dump in prunable] == [HOUR + place for place in chosen]


def test_prunable_removes_nothing(three: Cache) -> None:
    three.prunable(timedelta(), 0)
    assert len(list(three.dumps())) == 3


def test_remove_deletes_the_facts_too(three: Cache) -> None:
    first, *others = three.dumps()
    three.remove(first)
    assert list(three.dumps()) == others
    assert not sidecar(first.path).exists()


def test_remove_keeps_a_dump_in_use(cache: Cache) -> None:
    path = keep(cache)
    (dump,) = cache.dumps()
    with shared_lock(path):
        assert not cache.remove(dump)
    assert Cache.find(path, Address.at(ADDRESS))


def test_remove_accepts_a_missing_dump(cache: Cache) -> None:
    keep(cache)
    (dump,) = cache.dumps()
    assert cache.remove(dump)
    assert cache.remove(dump)


def test_remove_keeps_what_is_not_a_dump(cache: Cache) -> None:
    path = keep(cache)
    (dump,) = cache.dumps()
    put_folder(path)
    assert not cache.remove(dump)
    assert path.is_dir()


def test_dumps_ignores_a_dump_that_is_gone(cache: Cache) -> None:
    path = keep(cache)
    cache.dump_path(HOUR + 1).symlink_to("nowhere")
    assert [dump.path for dump in cache.dumps()] == [path]
