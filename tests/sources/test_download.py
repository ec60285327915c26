"""Downloads from a server on loopback and from other file systems."""

from __future__ import annotations

import asyncio
import errno
import gzip
import random
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import ClassVar

import fsspec
import pytest
from aiohttp import web

from pvtop.core.address import Address
from pvtop.core.errors import CorruptError, NotFoundError, OutputError, SourceError, UnreachableError
from pvtop.settings import Settings
from pvtop.sources.download import download
from pvtop.sources.facts import FileFacts, sidecar
from pvtop.storage.gzip import sha256_of, verify_gzip
from pvtop.storage.http import Client
from pvtop.storage.retries import PROGRESS_BYTES
from support.clock import LoopClock
from support.server.behaviours import chunked, cut, html, instead, spliced, stall, status
from support.server.files import Behaviour, File, Server, start_response

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
    async with Client(Settings.load(**{"attempts": 4} | settings)) as client:
        return await download(client, Address.at(server.url + PATH), target, verify_gzip)


def left_behind(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir()) if target.parent.exists() else []


async def test_download_writes_the_file_and_its_facts(server: Server, target: Path) -> None:
    facts = await fetch(server, target)
    assert target.read_bytes() == CONTENT
    expected = server.files[PATH].headers
    assert facts == FileFacts(
        server.url + PATH, len(CONTENT), sha256_of(target), expected["ETag"], expected["Last-Modified"]
    )
    assert FileFacts.read(target) == facts
    assert left_behind(target) == ["dump.gz", "dump.gz.json"]


async def test_user_agent_names_the_contact(server: Server, target: Path) -> None:
    await fetch(server, target, contact="me@example.org")
    (headers,) = server.asked(PATH)
    assert headers["User-Agent"].startswith("pvtop/")
    assert " (me@example.org) aiohttp/" in headers["User-Agent"]


@pytest.mark.parametrize(("trouble", "read_timeout"), [(cut(HALF), 60), (stall(HALF), 1)], ids=["cut", "stall"])
async def test_download_resumes_where_it_stopped(
    server: Server, target: Path, trouble: Behaviour, read_timeout: float
) -> None:
    facts = await fetch(server, target, trouble, read_timeout=read_timeout)
    assert target.read_bytes() == CONTENT
    assert facts.bytes == len(CONTENT)
    first, second, *_ = server.asked(PATH)  # on a slow machine, the second answer may time out, too
    assert "Range" not in first
    assert second["Range"] == f"bytes={HALF}-"
    assert second["If-Range"] == facts.etag


