"""Transfers from a real server on loopback, well-behaved and otherwise."""

from __future__ import annotations

import asyncio
import errno
import gzip
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import ClassVar

import fsspec
import pytest

from pvtop.core.errors import CorruptError, NotFoundError, OutputError, SourceError, UnreachableError
from pvtop.settings import Settings
from pvtop.sources.download import download
from pvtop.sources.facts import FileFacts, sidecar, translate_cache_errors
from pvtop.storage.gzip import sha256_of, verify_gzip
from pvtop.storage.http import PROGRESS_BYTES, Client
from support.server import Behaviour, File, Server, chunked, cut, html, instead, slow, spliced, stall, status

PATH = "/dump.gz"
CONTENT = gzip.compress(random.Random(1).randbytes(1_000_000), mtime=0)
OTHER = gzip.compress(random.Random(2).randbytes(900_000), mtime=0)
HALF = len(CONTENT) // 2


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "dump.gz"


async def fetch(
    server: Server, target: Path, *script: Behaviour, content: bytes = CONTENT, **settings: object
) -> FileFacts:
    server.files[PATH] = File(content)
    server.script[PATH] = list(script)
    async with Client(Settings.load(**{"attempts": 4, "read_timeout": 0.5} | settings)) as client:
        return await download(client, server.url + PATH, target, verify_gzip)


def left_behind(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir()) if target.parent.exists() else []


async def test_a_file_arrives_with_its_facts(server: Server, target: Path) -> None:
    facts = await fetch(server, target)
    assert target.read_bytes() == CONTENT
    expected = server.files[PATH].headers
    assert facts == FileFacts(
        server.url + PATH, len(CONTENT), sha256_of(target), expected["ETag"], expected["Last-Modified"]
    )
    assert FileFacts.read(target) == facts
    assert left_behind(target) == ["dump.gz", "dump.gz.json"]


async def test_the_user_agent_names_the_contact(server: Server, target: Path) -> None:
    await fetch(server, target, contact="me@example.org")
    (headers,) = server.asked(PATH)
    assert headers["User-Agent"].startswith("pvtop/")
    assert " (me@example.org) aiohttp/" in headers["User-Agent"]


@pytest.mark.parametrize("trouble", [cut(HALF), stall(HALF)], ids=["cut", "stall"])
async def test_a_broken_transfer_goes_on_where_it_broke(server: Server, target: Path, trouble: Behaviour) -> None:
    facts = await fetch(server, target, trouble)
    assert target.read_bytes() == CONTENT
    assert facts.bytes == len(CONTENT)
    first, second = server.asked(PATH)
    assert "Range" not in first
    assert second["Range"] == f"bytes={HALF}-"
    assert second["If-Range"] == facts.etag


async def test_a_wait_for_a_connection_of_our_own_is_no_time_out(server: Server) -> None:
    server.files[PATH] = File(CONTENT[:1_000])
    server.always[PATH] = slow()
    limits = {"connections": 1, "attempts": 1, "connect_timeout": 0.1, "read_timeout": 0.4}
    async with Client(Settings.load(**limits)) as client:
        texts = await asyncio.gather(*(client.text(server.url + PATH) for _ in range(5)))
    assert len(set(texts)) == server.most_at_once == 1


async def test_a_transfer_may_take_longer_than_the_time_outs(server: Server, target: Path) -> None:
    await fetch(server, target, slow(pause=0.08), attempts=1, connect_timeout=0.1, read_timeout=0.3)
    assert target.read_bytes() == CONTENT


async def test_a_file_that_changes_on_the_way_is_taken_from_its_start(server: Server, target: Path) -> None:
    facts = await fetch(server, target, cut(HALF), instead(OTHER))
    assert target.read_bytes() == OTHER
    assert facts.bytes == len(OTHER)
    assert facts.etag == File(OTHER).headers["ETag"]


