"""The interface of all file systems: a folder on this machine, or anything that fsspec supports."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple, TypeVar

from pvtop.core.address import Address
from pvtop.core.errors import PvtopError
from pvtop.core.redaction import redacted
from pvtop.storage.deadline import Deadline

TEMPORARY_FOLDER = ".tmp"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file or folder in the listing of a folder.

    Attributes:
        name: The last part of its path, without a slash at the end.
        size: Its exact size in bytes, or None if the listing does not give it.
        modified: Its modification time in UTC, or None if the listing does not give it.
        etag: Its ETag, or None if the listing does not give it. Only object storage has ETags.
    """

    name: str
    size: int | None = None
    modified: datetime | None = None
    etag: str | None = None


class BrokenLinkError(OSError):
    """A folder is a link to nothing, or lies behind one."""


class Purpose(NamedTuple):
    """What a file system is for. It decides which error a failure becomes, and its message.

    Attributes:
        error: Returns the error for an exception. Called with the exception, the verb of `translate_errors`, the
            address, and the reason in one line without secrets.
        absent: The exceptions that mean that a file to open does not exist.
        refuses_broken_links: Whether a folder that is a link to nothing, or lies behind one, raises BrokenLinkError. If
            not, it is treated as a folder that does not exist.
    """

    error: Callable[[Exception, str, Address, str], PvtopError]
    absent: tuple[type[OSError], ...] = (FileNotFoundError,)
    refuses_broken_links: bool = False


class FileSystem(ABC):
    """A folder or a bucket. All paths are relative to it. The empty path is the root, even if the root is a file.

    Every method raises the error of the purpose if it fails. `stage`, `set_aside` and `exclusive_lock` do so within
    `translate_errors`.

    Args:
        address: The root. It need not exist.
        purpose: What it is for.
        timeout: Seconds that one call of a remote file system may take.

    Attributes:
        has_locks: Whether `exclusive_lock` locks. If not, it does nothing. Only tests read this.
    """

    has_locks: ClassVar[bool] = False

    def __init__(self, address: Address, purpose: Purpose, timeout: float) -> None:
        self.address = address
        self._purpose = purpose
        self._deadline = Deadline(timeout)

    def close(self) -> None:
        """Interrupt all threads that wait here for a silent file system or for the lock of another run."""
        self._deadline.cancel()

    def path(self, relative: str) -> str:
        """Return the address of a path, without secrets."""
        return str(Address.at(str(self.address)) / relative)

    def content(self, path: str) -> bytes | None:
        """Return the content of a file, or None if it does not exist."""
        return self.read(path, lambda file: file.read())

    def read(self, path: str, reader: Callable[[BinaryIO], T]) -> T | None:
        """Open a file and return what `reader` returns for it, or None if the file does not exist."""
        with self.translate_errors("read"), self.open(path) or contextlib.nullcontext() as file:
            return reader(file) if file else None

    @abstractmethod
    def prepare(self) -> None:
        """Create the root folder and remove what killed runs have left in it, or check that the bucket answers."""

    @abstractmethod
    def look_up(self, path: str) -> ListedFile | None:
        """Return a file with its size and time, or None if it does not exist. May return a folder, too."""

    @abstractmethod
    def listing(self, folder: str) -> list[ListedFile]:
        """List the files and folders in a folder. If it does not exist, there are none. Listing a file may fail."""

    @abstractmethod
    def find(self, folder: str) -> dict[str, datetime | None]:
        """Return the path of each file below a folder with its modification time, None if unknown.

        If the folder does not exist, there are no files.
        """

    def exclusive_lock(self, path: str) -> contextlib.AbstractContextManager[None]:  # noqa: ARG002 - for subclasses
        """Lock a file against other runs, if this file system has locks."""
        return contextlib.nullcontext()

    @abstractmethod
    def stage(self, path: str, content: bytes) -> contextlib.AbstractContextManager[Callable[[], object]]:
        """Write the content to a temporary file. Yield a function that renames it into place.

        Use both within one `translate_errors`.
        """

    @abstractmethod
    def open(self, path: str) -> BinaryIO | None:
        """Open a file to read parts of it. Return None if it does not exist."""

    @abstractmethod
    def put(self, path: str, local: Path) -> None:
        """Write a file from one on this machine, which may be moved. It appears complete or not at all."""

    @abstractmethod
    def set_aside(self, path: str) -> contextlib.AbstractContextManager[None]:
        """Move a file away, if there is one. Put it back if the block fails.

        If there is none, and the block fails, remove what the block wrote, but only if there are locks. Without locks,
        the file may be from another run. Use it within `translate_errors`, for a file whose folder exists.
        """

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file if it exists."""

    def _reason(self, error: Exception) -> str:
        """Return why an operation failed."""
        return getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__

    @contextlib.contextmanager
    def translate_errors(self, verb: str) -> Iterator[None]:
        """Turn every exception of a library into the error of the purpose. Our own errors pass.

        Args:
            verb: What failed, for the message: `read`, `list`, `write` or `open`.

        Raises:
            PvtopError: The file system failed.
        """
        try:
            yield
        except PvtopError:
            raise
        except Exception as error:
            raise self._purpose.error(error, verb, self.address, redacted(self._reason(error))) from error
