"""One transfer into the cache: polite, resumed where it broke off, verified, and only then under its final name."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pvtop.core.address import is_http, public
from pvtop.core.errors import CorruptError, RangeError, SourceError, UnreachableError
from pvtop.sources.facts import FileFacts, sidecar, writing
from pvtop.storage.atomic import commit, temporary_file, write_atomic
from pvtop.storage.deadline import start_daemon
from pvtop.storage.http import Client
from pvtop.storage.remote import fsspec_step

if TYPE_CHECKING:
    import aiohttp

REMOTE_READ_BYTES = 1 << 20  # of file systems, where each is a step of its own
PARTIAL_CONTENT = 206

log = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]
"""Called with the bytes received and the bytes expected, None where the server does not say."""

Verify = Callable[[Path, str], str]
"""Gives a file's sha256 in hex; raises CorruptError where it is not what it should be and may be so the next time, or
another error of ours where that would not help.

Called with the path of the file and the address it came from, for the message."""


async def download(
    client: Client, address: str, target: Path, verify: Verify, progress: Progress | None = None
) -> FileFacts:
    """Download a file to `target`, with its facts beside it. What was there before stays until the new one is whole.

    A transfer that breaks off is taken up where it broke, as long as the server says that the file is the same.
    A file that arrives whole but does not verify is downloaded once more.

    Args:
        client: Whose connections are used.
        address: An http(s) address, or one that fsspec knows.
        target: Where the file goes.
        verify: Checks the file before it gets its name.
        progress: Told of every chunk.

    Raises:
        MissingError: There is no such file.
        CorruptError: What arrived is, twice, not what it should be.
        UnreachableError: The server could not be reached, or broke off again and again.
        SourceError: The server refused, the address is wrong, or the file is too long.
        OutputError: The cache folder could not be written.
    """
    with contextlib.ExitStack() as stack:
        with writing(target.parent):
            file = stack.enter_context(temporary_file(target))
        for last in (False, True):
            transfer = _Transfer(client, address, file, progress or (lambda *_: None))
            async with client.transferring:
                await transfer.run()
            try:
                digest = await asyncio.wrap_future(start_daemon(verify, Path(file.name), public(address)))
                break
            except CorruptError as error:
                if last:
                    raise
                log.warning("%s; downloading it once more", error)
        facts = FileFacts(public(address), transfer.received, digest, transfer.etag, transfer.last_modified)
        _finish(file, target, facts)
    return facts


def _finish(file: BinaryIO, target: Path, facts: FileFacts) -> None:
    """Give a file its final name, its facts first: a file without fitting facts counts as not there."""
    with writing(target.parent):
        write_atomic(sidecar(target), (json.dumps(asdict(facts), indent=1) + "\n").encode())
        commit(file, target)


class _Transfer:
    """One file on its way, over as many connections as it takes."""

    def __init__(self, client: Client, address: str, file: BinaryIO, progress: Progress) -> None:
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
        with writing(Path(self.file.name).parent):
            self.file.seek(0)
            self.file.truncate()
        self.received = 0

    async def run(self) -> None:
        attempt_at = self._over_http if is_http(self.address) else self._over_fsspec
        async for attempt in self.client.retries(lambda: self.received):
            with attempt:
                await attempt_at()

    async def _over_http(self) -> None:
        try:
            async with self.client.get(self.address, self._resume()) as response:
                expected = self._begin(response)
                async for chunk in self.client.chunks(response):
                    self._take(chunk, expected)
        except RangeError:
            self.restart()
            raise
        if expected is not None and self.received != expected:
            raise UnreachableError(f"{public(self.address)} ended after {self.received:,} of {expected:,} bytes")

    def _resume(self) -> dict[str, str]:
        """Ask for the rest of what is here, on the condition that the file is still the same."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        validator = strong or self.last_modified
        if not self.received or not validator:
            return {}
        return {"Range": f"bytes={self.received}-", "If-Range": validator}

    def _begin(self, response: aiohttp.ClientResponse) -> int | None:
        """Take up what is here, or start again; give how long the whole is, where the server says.

        Raises:
            RangeError: The server sends a part, but not the one that is missing.
        """
        if response.status == PARTIAL_CONTENT:
            if not self._continues(response.headers):
                raise RangeError(f"{public(self.address)} sends another part than it was asked for")
            self.total = self.total or _total(response.headers)
            return self.total
        self.restart()
        self.etag = response.headers.get("ETag")
        self.last_modified = response.headers.get("Last-Modified")
        self.total = response.content_length
        return self.total

    def _continues(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a part goes on where the file ends; and whether it is of the same file, as far as it tells."""
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
                f"{public(self.address)} is longer than {self.max_bytes:,} bytes",
                "check the address; PVTOP_MAX_DOWNLOAD raises the limit",
            )
        with writing(Path(self.file.name).parent):
            self.file.write(chunk)
            self.file.flush()
        self.progress(self.received, expected)

    async def _over_fsspec(self) -> None:
        from fsspec.core import url_to_fs

        self.restart()
        filesystem, path = await fsspec_step(self.client, self.address, url_to_fs, self.address)
        facts = await fsspec_step(self.client, self.address, filesystem.info, path)
        self.etag = facts.get("ETag")
        remote = await fsspec_step(self.client, self.address, filesystem.open, path, "rb")
        while chunk := await fsspec_step(self.client, self.address, remote.read, REMOTE_READ_BYTES):
            self._take(chunk, facts.get("size"))
        await fsspec_step(self.client, self.address, remote.close)


def _total(headers: Mapping[str, str]) -> int | None:
    """Read how long the whole is that a part is of; None where it is not told."""
    total = headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isascii() and total.isdigit() and len(total) < 20 else None  # noqa: PLR2004