@pytest.mark.parametrize(
    "other",
    [
        spliced("Last-Modified", later=60),
        spliced("Last-Modified", longer=b"longer"),
        spliced("ETag", in_front=b"x"),
        spliced("ETag", "Last-Modified", longer=b"longer", later=60),
    ],
    ids=["time", "length", "ETag", "all"],
)
async def test_the_rest_of_another_file_is_not_taken(server: Server, target: Path, other: Behaviour) -> None:
    """A server may pass over the condition that the file is still the same, and not every file has a checksum."""
    server.files[PATH] = File(CONTENT)
    server.script[PATH] = [other, other]
    async with Client(Settings.load()) as client:
        await download(client, server.url + PATH, target, lambda path, _: sha256_of(path))
    assert target.read_bytes() == CONTENT
    assert ["Range" in headers for headers in server.asked(PATH)] == [False, True, False]


async def test_without_validators_nothing_is_resumed(server: Server, target: Path) -> None:
    server.files[PATH] = File(CONTENT, validators=())
    server.script[PATH] = [cut(HALF)]
    async with Client(Settings.load()) as client:
        facts = await download(client, server.url + PATH, target, verify_gzip)
    assert target.read_bytes() == CONTENT
    assert (facts.etag, facts.last_modified) == (None, None)
    assert "Range" not in server.asked(PATH)[1]


async def test_a_server_that_ignores_ranges_is_taken_from_its_start(server: Server, target: Path) -> None:
    await fetch(server, target, cut(HALF), instead(CONTENT, ranges=False))
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("code", [202, 204, 206, 304])
async def test_only_a_whole_answer_is_a_file(server: Server, target: Path, code: int) -> None:
    with pytest.raises(SourceError, match=str(code)):
        await fetch(server, target, status(code))
    assert left_behind(target) == []


async def test_a_range_that_is_refused_is_taken_from_the_start(server: Server, target: Path) -> None:
    await fetch(server, target, cut(HALF), status(416))
    assert target.read_bytes() == CONTENT
    assert "Range" not in server.asked(PATH)[2]


async def test_another_part_than_the_missing_one_is_not_taken(server: Server, target: Path) -> None:
    await fetch(server, target, cut(HALF), status(206, Content_Range=f"bytes 0-9/{len(CONTENT)}"))
    assert target.read_bytes() == CONTENT


async def test_a_body_of_unknown_length(server: Server, target: Path) -> None:
    assert (await fetch(server, target, chunked)).bytes == len(CONTENT)


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
async def test_passing_failures_are_tried_again(server: Server, target: Path, code: int) -> None:
    await fetch(server, target, status(code), status(code))
    assert len(server.asked(PATH)) == 3
    assert target.read_bytes() == CONTENT


async def test_the_attempts_end(server: Server, target: Path) -> None:
    with pytest.raises(UnreachableError, match=r"unavailable \(503\)"):
        await fetch(server, target, *[status(503)] * 9)
    assert len(server.asked(PATH)) == 4
    assert left_behind(target) == []


