"""Any file system that fsspec knows, such as S3. Its calls may never return, so each has a time limit."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO

from pvtop.core.address import public, redacted
from pvtop.core.errors import NotFoundError, SourceError, UnreachableError
from pvtop.storage.deadline import start_daemon
from pvtop.storage.filesystem import ABSENT, FileSystem, T
from pvtop.storage.http import HINT, Client


class RemoteFileSystem(FileSystem):
    """Any address that fsspec knows, such as `s3://bucket/prefix`. A step with it may never be answered."""

    def __init__(self, address: str, timeout: float) -> None:
        super().__init__(address, timeout)
        from fsspec.core import url_to_fs

        with self.translate_errors("opened"):
            self._files, self._root = self._deadline.call(url_to_fs, address)

    def prepare(self) -> None:
        """See that it answers; a bucket is not made."""
        with self.translate_errors("written"):
            self._do(self._files.exists, self._root)

    def read(self, path: str, reader: Callable[[BinaryIO], T]) -> T | None:
        """Open a file."""
        with self.translate_errors("read"), contextlib.suppress(*ABSENT):
            return self._do(partial(self._opened, path, reader))
        return None

    def _opened(self, path: str, reader: Callable[[BinaryIO], T]) -> T:
        with self._files.open(self._full(path), "rb") as file:
            return reader(file)

    def exists(self, path: str) -> bool:
        """Look a file up; unlike fsspec's own `exists`, this fails where it cannot be told."""
        with self.translate_errors("read"), contextlib.suppress(FileNotFoundError):
            self._do(self._files.info, self._full(path))
            return True
        return False

    def names(self, folder: str) -> list[str]:
        """List a folder."""
        with self.translate_errors("read"), contextlib.suppress(FileNotFoundError):
            paths = self._do(partial(self._files.ls, self._full(folder), detail=False))
            return [path.rstrip("/").rpartition("/")[2] for path in paths]
        return []

    def find(self, folder: str) -> dict[str, datetime | None]:
        """List a prefix."""
        with self.translate_errors("read"):
            self._files.invalidate_cache()
            found = self._do(partial(self._files.find, self._full(folder), detail=True))
        return {path.removeprefix(f"{self._root}/"): _changed(facts) for path, facts in found.items()}

    @contextlib.contextmanager
    def exclusive_lock(self, path: str) -> Iterator[None]:  # noqa: ARG002 - buckets know no such thing
        """Do nothing."""
        yield

    @contextlib.contextmanager
    def stage(self, path: str, content: bytes) -> Iterator[Callable[[], object]]:
        """Yield a function that writes the object, which appears when it is whole."""
        yield partial(self._do, self._files.pipe_file, self._full(path), content)

    def remove(self, path: str) -> None:
        """Remove an object."""
        with self.translate_errors("written"), contextlib.suppress(FileNotFoundError):
            self._do(self._files.rm_file, self._full(path))

    def _do(self, step: Callable[..., T], *args: object) -> T:
        """Do a step in a thread that can be left behind: file systems' own libraries wait for long."""
        return self._deadline.call(step, *args)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"


def _changed(facts: Mapping[str, Any]) -> datetime | None:
    """Read a file's time as file systems tell it: seconds, or a time under their own name for it."""
    time = facts.get("mtime") or facts.get("LastModified") or facts.get("created")
    return datetime.fromtimestamp(time, UTC) if isinstance(time, int | float) else time


PASSING = {errno.EBUSY, errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EHOSTUNREACH}


async def fsspec_step(client: Client, address: str, step: Callable[..., T], *args: object) -> T:
    """Do one step with a file system of fsspec, in a thread that is left to itself when it takes too long.

    Raises:
        MissingError, UnreachableError, SourceError: By what went wrong; a step that takes too long is the second.
    """
    with translate_fsspec_errors(address):
        return await asyncio.wait_for(asyncio.wrap_future(start_daemon(step, *args)), client.settings.timeout)


@contextlib.contextmanager
def translate_fsspec_errors(address: str) -> Iterator[None]:
    """Turn what a file system of fsspec raises into our words.

    Raises:
        MissingError: There is no such file.
        UnreachableError: A failure that may pass: no connection, a server that is busy, a step that took too long.
        SourceError: Any other: file systems raise what their libraries do, so nothing narrower will do.
    """
    shown = public(address)
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"{shown} does not exist") from error
    except ImportError as error:
        raise SourceError(
            f"{shown} needs a package that is not installed: {error}", "for s3: pip install pvtop[s3]"
        ) from error
    except Exception as error:
        if isinstance(error, TimeoutError):
            raise UnreachableError(f"{shown} did not answer in time", HINT) from error
        reason = redacted(str(error)) or type(error).__name__
        if isinstance(error, ConnectionError) or getattr(error, "errno", None) in PASSING:
            raise UnreachableError(f"{shown} cannot be reached or broke off: {reason}", HINT) from error
        raise SourceError(f"{shown} cannot be read: {reason}", "check the address and the credentials") from error