async def test_download_may_take_longer_than_the_timeouts(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's clock is set forward after each of ten parts, by less than the read time-out."""
    settings, clock, arrived = Settings.load(attempts=1), LoopClock(monkeypatch), Event()
    part = len(CONTENT) // 10 + 1

    async def slow(request: web.Request, file: File) -> web.StreamResponse:
        response, body = await start_response(request, file)
        for place in range(0, len(body), part):
            arrived.clear()
            await response.write(body[place : place + part])
            await asyncio.to_thread(arrived.wait, 60)
            clock.ahead += settings.read_timeout / 2
        return response

    def progress(received: int, _: int | None) -> None:
        if received % part == 0 or received == len(CONTENT):
            arrived.set()

    server.files[PATH] = File(CONTENT)
    server.script[PATH] = [slow]
    async with Client(settings) as client:
        await download(client, Address.at(server.url + PATH), target, verify_gzip, progress)
    assert clock.ahead > settings.timeout
    assert target.read_bytes() == CONTENT


async def test_file_that_changes_during_a_download_is_downloaded_from_the_start(server: Server, target: Path) -> None:
    facts = await fetch(server, target, cut(HALF), instead(OTHER))
    assert target.read_bytes() == OTHER
    assert facts.bytes == len(OTHER)
    assert facts.etag == File(OTHER).headers["ETag"]


@pytest.mark.parametrize(
    "other",
    [
        spliced("Last-Modified", later=60),
        spliced("Last-Modified", change=lambda content: content + b"longer"),
        spliced("ETag", change=lambda content: content[::-1]),
        spliced("ETag", "Last-Modified", change=lambda content: content[::-1]),
        spliced("ETag", "Last-Modified", later=60, change=lambda content: content + b"longer"),
    ],
    ids=["time", "length", "ETag", "ETag but not the time", "all"],
)
async def test_download_does_not_resume_with_another_file(server: Server, target: Path, other: Behaviour) -> None:
    """A server may ignore If-Range, so the validators of its answer are compared."""
    server.files[PATH] = File(CONTENT)
    server.script[PATH] = [other, other]
    async with Client(Settings.load()) as client:
        await download(client, Address.at(server.url + PATH), target, lambda path, _: sha256_of(path))
    assert target.read_bytes() == CONTENT
    assert ["Range" in headers for headers in server.asked(PATH)] == [False, True, False]


async def test_download_without_validators_starts_again(server: Server, target: Path) -> None:
    server.files[PATH] = File(CONTENT, validators=())
    server.script[PATH] = [cut(HALF)]
    async with Client(Settings.load()) as client:
        facts = await download(client, Address.at(server.url + PATH), target, verify_gzip)
    assert target.read_bytes() == CONTENT
    assert (facts.etag, facts.last_modified) == (None, None)
    assert "Range" not in server.asked(PATH)[1]


async def test_download_starts_again_if_the_server_ignores_ranges(server: Server, target: Path) -> None:
    await fetch(server, target, cut(HALF), instead(CONTENT, ranges=False))
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("code", [202, 204, 206, 304])
async def test_unexpected_status_is_a_source_error(server: Server, target: Path, code: int) -> None:
    with pytest.raises(SourceError, match=str(code)):
        await fetch(server, target, status(code))
    assert left_behind(target) == []


async def test_refused_range_is_downloaded_from_the_start(server: Server, target: Path) -> None:
    await fetch(server, target, cut(HALF), status(416))
    assert target.read_bytes() == CONTENT
    assert "Range" not in server.asked(PATH)[2]


async def test_wrong_part_is_not_appended(server: Server, target: Path) -> None:
    await fetch(server, target, cut(HALF), status(206, Content_Range=f"bytes 0-9/{len(CONTENT)}"))
    assert target.read_bytes() == CONTENT


async def test_download_accepts_a_body_of_unknown_length(server: Server, target: Path) -> None:
    assert (await fetch(server, target, chunked)).bytes == len(CONTENT)


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
async def test_temporary_status_is_retried(server: Server, target: Path, code: int) -> None:
    await fetch(server, target, status(code), status(code))
    assert len(server.asked(PATH)) == 3
    assert target.read_bytes() == CONTENT


async def test_download_gives_up_after_its_attempts(server: Server, target: Path) -> None:
    with pytest.raises(UnreachableError, match=r"unavailable \(503\)"):
        await fetch(server, target, *[status(503)] * 9)
    assert len(server.asked(PATH)) == 4
    assert left_behind(target) == []


async def test_attempts_that_make_progress_do_not_count(server: Server, target: Path) -> None:
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


async def test_too_long_file_is_refused_before_its_download(server: Server, target: Path) -> None:
    with pytest.raises(SourceError, match="is longer than 900,000 bytes") as caught:
        await fetch(server, target, max_download=900_000)
    assert caught.value.setting == "max_download"
    assert len(server.asked(PATH)) == 1
    assert left_behind(target) == []


async def test_retry_after_may_be_a_date(server: Server, target: Path) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    await fetch(server, target, status(503, Retry_After=past))
    assert len(server.asked(PATH)) == 2


async def test_retry_after_is_relative_to_the_date_of_the_server(server: Server, target: Path) -> None:
    asked = {"Retry_After": "Fri, 01 Jan 2100 00:00:01 GMT", "Date": "Fri, 01 Jan 2100 00:00:00 GMT"}
    await fetch(server, target, status(503, **asked))
    assert len(server.asked(PATH)) == 2


async def test_retry_after_of_an_hour_is_a_source_error(server: Server, target: Path) -> None:
    with pytest.raises(SourceError, match=r"\(429\)") as caught:
        await fetch(server, target, status(429, Retry_After="3600"))
    assert "3,600 s" in caught.value.hint
    assert len(server.asked(PATH)) == 1


async def test_status_403_is_not_retried_and_names_the_contact(server: Server, target: Path) -> None:
    with pytest.raises(SourceError, match=r"\(403\)") as caught:
        await fetch(server, target, status(403))
    assert caught.value.setting == "contact"
    assert len(server.asked(PATH)) == 1


@pytest.mark.parametrize("code", [404, 410])
async def test_missing_file_is_not_retried(server: Server, target: Path, code: int) -> None:
    with pytest.raises(NotFoundError):
        await fetch(server, target, status(code))
    assert len(server.asked(PATH)) == 1
    assert left_behind(target) == []


@pytest.mark.parametrize("code", [400, 401, 416, 501])
async def test_permanent_status_is_not_retried(server: Server, target: Path, code: int) -> None:
    with pytest.raises(SourceError, match=str(code)):
        await fetch(server, target, status(code))
    assert len(server.asked(PATH)) == 1


@pytest.mark.parametrize(
    "wrong",
    [html, instead(CONTENT[:HALF]), instead(CONTENT[:-8] + bytes(8)), instead(b"")],
    ids=["html", "cut", "crc", "empty"],
)
async def test_invalid_file_is_downloaded_once_more(server: Server, target: Path, wrong: Behaviour) -> None:
    await fetch(server, target, wrong)
    assert target.read_bytes() == CONTENT
    assert len(server.asked(PATH)) == 2


async def test_file_that_is_invalid_twice_is_an_error(server: Server, target: Path) -> None:
    with pytest.raises(CorruptError, match="is not gzip: it begins with '<!DOCTYPE html"):
        await fetch(server, target, html, html)
    assert len(server.asked(PATH)) == 2
    assert left_behind(target) == []


async def test_failed_download_keeps_the_old_file(server: Server, target: Path) -> None:
    before = await fetch(server, target, content=OTHER)
    with pytest.raises(CorruptError):
        await fetch(server, target, html, html)
    assert target.read_bytes() == OTHER
    assert FileFacts.read(target) == before


async def test_progress_ends_at_the_size_of_the_file(server: Server, target: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    server.files[PATH] = File(CONTENT)
    server.script[PATH] = [cut(HALF)]
    async with Client(Settings.load()) as client:
        await download(client, Address.at(server.url + PATH), target, verify_gzip, lambda *now: seen.append(now))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT))


