"""Download a file into the cache: resume it if the connection is lost, verify it, then give it its final name."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pvtop.core.address import Address
from pvtop.core.errors import CorruptError, PvtopError, RangeError, SourceError
from pvtop.sources.facts import FileFacts, sidecar, translate_cache_errors
from pvtop.sources.source import SOURCE, call_source, check_found
from pvtop.storage.atomic import commit, temporary_file, write_atomic
from pvtop.storage.deadline import await_daemon
from pvtop.storage.http import Client, is_elsewhere, unreachable
from pvtop.storage.registry import open_filesystem

if TYPE_CHECKING:
    import aiohttp

REMOTE_READ_BYTES = 1 << 20  # read at a time from fsspec, as each read is a call of its own
PARTIAL_CONTENT = 206

log = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far and the bytes expected, None if the server does not say."""

Verify = Callable[[Path, Address], str]
"""Called with the path of a file and its address (for messages); returns the sha256 of the file in hex.

Raises CorruptError if another download may help, and any other PvtopError if it would not."""


async def download(
    client: Client, address: Address, target: Path, verify: Verify, progress: Progress | None = None
) -> FileFacts:
    """Download a file to `target` and write its facts beside it. An earlier file stays until the new one is verified.

    An interrupted transfer is resumed if the server says that the file is still the same. A file that fails the
    verification is downloaded once more.

    Args:
        client: The client whose connections are used.
        address: An http(s) address, or any address that fsspec supports.
        target: The path of the file.
        verify: Verifies the file before it gets its final name.
        progress: Called after every chunk.

    Returns:
        The facts of the file.

    Raises:
        NotFoundError: The file does not exist.
        CorruptError: The file failed the verification twice.
        UnreachableError: All attempts failed: no connection, or the connection was lost again and again.
        SourceError: The server denied access, the address is wrong, or the file is too long.
        OutputError: The cache folder cannot be written.
    """
    client.check_online(address)
    log.info("downloading %s", address)
    with contextlib.ExitStack() as stack:
        with translate_cache_errors(target.parent):
            file = stack.enter_context(temporary_file(target))
        for last in (False, True):
            transfer = _Transfer(client, address, file, progress or (lambda *_: None))
            async with client.transferring:
                await transfer.run()
            try:
                digest = await _verified(transfer, verify)
                break
            except CorruptError as error:
                if last:
                    raise
                log.warning("%s; downloading it again", error)
        facts = transfer.facts(digest)
        _finish(file, target, facts)
    return facts


async def _verified(transfer: _Transfer, verify: Verify) -> str:
    """Verify a transferred file and return its digest.

    Raises:
        PvtopError: It failed the verification. If the file came from another server, the message quotes nothing of it:
            a redirect must not show what only this machine can read.
    """
    try:
        return await await_daemon(verify, Path(transfer.file.name), transfer.address)
    except PvtopError as error:
        if not transfer.redirected:
            raise
        message = f"{transfer.address} redirects to another server, which sent a file that is not valid"
        raise type(error)(message, error.hint, error.setting, error.remedy) from None


def _finish(file: BinaryIO, target: Path, facts: FileFacts) -> None:
    """Write the facts, then rename the file to the target. A file without matching facts counts as missing."""
    with translate_cache_errors(target.parent):
        write_atomic(sidecar(target), (json.dumps(asdict(facts), indent=1) + "\n").encode())
        commit(file, target)


class _Transfer:
    """The transfer of one file, over as many connections as it takes."""

    def __init__(self, client: Client, address: Address, file: BinaryIO, progress: Progress) -> None:
        self.client = client
        self.address = address
        self.file = file
        self.max_bytes = client.settings.max_download
        self.progress = progress
        self.etag: str | None = None
        self.last_modified: str | None = None
        self.total: int | None = None
        self.restart()

    def restart(self) -> None:
        with translate_cache_errors(Path(self.file.name).parent):
            self.file.seek(0)
            self.file.truncate()
        self.received = 0
        self.redirected = False

    def facts(self, sha256: str) -> FileFacts:
        """Return the facts of the file, which is complete and has this digest."""
        return FileFacts(str(self.address), self.received, sha256, self.etag, self.last_modified, self.redirected)

    async def run(self) -> None:
        attempt_at = self._over_http if self.address.is_http else self._over_fsspec
        async for attempt in self.client.retries(lambda: self.received):
            with attempt:
                await attempt_at()

    async def _over_http(self) -> None:
        try:
            async with self.client.get(self.address, self._resume()) as response:
                expected = self._begin(response)
                self.redirected |= is_elsewhere(response, self.address)  # of any part of the file
                async for chunk in self.client.chunks(response):
                    self._take(chunk, expected)
        except RangeError:
            self.restart()
            raise
        if expected is not None and self.received != expected:
            amount = f"{self.received:,} of {expected:,} bytes"
            raise unreachable(f"{self.address}: connection lost after {amount}")

    def _resume(self) -> dict[str, str]:
        """Return the headers that request the rest of the file, on condition that it is still the same."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        validator = strong or self.last_modified
        if not self.received or not validator:
            return {}
        return {"Range": f"bytes={self.received}-", "If-Range": validator}

    def _begin(self, response: aiohttp.ClientResponse) -> int | None:
        """Continue the file or start it again. Return the size of the whole file, None if the server does not say.

        Raises:
            RangeError: The server sent a different range from the one requested.
        """
        if response.status == PARTIAL_CONTENT:
            if not self._continues(response.headers):
                raise RangeError(f"{self.address}: the server sent a different range from the one requested")
            self.total = self.total or _total(response.headers)
            return self.total
        self.restart()
        self.etag = response.headers.get("ETag")
        self.last_modified = response.headers.get("Last-Modified")
        self.total = response.content_length
        return self.total

    def _continues(self, headers: Mapping[str, str]) -> bool:
        """Return whether a part starts where the file ends and belongs to the same file, as far as the headers show."""
        return (
            headers.get("Content-Range", "").startswith(f"bytes {self.received}-")
            and len({self.total, _total(headers)} - {None}) <= 1
            and headers.get("ETag", self.etag) == self.etag
            and headers.get("Last-Modified", self.last_modified) == self.last_modified
        )

    def _take(self, chunk: bytes, expected: int | None) -> None:
        self.received += len(chunk)
        if max(self.received, expected or 0) > self.max_bytes:
            raise SourceError(
                f"{self.address} is longer than {self.max_bytes:,} bytes",
                "check the address, or raise the limit",
                setting="max_download",
            )
        with translate_cache_errors(Path(self.file.name).parent):
            self.file.write(chunk)
            self.file.flush()
        self.progress(self.received, expected)

    async def _over_fsspec(self) -> None:
        self.restart()
        address, timeout = self.address, self.client.settings.timeout
        files = await call_source(address, open_filesystem, address, SOURCE, timeout)
        info = check_found(await call_source(address, files.look_up, ""), address)
        self.etag = info.etag
        remote = check_found(await call_source(address, files.open, ""), address)
        while chunk := await call_source(address, remote.read, REMOTE_READ_BYTES):
            self._take(chunk, info.size)  # after an error, the file stays open: a thread may still read it


def _total(headers: Mapping[str, str]) -> int | None:
    """Return the size of the whole file from the headers of a part, None if they do not say."""
    total = headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isascii() and total.isdigit() and len(total) < 20 else None  # noqa: PLR2004
