"""Any file system that fsspec supports, such as S3. Its calls may never return, so each one has a time limit."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from pvtop.core.address import Address
from pvtop.core.errors import OutputError
from pvtop.core.redaction import redacted
from pvtop.storage.deadline import Deadline
from pvtop.storage.filesystem import FileSystem, ListedFile, Purpose, T
from pvtop.storage.folders import utc_time

PART_BYTES = 1 << 20  # read at a time from an open object
UPLOAD_BYTES = 8 << 20  # uploaded within one time limit; S3 refuses parts of less than 5 MiB
DISCARD_SECONDS = 5.0  # how long a failed upload is given to remove its parts


class RemoteFileSystem(FileSystem):
    """The file system of an address that fsspec supports, such as `s3://bucket/prefix`."""

    def __init__(self, address: Address, purpose: Purpose, timeout: float) -> None:
        super().__init__(address, purpose, timeout)
        from fsspec.core import url_to_fs

        with self.translate_errors("open"):
            self._files, self._root = self._deadline.call(url_to_fs, address.with_secrets())

    def prepare(self) -> None:
        """Check that the file system answers. Does not create a bucket."""
        with self.translate_errors("write"):
            self._deadline.call(self._files.exists, self._root)

    def read(self, path: str, reader: Callable[[BinaryIO], T]) -> T | None:
        """Open and read a file within one time limit. Return None if it is gone, even if an old listing has it."""
        with self.translate_errors("read"), contextlib.suppress(*self._purpose.absent):
            return self._deadline.call(partial(self._open_and_read, path, reader))
        return None

    def _open_and_read(self, path: str, reader: Callable[[BinaryIO], T]) -> T:
        with self._files.open(self._full(path), "rb") as file:
            return reader(io.BufferedReader(_Reader(file.read, file.seek)))

    def look_up(self, path: str) -> ListedFile | None:
        """Return a file or folder. Unlike fsspec's `exists`, fail if the file system does not answer."""
        with self.translate_errors("read"), contextlib.suppress(FileNotFoundError):
            return _listed(self._deadline.call(self._files.info, self._full(path)))
        return None

    def listing(self, folder: str) -> list[ListedFile]:
        """List a folder."""
        with self.translate_errors("list"), contextlib.suppress(FileNotFoundError):
            self._files.invalidate_cache()
            return list(map(_listed, self._deadline.call(partial(self._files.ls, self._full(folder), detail=True))))
        return []

    def find(self, folder: str) -> dict[str, datetime | None]:
        """Return all files below a prefix."""
        with self.translate_errors("read"):
            self._files.invalidate_cache()
            found = self._deadline.call(partial(self._files.find, self._full(folder), detail=True))
        return {path.removeprefix(f"{self._root}/"): _listed(info).modified for path, info in found.items()}

    @contextlib.contextmanager
    def stage(self, path: str, content: bytes) -> Iterator[Callable[[], object]]:
        """Yield a function that writes the object, which appears only when it is complete."""
        yield partial(self._deadline.call, self._files.pipe_file, self._full(path), content)

    def open(self, path: str) -> BinaryIO | None:
        """Open an object to read parts of it. Return None if it does not exist."""
        with self.translate_errors("read"), contextlib.suppress(*self._purpose.absent):
            file = self._deadline.call(partial(self._files.open, self._full(path), "rb"))
            return io.BufferedReader(_Reader(partial(self._read_part, file), file.seek), PART_BYTES)
        return None

    def _read_part(self, file: BinaryIO, size: int) -> bytes:
        with self.translate_errors("read"):
            return self._deadline.call(file.read, size)

    def put(self, path: str, local: Path) -> None:
        """Upload a file in parts, each within the time limit. Object storage shows it when it is complete."""
        target = {"path": self._full(path), "mode": "wb", "block_size": UPLOAD_BYTES, "autocommit": False}
        with self.translate_errors("write"), local.open("rb") as content:
            file = self._deadline.call(partial(self._files.open, **target))
            try:
                while part := content.read(UPLOAD_BYTES):
                    self._deadline.call(file.write, part)
                self._deadline.call(file.close)
                self._deadline.call(file.commit)
            except BaseException:
                _discard(file)
                raise

    @contextlib.contextmanager
    def set_aside(self, path: str) -> Iterator[None]:
        """Keep the content in memory."""
        content = self.content(path)
        if content is not None:
            self.remove(path)
        try:
            yield
        except BaseException as error:
            if content is not None:
                self._put_back(path, content, error)
            raise

    def _put_back(self, path: str, content: bytes, error: BaseException) -> None:
        try:
            self._deadline.call(self._files.pipe_file, self._full(path), content)
        except Exception as lost:
            message = f"cannot write {self.path(path)}: {redacted(str(error))}; cannot put the earlier file back either"
            raise OutputError(message, "make the report again", remedy="remake_report") from lost

    def remove(self, path: str) -> None:
        """Remove an object if it exists."""
        with self.translate_errors("write"), contextlib.suppress(FileNotFoundError):
            self._deadline.call(self._files.rm_file, self._full(path))

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root


def _discard(file: Any) -> None:  # noqa: ANN401 - each file system has its own class
    """Drop a file of fsspec that is not complete. Does not raise if that fails.

    Has a time limit of its own, because an interrupt has ended that of the file system.
    """
    with contextlib.suppress(Exception):
        Deadline(DISCARD_SECONDS).call(file.discard)
    with contextlib.suppress(AttributeError):  # some file systems do not allow it, and do not need it
        file.closed = True  # else the garbage collector closes it, which uploads the rest


class _Reader(io.RawIOBase):
    """Adapts a file of fsspec to `BufferedReader`. Its reads may return less than asked for.

    Does not close the file: that may block, and a thread that nobody waits for may still read it.

    Args:
        read: Reads at most a number of bytes.
        seek: Goes to a place in the file, without a request.
    """

    def __init__(self, read: Callable[[int], bytes], seek: Callable[[int, int], int]) -> None:
        super().__init__()
        self._read = read
        self._seek = seek

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._seek(offset, whence)

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as the base class
        part = self._read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def readall(self) -> bytes:
        return b"".join(iter(partial(self._read, -1), b""))


def _listed(info: Mapping[str, Any]) -> ListedFile:
    """Return a file. File systems give its time in seconds or as a datetime, under different names."""
    time = info.get("mtime") or info.get("LastModified") or info.get("created")
    modified = utc_time(time) if isinstance(time, int | float) else time if isinstance(time, datetime) else None
    return ListedFile(info["name"].rstrip("/").rpartition("/")[2], info.get("size"), modified, info.get("ETag"))
