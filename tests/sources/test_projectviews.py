"""Projectviews: fetched from every kind of source, and parsed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pvtop.core.address import Address
from pvtop.core.errors import CorruptError, NotFoundError, UnreachableError
from pvtop.core.hour import Hour
from pvtop.settings import Settings
from pvtop.sources.projectviews import fetch_projectviews, parse_projectviews
from pvtop.sources.source import open_source
from pvtop.storage.http import Client
from support.reference import reference
from support.samples import DATA
from support.server.behaviours import altered, html, status
from support.server.faults import FAULTS
from support.server.files import File, Server

HOUR = Hour.parse("2024-12-31T14")
PATH = f"{HOUR.month_folder}/projectviews-20241231-140000"
SAMPLE = DATA / "source" / PATH


async def fetched(source: str) -> dict[str, int]:
    settings = Settings.load(attempts=2)
    async with Client(settings) as client:
        return await fetch_projectviews(HOUR, open_source(Address.at(source), client))


@pytest.fixture
def expected() -> dict[str, int]:
    dump = gzip.decompress((DATA / "source" / HOUR.dump_path).read_bytes())
    return {code: views for code, _, views, *_ in reference(dump).domains}


async def test_projectviews_are_read_from_a_folder(expected: dict[str, int]) -> None:
    assert await fetched(str(DATA / "source")) == expected
    assert await fetched((DATA / "source").absolute().as_uri()) == expected


async def test_projectviews_are_fetched_after_a_retry(server: Server, expected: dict[str, int]) -> None:
    server.files[f"/{PATH}"] = File(SAMPLE.read_bytes())
    server.script[f"/{PATH}"] = [status(503)]
    assert await fetched(server.url) == expected
    assert len(server.asked(f"/{PATH}")) == 2


async def test_cut_compressed_projectviews_are_fetched_again(server: Server, expected: dict[str, int]) -> None:
    server.files[f"/{PATH}"] = File(SAMPLE.read_bytes())
    server.script[f"/{PATH}"] = [FAULTS["packed and cut"], FAULTS["gzip within gzip"]]
    assert await fetched(server.url) == expected
    server.script[f"/{PATH}"] = [FAULTS["packed and cut"]] * 2
    with pytest.raises(UnreachableError, match="cannot decompress .*: the data is truncated or has trailing data"):
        await fetched(server.url)


@pytest.mark.parametrize("change", [lambda packed: packed + b"junk", lambda packed: packed[:-8] + bytes(8)])
async def test_damaged_compressed_projectviews_are_fetched_again(
    server: Server, expected: dict[str, int], change: Callable[[bytes], bytes]
) -> None:
    server.files[f"/{PATH}"] = File(SAMPLE.read_bytes())
    server.script[f"/{PATH}"] = [altered(lambda content: change(gzip.compress(content, mtime=0)), encoding="gzip")]
    assert await fetched(server.url) == expected
    assert len(server.asked(f"/{PATH}")) == 2


async def test_projectviews_are_read_from_any_file_system(expected: dict[str, int], tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file(f"/{tmp_path.name}/{PATH}", SAMPLE.read_bytes())
    assert await fetched(f"memory://{tmp_path.name}") == expected
    memory.rm(f"/{tmp_path.name}", recursive=True)


class Flaky(MemoryFileSystem):  # type: ignore[misc] # fsspec ships no type information
    """A file system that breaks off at first."""

    protocol = "flaky"
    breaks: ClassVar[int] = 0

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("flaky://", "memory://")))

    def open(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the signature is fsspec's
        """Open a file, but not the first time."""
        Flaky.breaks -= 1
        if Flaky.breaks >= 0:
            raise ConnectionResetError
        return super().open(*args, **kwargs)


async def test_interrupted_read_from_a_file_system_is_retried(expected: dict[str, int], tmp_path: Path) -> None:
    fsspec.register_implementation("flaky", Flaky, clobber=True)
    Flaky().pipe_file(f"/{tmp_path.name}/{PATH}", SAMPLE.read_bytes())
    Flaky.breaks = 1
    assert await fetched(f"flaky://{tmp_path.name}") == expected
    Flaky.breaks = 2
    with pytest.raises(UnreachableError):
        await fetched(f"flaky://{tmp_path.name}")
    Flaky().rm(f"/{tmp_path.name}", recursive=True)


async def test_missing_projectviews_are_a_not_found_error(server: Server, tmp_path: Path) -> None:
    for source in (str(tmp_path), server.url, f"memory://{tmp_path.name}"):
        with pytest.raises(NotFoundError, match="projectviews-20241231-140000 does not exist"):
            await fetched(source)


async def test_web_page_instead_of_projectviews_is_a_corrupt_error(server: Server) -> None:
    server.script[f"/{PATH}"] = [html]
    with pytest.raises(CorruptError, match="projectviews-20241231-140000 is not a projectviews file"):
        await fetched(server.url)


@pytest.mark.parametrize(
    ("text", "views"),
    [
        ("en - 5 0\nen.m - 7 0\n", {"en": 5, "en.m": 7}),
        ("en - 5 0\r\n", {"en": 5}),
        ('"" - 17 0\n', {"": 17}),
        (" - 17 0\n", {"": 17}),
        ("- 17 0\nen - 5 0", {"en": 5}),
        ("en - 5 0\nen - 6 0\n", {"en": 11}),
        ("\nen - 5 0\n\r\n", {"en": 5}),
    ],
)
def test_parse_projectviews_sums_views_by_domain(text: str, views: dict[str, int]) -> None:
    assert parse_projectviews(text) == views


@pytest.mark.parametrize(
    "line", ["en - 5", "en - 0x5 0", "en  5 0", "en A 5 0", "en - 99999999999999999999 0", "en - -5 0", "- A 0", " "]
)
def test_parse_projectviews_refuses_an_unreadable_line(line: str) -> None:
    with pytest.raises(ValueError, match="its line 2 is not like 'en.m - 5000 0'"):
        parse_projectviews(f"de - 5 0\n{line}\n")


@pytest.mark.parametrize("text", ["", "\n", "- 17 0\n"])
def test_parse_projectviews_refuses_a_file_without_lines(text: str) -> None:
    with pytest.raises(ValueError, match="it contains no line like"):
        parse_projectviews(text)