async def test_refused_connection_is_an_unreachable_error(target: Path) -> None:
    async with Client(Settings.load(attempts=2)) as client:
        with pytest.raises(UnreachableError, match="connection failed"):
            await download(client, Address.at("http://127.0.0.1:1/dump.gz"), target, verify_gzip)


@pytest.mark.parametrize(
    "address",
    ["http://", "http://exa mple:99999/x", "http://a..b/x", "http://u%3Ap@127.0.0.1/x", "http://€:p@127.0.0.1/x"],
)
async def test_invalid_address_is_a_source_error(target: Path, address: str) -> None:
    async with Client(Settings.load(attempts=2)) as client:
        with pytest.raises(SourceError):
            await download(client, Address.at(address), target, verify_gzip)


async def test_facts_and_errors_contain_no_secrets(server: Server, target: Path) -> None:
    server.files[PATH] = File(CONTENT)
    address = server.url.replace("//", "//user:secret@") + PATH + "?token=secret"
    async with Client(Settings.load()) as client:
        facts = await download(client, Address.at(address), target, verify_gzip)
        assert "Authorization" in server.asked(PATH)[0]
        server.script[PATH] = [status(400)]
        with pytest.raises(SourceError) as caught:
            await download(client, Address.at(address), target, verify_gzip)
    assert facts.address == server.url + PATH
    assert "secret" not in sidecar(target).read_text() + str(caught.value)


