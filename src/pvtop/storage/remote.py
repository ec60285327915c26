"""Any file system that fsspec supports, such as S3. Its calls may never return, so each has a time limit."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from pvtop.core.address import Address
from pvtop.core.errors import NotFoundError, OutputError, SourceError
from pvtop.core.redaction import redacted
from pvtop.storage.deadline import Deadline, start_daemon
from pvtop.storage.filesystem import NO_SUCH_FILE, FileSystem, T
from pvtop.storage.http import Client, unreachable

PART_BYTES = 1 << 20  # read at a time from an open object
UPLOAD_BYTES = 8 << 20  # uploaded within one time limit; S3 refuses parts of less than 5 MiB
DISCARD_SECONDS = 5.0  # how long a failed upload is given to remove its parts


class RemoteFileSystem(FileSystem):
    """The file system of an address that fsspec supports, such as `s3://bucket/prefix`."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(address, timeout)
        from fsspec.core import url_to_fs

        with self.translate_errors("open"):
            self._files, self._root = self._deadline.call(url_to_fs, address.with_secrets())

    def prepare(self) -> None:
        """Check that the file system answers. Does not create a bucket."""
        with self.translate_errors("write"):
            self._call(self._files.exists, self._root)

    def read(self, path: str, reader: Callable[[BinaryIO], T]) -> T | None:
        """Open a file and return what `reader` returns for it, or None if the file does not exist."""
        with self.translate_errors("read"), contextlib.suppress(*NO_SUCH_FILE):
            return self._call(partial(self._open_and_read, path, reader))
        return None

    def _open_and_read(self, path: str, reader: Callable[[BinaryIO], T]) -> T:
        with self._files.open(self._full(path), "rb") as file:
            return reader(file)

    def exists(self, path: str) -> bool:
        """Return whether a file or folder exists. Unlike fsspec's `exists`, fail if the file system does not answer."""
        with self.translate_errors("read"), contextlib.suppress(FileNotFoundError):
            self._call(self._files.info, self._full(path))
            return True
        return False

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder."""
        with self.translate_errors("read"), contextlib.suppress(FileNotFoundError):
            self._files.invalidate_cache()
            paths = self._call(partial(self._files.ls, self._full(folder), detail=False))
            return [path.rstrip("/").rpartition("/")[2] for path in paths]
        return []

    def find(self, folder: str) -> dict[str, datetime | None]:
        """Return all files below a prefix."""
        with self.translate_errors("read"):
            self._files.invalidate_cache()
            found = self._call(partial(self._files.find, self._full(folder), detail=True))
        return {path.removeprefix(f"{self._root}/"): _modified(info) for path, info in found.items()}

    @contextlib.contextmanager
    def exclusive_lock(self, path: str) -> Iterator[None]:  # noqa: ARG002 - buckets have no locks
        """Do nothing: buckets have no locks."""
        yield

    @contextlib.contextmanager
    def stage(self, path: str, content: bytes) -> Iterator[Callable[[], object]]:
        """Yield a function that writes the object, which appears only when it is complete."""
        yield partial(self._call, self._files.pipe_file, self._full(path), content)

    def open(self, path: str) -> BinaryIO | None:
        """Open an object to read parts of it. Return None if it does not exist."""
        with self.translate_errors("read"), contextlib.suppress(*NO_SUCH_FILE):
            file = self._call(partial(self._files.open, self._full(path), "rb"))
            return io.BufferedReader(_BoundedReader(file, self._read_part), PART_BYTES)
        return None

    def _read_part(self, file: BinaryIO, size: int) -> bytes:
        with self.translate_errors("read"):
            return self._call(file.read, size)

    def put(self, path: str, local: Path) -> None:
        """Upload a file in parts, each within the time limit. Object storage shows it when it is complete."""
        target = {"path": self._full(path), "mode": "wb", "block_size": UPLOAD_BYTES, "autocommit": False}
        with self.translate_errors("write"), local.open("rb") as content:
            file = self._call(partial(self._files.open, **target))
            try:
                while part := content.read(UPLOAD_BYTES):
                    self._call(file.write, part)
                self._call(file.close)
                self._call(file.commit)
            except BaseException:
                _discard(file)
                raise

    @contextlib.contextmanager
    def set_aside(self, path: str) -> Iterator[None]:
        """Keep the content in memory."""
        content = self.content(path)
        if content is None:
            yield
            return
        self.remove(path)
        try:
            yield
        except BaseException as error:
            self._put_back(path, content, error)
            raise

    def _put_back(self, path: str, content: bytes, error: BaseException) -> None:
        try:
            self._call(self._files.pipe_file, self._full(path), content)
        except Exception as lost:
            message = f"cannot write {self.path(path)}: {redacted(str(error))}; cannot put the earlier file back either"
            raise OutputError(message, "make the report again", remedy="remake_report") from lost

    def remove(self, path: str) -> None:
        """Remove an object if it exists."""
        with self.translate_errors("write"), contextlib.suppress(FileNotFoundError):
            self._call(self._files.rm_file, self._full(path))

    def _call(self, function: Callable[..., T], *args: object) -> T:
        """Call a function within the time limit: the libraries of file systems may wait much longer."""
        return self._deadline.call(function, *args)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"


def _discard(file: Any) -> None:  # noqa: ANN401 - each file system has its own class
    """Drop a file of fsspec that is not complete. Does not raise if that fails.

    Has a time limit of its own, because an interrupt has ended that of the file system.
    """
    with contextlib.suppress(Exception):
        Deadline(DISCARD_SECONDS).call(file.discard)
    with contextlib.suppress(AttributeError):  # some file systems do not allow it, and do not need it
        file.closed = True  # else the garbage collector closes it, which uploads the rest


class _BoundedReader(io.RawIOBase):
    """A file of fsspec whose reads have a time limit.

    Args:
        file: The file.
        read: Reads some bytes from it within the time limit. Raises OutputError if that fails.
    """

    def __init__(self, file: BinaryIO, read: Callable[[BinaryIO, int], bytes]) -> None:
        super().__init__()
        self._file = file
        self._read = read

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it has places."""
        return True

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place. Needs no request."""
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as the base class
        """Read into a buffer. Return the number of bytes."""
        part = self._read(self._file, len(buffer))
        buffer[: len(part)] = part
        return len(part)


def _modified(info: Mapping[str, Any]) -> datetime | None:
    """Return the modification time of a file. File systems give seconds or a datetime, under different names."""
    time = info.get("mtime") or info.get("LastModified") or info.get("created")
    return datetime.fromtimestamp(time, UTC) if isinstance(time, int | float) else time


TRANSIENT_ERRNOS = {errno.EBUSY, errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EHOSTUNREACH}


async def call_fsspec(client: Client, address: Address, function: Callable[..., T], *args: object) -> T:
    """Call a function of fsspec in a daemon thread, within the time limit of the settings. Return its result.

    Raises:
        UnreachableError: The failure may be temporary, or the call takes too long.
        NotFoundError, SourceError: As for `translate_fsspec_errors`, or the setting `offline` is set.
    """
    client.check_online(address)
    with translate_fsspec_errors(address):
        return await asyncio.wait_for(asyncio.wrap_future(start_daemon(function, *args)), client.settings.timeout)


@contextlib.contextmanager
def translate_fsspec_errors(address: Address | Path) -> Iterator[None]:
    """Turn every exception raised by fsspec into a SourceError or a subclass.

    File systems raise the exceptions of many libraries.

    Raises:
        NotFoundError: The file does not exist.
        UnreachableError: The failure may be temporary: no connection, a busy server, a timeout.
        SourceError: Any other failure.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"{address} does not exist") from error
    except ImportError as error:
        raise SourceError(
            f"{address} needs a package that is not installed: {error}",
            "install it; for S3, install pvtop with its extra named s3",
        ) from error
    except Exception as error:
        if isinstance(error, TimeoutError):
            raise unreachable(f"{address} did not answer in time") from error
        reason = redacted(getattr(error, "strerror", None) or str(error)) or type(error).__name__
        if isinstance(error, ConnectionError) or getattr(error, "errno", None) in TRANSIENT_ERRNOS:
            raise unreachable(f"{address}: connection failed: {reason}") from error
        raise SourceError(
            f"cannot read {address}: {reason}", "check the address and the credentials", setting="source"
        ) from error
