"""One interface to a folder and to anything that fsspec knows."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO, TypeVar

from pvtop.core.address import join, public, redacted
from pvtop.core.errors import OutputError, PvtopError
from pvtop.storage.atomic import hint
from pvtop.storage.deadline import Deadline

TEMPORARY = ".tmp"
ABSENT = (FileNotFoundError, IsADirectoryError)

T = TypeVar("T")


class FileSystem(ABC):
    """A folder or a bucket. Paths are relative to it.

    Every method raises OutputError; use `stage` within `translate_errors`.

    Args:
        address: The root; need not exist.
        patience: Seconds that a step with a file system elsewhere may take.
    """

    def __init__(self, address: str, timeout: float) -> None:
        self.address = address
        self._deadline = Deadline(timeout)

    def close(self) -> None:
        """Give up what other threads wait for here: a file system that is silent, another run's lock."""
        self._deadline.cancel()

    def path(self, relative: str) -> str:
        """Give where something lies, fit to be shown."""
        return join(public(self.address), relative)

    def content(self, path: str) -> bytes | None:
        """Read all of a file; None where there is no such file."""
        return self.read(path, lambda file: file.read())

    @abstractmethod
    def prepare(self) -> None:
        """Make the root folder, or see that the bucket answers."""

    @abstractmethod
    def read(self, path: str, reader: Callable[[BinaryIO], T]) -> T | None:
        """Open a file and give what is read of it; None where there is no such file."""

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Tell whether something is there; it fails where that cannot be told."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Give the names in a folder; none where there is no such folder."""

    @abstractmethod
    def find(self, folder: str) -> dict[str, datetime | None]:
        """List all files below a folder, and when they changed, where that is told; none without such a folder."""

    @abstractmethod
    def exclusive_lock(self, path: str) -> contextlib.AbstractContextManager[None]:
        """Keep other runs out of the folder of a file, which exists; buckets know no such thing."""

    @abstractmethod
    def stage(self, path: str, content: bytes) -> contextlib.AbstractContextManager[Callable[[], object]]:
        """Write the content to a temporary file. Yield a function that renames it into place.

        Use both within one `translate_errors`.
        """

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file, where there is one."""

    @contextlib.contextmanager
    def translate_errors(self, verb: str) -> Iterator[None]:
        """Turn what a file system raises into our words.

        Raises:
            OutputError: Whatever was raised: file systems raise what their libraries do, so nothing narrower will do.
        """
        try:
            yield
        except PvtopError:
            raise
        except Exception as error:
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            what_to_do = hint(error, "choose another with --output, or check its permissions and credentials")
            if isinstance(error, TimeoutError):
                what_to_do = "try again later; PVTOP_READ_TIMEOUT is how long it is waited for"
            message = f"the lake {public(self.address)} cannot be {verb}: {redacted(reason)}"
            raise OutputError(message, what_to_do) from error
