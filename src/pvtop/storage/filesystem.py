"""The interface of a file system: a local folder, or anything that fsspec supports."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from pvtop.core.address import Address
from pvtop.core.errors import OutputError, PvtopError
from pvtop.core.redaction import redacted
from pvtop.storage.atomic import output_error
from pvtop.storage.deadline import Deadline
from pvtop.storage.regular_file import NOT_A_FOLDER, NOT_REGULAR

TEMPORARY_FOLDER = ".tmp"
NO_SUCH_FILE = (FileNotFoundError, IsADirectoryError)

T = TypeVar("T")


class FileSystem(ABC):
    """A folder or a bucket. All paths are relative to it.

    Every method raises OutputError if it fails. `stage` does so within `translate_errors` only.

    Args:
        address: The root. It need not exist.
        timeout: Seconds that one call of a remote file system may take.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
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

    @abstractmethod
    def prepare(self) -> None:
        """Create the root folder and remove what killed runs have left in it, or check that the bucket answers."""

    @abstractmethod
    def read(self, path: str, reader: Callable[[BinaryIO], T]) -> T | None:
        """Open a file and return what `reader` returns for it, or None if the file does not exist."""

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Return whether a file exists. Fail if the file system does not answer."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Return the names in a folder. If the folder does not exist, there are none."""

    @abstractmethod
    def find(self, folder: str) -> dict[str, datetime | None]:
        """Return the path of each file below a folder with its modification time, None if unknown.

        If the folder does not exist, there are no files.
        """

    @abstractmethod
    def exclusive_lock(self, path: str) -> contextlib.AbstractContextManager[None]:
        """Lock a file against other runs. Buckets have no locks: do nothing there."""

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

        Use it within `translate_errors`.
        """

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file if it exists."""

    def _reason(self, error: Exception) -> str:
        """Return why an operation failed."""
        return getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__

    @contextlib.contextmanager
    def translate_errors(self, verb: str) -> Iterator[None]:
        """Turn every exception but our own into an OutputError: file systems raise whatever their libraries raise.

        Args:
            verb: What failed, for the message: `read`, `write` or `open`.

        Raises:
            OutputError: The file system failed.
        """
        try:
            yield
        except PvtopError:
            raise
        except Exception as error:
            message = f"cannot {verb} the lake {self.address}: {redacted(self._reason(error))}"
            if isinstance(error, ImportError):
                hint = "install that package; for S3, install pvtop with its extra named s3"
                raise OutputError(message, hint) from error
            if isinstance(error, TimeoutError):
                raise OutputError(
                    message, "try again later, or raise the time limit", setting="read_timeout"
                ) from error
            in_the_way = getattr(error, "strerror", None) in {NOT_REGULAR, NOT_A_FOLDER}
            what_to_do = "remove it" if in_the_way else "check its permissions and credentials"
            raise output_error(message, error, f"{what_to_do}, or choose another one", "output") from error