async def test_attempts_do_not_run_out_while_it_gets_on(server: Server, target: Path) -> None:
    content = gzip.compress(random.Random(3).randbytes(6 * PROGRESS_BYTES), mtime=0)
    await fetch(server, target, *[cut(PROGRESS_BYTES + 1000)] * 5, content=content, attempts=2)
    assert target.read_bytes() == content
    with pytest.raises(UnreachableError, match="connection lost before the end of the file"):
        await fetch(server, target, *[cut(PROGRESS_BYTES // 2)] * 5, content=content, attempts=2)


async def test_retry_after_is_honoured_and_logged(
    server: Server, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    started = datetime.now(UTC)
    await fetch(server, target, status(429, Retry_After="1"))
    assert datetime.now(UTC) - started >= timedelta(seconds=1)
    assert "is unavailable (429); retrying in 1 s (2/4)" in caplog.text


async def test_a_file_that_says_it_is_too_long_is_not_taken(server: Server, target: Path) -> None:
    with pytest.raises(SourceError, match="is longer than 900,000 bytes") as caught:
        await fetch(server, target, max_download=900_000)
    assert caught.value.setting == "max_download"
    assert len(server.asked(PATH)) == 1
    assert left_behind(target) == []


async def test_retry_after_may_be_a_date(server: Server, target: Path) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    await fetch(server, target, status(503, Retry_After=past))
    assert len(server.asked(PATH)) == 2


async def test_retry_after_is_read_by_the_servers_clock(server: Server, target: Path) -> None:
    asked = {"Retry_After": "Fri, 01 Jan 2100 00:00:01 GMT", "Date": "Fri, 01 Jan 2100 00:00:00 GMT"}
    await fetch(server, target, status(503, **asked))
    assert len(server.asked(PATH)) == 2


async def test_a_server_that_wants_to_be_left_alone_for_long_is_an_error(server: Server, target: Path) -> None:
    with pytest.raises(SourceError, match=r"\(429\)") as caught:
        await fetch(server, target, status(429, Retry_After="3600"))
    assert "3,600 s" in caught.value.hint
    assert len(server.asked(PATH)) == 1


async def test_forbidden_is_not_tried_again_and_asks_for_a_contact(server: Server, target: Path) -> None:
    with pytest.raises(SourceError, match=r"\(403\)") as caught:
        await fetch(server, target, status(403))
    assert caught.value.setting == "contact"
    assert len(server.asked(PATH)) == 1


@pytest.mark.parametrize("code", [404, 410])
async def test_missing_is_not_tried_again(server: Server, target: Path, code: int) -> None:
    with pytest.raises(NotFoundError):
        await fetch(server, target, status(code))
    assert len(server.asked(PATH)) == 1
    assert left_behind(target) == []


@pytest.mark.parametrize("code", [400, 401, 416, 501])
async def test_other_failures_are_not_tried_again(server: Server, target: Path, code: int) -> None:
    with pytest.raises(SourceError, match=str(code)):
        await fetch(server, target, status(code))
    assert len(server.asked(PATH)) == 1


@pytest.mark.parametrize(
    "wrong",
    [html, instead(CONTENT[:HALF]), instead(CONTENT[:-8] + bytes(8)), instead(b"")],
    ids=["html", "cut", "crc", "empty"],
)
async def test_what_does_not_verify_is_downloaded_once_more(server: Server, target: Path, wrong: Behaviour) -> None:
    await fetch(server, target, wrong)
    assert target.read_bytes() == CONTENT
    assert len(server.asked(PATH)) == 2


async def test_what_does_not_verify_twice_is_an_error_and_leaves_nothing(server: Server, target: Path) -> None:
    with pytest.raises(CorruptError, match="is not gzip: it begins with '<!DOCTYPE html"):
        await fetch(server, target, html, html)
    assert len(server.asked(PATH)) == 2
    assert left_behind(target) == []


async def test_what_was_there_stays_until_the_new_one_is_whole(server: Server, target: Path) -> None:
    before = await fetch(server, target, content=OTHER)
    with pytest.raises(CorruptError):
        await fetch(server, target, html, html)
    assert target.read_bytes() == OTHER
    assert FileFacts.read(target) == before


async def test_progress_counts_up_to_the_whole(server: Server, target: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    server.files[PATH] = File(CONTENT)
    server.script[PATH] = [cut(HALF)]
    async with Client(Settings.load()) as client:
        await download(client, server.url + PATH, target, verify_gzip, lambda *now: seen.append(now))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT))


async def test_nobody_there(target: Path) -> None:
    async with Client(Settings.load(attempts=2)) as client:
        with pytest.raises(UnreachableError, match="connection failed"):
            await download(client, "http://127.0.0.1:1/dump.gz", target, verify_gzip)


@pytest.mark.parametrize(
    "address",
    ["http://", "http://exa mple:99999/x", "http://a..b/x", "http://u%3Ap@127.0.0.1/x", "http://€:p@127.0.0.1/x"],
)
async def test_addresses_that_are_none(target: Path, address: str) -> None:
    async with Client(Settings.load(attempts=2)) as client:
        with pytest.raises(SourceError):
            await download(client, address, target, verify_gzip)


async def test_secrets_in_addresses_are_not_kept(server: Server, target: Path) -> None:
    server.files[PATH] = File(CONTENT)
    address = server.url.replace("//", "//user:secret@") + PATH + "?token=secret"
    async with Client(Settings.load()) as client:
        facts = await download(client, address, target, verify_gzip)
        assert "Authorization" in server.asked(PATH)[0]
        server.script[PATH] = [status(400)]
        with pytest.raises(SourceError) as caught:
            await download(client, address, target, verify_gzip)
    assert facts.address == server.url + PATH
    assert "secret" not in sidecar(target).read_text() + str(caught.value)


async def test_other_file_systems(target: Path) -> None:
    fsspec.filesystem("memory").pipe_file("/mirror/dump.gz", CONTENT)
    async with Client(Settings.load()) as client:
        facts = await download(client, "memory://mirror/dump.gz", target, verify_gzip)
        with pytest.raises(NotFoundError):
            await download(client, "memory://mirror/nothing.gz", target, verify_gzip)
    assert target.read_bytes() == CONTENT
    assert facts.address == "memory://mirror/dump.gz"


class Moody(fsspec.AbstractFileSystem):  # type: ignore[misc]  # it ships no types
    """A file system with one file, which fails for its first steps, or never answers."""

    protocol = "moody"
    cachable = False
    failures: ClassVar[list[Exception]] = []
    answers = Event()

    def info(self, path: str, **_: object) -> dict[str, object]:
        """Tell of the file."""
        self.answers.wait()
        if self.failures:
            raise self.failures.pop()
        return {"name": path, "size": len(CONTENT), "type": "file"}

    def _open(self, *_: object, **__: object) -> BytesIO:
        return BytesIO(CONTENT)


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Moody]]:
    """Give the file system, in a mood to answer."""
    fsspec.register_implementation("moody", Moody, clobber=True)
    monkeypatch.setattr(Moody, "answers", Event())
    Moody.answers.set()
    yield Moody
    Moody.answers.set()
    Moody.failures.clear()


async def fetch_moody(target: Path) -> FileFacts:
    settings = Settings.load(attempts=3, connect_timeout=0.1, read_timeout=0.1)
    async with Client(settings) as client:
        return await download(client, "moody://mirror/dump.gz", target, verify_gzip)


@pytest.mark.parametrize(
    "failure", [OSError(errno.EBUSY, "Please reduce your request rate."), TimeoutError(), ConnectionResetError()]
)
async def test_other_file_systems_are_tried_again_too(target: Path, moody: type[Moody], failure: Exception) -> None:
    moody.failures[:] = [failure] * 2
    assert (await fetch_moody(target)).bytes == len(CONTENT)
    moody.failures[:] = [failure] * 3
    with pytest.raises(UnreachableError, match="moody://mirror/dump.gz(: connection failed| did not answer)"):
        await fetch_moody(target)


async def test_other_file_systems_are_not_tried_again_in_vain(target: Path, moody: type[Moody]) -> None:
    moody.failures[:] = [PermissionError("no"), PermissionError("no")]
    with pytest.raises(SourceError, match="cannot read moody://mirror/dump.gz: no"):
        await fetch_moody(target)
    assert len(moody.failures) == 1


async def test_other_file_systems_have_time_outs(target: Path, moody: type[Moody]) -> None:
    moody.answers.clear()
    with pytest.raises(UnreachableError, match="did not answer in time"):
        await fetch_moody(target)
    assert left_behind(target) == []


async def test_a_cache_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write the cache folder") as caught:
        await fetch(server, tmp_path / "file" / "dump.gz")
    assert caught.value.setting == "cache_dir"


def test_a_full_disk_says_how_to_free_space() -> None:
    """/dev/full is the file on which every write fails for want of space."""
    with pytest.raises(OutputError, match="No space left") as caught, translate_cache_errors(Path("/dev")):
        Path("/dev/full").write_bytes(b"x")
    assert caught.value.remedy == "prune_cache"
