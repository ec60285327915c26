"""One transfer into the cache: polite, resumed where it broke off, verified, and only then under its final name."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from pvtop.core.address import is_http, public
from pvtop.core.errors import CorruptError, OutputError, RangeError, SourceError, UnreachableError
from pvtop.sources.source import fsspec_step
from pvtop.storage.atomic import become, hint, temporary, write_whole
from pvtop.storage.deadline import start
from pvtop.storage.http import Client

if TYPE_CHECKING:
    import aiohttp

CHUNK = 1 << 20  # of file systems, where each is a step of its own
PARTIAL_CONTENT = 206

log = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]
"""Called with the bytes received and the bytes expected, None where the server does not say."""

Verify = Callable[[Path, str], str]
"""Gives a file's sha256 in hex; raises CorruptError where it is not what it should be and may be so the next time, or
another error of ours where that would not help.

Called with the path of the file and the address it came from, for the message."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a downloaded file; kept beside it, as JSON.

    Attributes:
        address: Where it came from, without secrets.
        bytes: Its size.
        sha256: In hex.
        etag: The server's ETag, None where it gave none.
        last_modified: The server's Last-Modified, as sent, None where it gave none.
    """

    address: str
    bytes: int
    sha256: str
    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read the facts kept beside a file; None where there are none that can be read."""
        try:
            facts = cls(**json.loads(sidecar(path).read_text()))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        texts = (facts.address, facts.sha256, facts.etag or "", facts.last_modified or "")
        sound = type(facts.bytes) is int and all(isinstance(text, str) for text in texts)
        return facts if sound else None


def sidecar(path: Path) -> Path:
    """Give the place of a file's facts."""
    return path.with_name(path.name + ".json")


async def download(
    client: Client, address: str, target: Path, verify: Verify, progress: Progress | None = None
) -> Facts:
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
            file = stack.enter_context(temporary(target))
        for last in (False, True):
            transfer = _Transfer(client, address, file, progress or (lambda *_: None))
            async with client.transferring:
                await transfer.run()
            try:
                digest = await asyncio.wrap_future(start(verify, Path(file.name), public(address)))
                break
            except CorruptError as error:
                if last:
                    raise
                log.warning("%s; downloading it once more", error)
        facts = Facts(public(address), transfer.received, digest, transfer.etag, transfer.last_modified)
        _finish(file, target, facts)
    return facts


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a failure to write below the cache folder into what to tell the user.

    Raises:
        OutputError: The folder cannot be written, or the disk is full.
    """
    try:
        yield
    except OSError as error:
        what_to_do = hint(error, "choose another folder with --cache-dir")
        raise OutputError(f"the cache folder {folder} cannot be written: {error.strerror}", what_to_do) from error


def _finish(file: BinaryIO, target: Path, facts: Facts) -> None:
    """Give a file its final name, its facts first: a file without fitting facts counts as not there."""
    with writing(target.parent):
        write_whole(sidecar(target), (json.dumps(asdict(facts), indent=1) + "\n").encode())
        become(file, target)


class _Transfer:
    """One file on its way, over as many connections as it takes."""

    def __init__(self, client: Client, address: str, file: BinaryIO, progress: Progress) -> None:
        self.client = client
        self.address = address
        self.file = file
        self.most = client.settings.max_download
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
        if max(self.received, expected or 0) > self.most:
            raise SourceError(
                f"{public(self.address)} is longer than {self.most:,} bytes",
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
        while chunk := await fsspec_step(self.client, self.address, remote.read, CHUNK):
            self._take(chunk, facts.get("size"))
        await fsspec_step(self.client, self.address, remote.close)


def _total(headers: Mapping[str, str]) -> int | None:
    """Read how long the whole is that a part is of; None where it is not told."""
    total = headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isascii() and total.isdigit() and len(total) < 20 else None  # noqa: PLR2004