async def test_nothing_of_another_servers_answer_is_quoted(
    server: Server, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Server() as other:
        other.files[PATH] = File(b"honeypot")
        server.always[PATH] = status(302, Location=other.url + PATH)
        with pytest.raises(CorruptError, match="redirects to another server, which sent a file that is not") as caught:
            await fetch(server, target)
    told = "".join(traceback.format_exception(caught.value))
    assert "honeypot" not in told + caplog.text
    assert caught.value.hint
    assert left_behind(target) == []


@pytest.mark.parametrize("part", ["all", "first", "rest"])
async def test_facts_record_that_any_part_came_from_another_server(server: Server, target: Path, part: str) -> None:
    with Server() as other:
        away = status(302, Location=other.url + PATH)
        other.files[PATH] = server.files[PATH] = File(CONTENT)
        if part == "rest":
            facts = await fetch(server, target, cut(HALF), away)
        else:
            other.script[PATH] = [cut(HALF)] if part == "first" else []
            facts = await fetch(server, target, away)
    assert facts.redirected
    assert FileFacts.read(target) == facts
    assert [bool(asked.get("Range")) for asked in server.asked(PATH)] == [False] + [True] * (part != "all")


async def test_file_sent_again_from_its_start_is_not_redirected(server: Server, target: Path) -> None:
    with Server() as other:
        other.files[PATH] = File(OTHER)
        other.script[PATH] = [cut(HALF // 2)]
        facts = await fetch(server, target, status(302, Location=other.url + PATH))
    assert not facts.redirected
    assert target.read_bytes() == CONTENT


async def test_download_reads_other_file_systems(target: Path) -> None:
    fsspec.filesystem("memory").pipe_file("/mirror/dump.gz", CONTENT)
    async with Client(Settings.load()) as client:
        facts = await download(client, Address.at("memory://mirror/dump.gz"), target, verify_gzip)
        with pytest.raises(NotFoundError):
            await download(client, Address.at("memory://mirror/nothing.gz"), target, verify_gzip)
    assert target.read_bytes() == CONTENT
    assert facts.address == "memory://mirror/dump.gz"


class Moody(fsspec.AbstractFileSystem):  # type: ignore[misc]  # it ships no types
    """A file system with one file. Its first calls may fail, or never answer."""

    protocol = "moody"
    cachable = False
    failures: ClassVar[list[Exception]] = []
    answers = Event()
    file: Callable[[], BytesIO] = staticmethod(lambda: BytesIO(CONTENT))

    def info(self, path: str, **_: object) -> dict[str, object]:
        """Return the size of the file, or raise the next failure."""
        self.answers.wait()
        if self.failures:
            raise self.failures.pop()
        return {"name": path, "size": len(CONTENT), "type": "file"}

    def _open(self, *_: object, **__: object) -> BytesIO:
        return self.file()


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Moody]]:
    """Yield the file system, which answers at first."""
    fsspec.register_implementation("moody", Moody, clobber=True)
    monkeypatch.setattr(Moody, "answers", Event())
    Moody.answers.set()
    yield Moody
    Moody.answers.set()
    Moody.failures.clear()


async def fetch_moody(target: Path, **settings: object) -> FileFacts:
    async with Client(Settings.load(**{"attempts": 3} | settings)) as client:
        return await download(client, Address.at("moody://mirror/dump.gz"), target, verify_gzip)


@pytest.mark.parametrize(
    "failure", [OSError(errno.EBUSY, "Please reduce your request rate."), TimeoutError(), ConnectionResetError()]
)
async def test_temporary_error_of_a_file_system_is_retried(
    target: Path, moody: type[Moody], failure: Exception
) -> None:
    moody.failures[:] = [failure] * 2
    assert (await fetch_moody(target)).bytes == len(CONTENT)
    moody.failures[:] = [failure] * 3
    with pytest.raises(UnreachableError, match="moody://mirror/dump.gz(: connection failed| did not answer)"):
        await fetch_moody(target)


async def test_permanent_error_of_a_file_system_is_not_retried(target: Path, moody: type[Moody]) -> None:
    moody.failures[:] = [PermissionError("no"), PermissionError("no")]
    with pytest.raises(SourceError, match="cannot read moody://mirror/dump.gz: no"):
        await fetch_moody(target)
    assert len(moody.failures) == 1


async def test_silent_file_system_times_out(target: Path, moody: type[Moody]) -> None:
    moody.answers.clear()
    with pytest.raises(UnreachableError, match="did not answer in time"):
        await fetch_moody(target, connect_timeout=0.1, read_timeout=0.1)
    assert left_behind(target) == []


async def test_refused_thread_is_an_error_of_the_source(
    target: Path, moody: type[Moody], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    assert moody.answers.is_set()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(SourceError, match="^cannot read moody://mirror/dump.gz: can't start new thread"):
        await fetch_moody(target)
    assert left_behind(target) == []


async def test_cancelled_download_does_not_wait_for_a_silent_file(
    target: Path, moody: type[Moody], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers, before = Event(), Event(), set(threading.enumerate())

    class Silent(BytesIO):
        def read(self, _: int | None = -1, /) -> bytes:
            asked.set()
            answers.wait()
            return b""

    monkeypatch.setattr(moody, "file", staticmethod(Silent))
    download_ = asyncio.create_task(fetch_moody(target, connect_timeout=20, read_timeout=20))
    await asyncio.to_thread(asked.wait)
    download_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await download_
    left = [thread.name for thread in set(threading.enumerate()) - before]
    answers.set()
    assert left.count("pvtop-step") >= 2, "one waits for the other, and nobody for them"
    assert left_behind(target) == []


async def test_unwritable_cache_is_an_output_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write the cache folder") as caught:
        await fetch(server, tmp_path / "file" / "dump.gz")
    assert caught.value.setting == "cache_dir"
