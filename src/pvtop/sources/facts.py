"""What is known of a file: where it came from, its size, its digest; kept beside it as JSON."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from pvtop.core.errors import OutputError
from pvtop.storage.atomic import hint


@dataclass(frozen=True, slots=True)
class FileFacts:
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


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine with what is known of it.

    Attributes:
        path: Where it is.
        facts: Where it came from, its size and its digest.
        cached: Whether it lies in the cache, and may be downloaded again.
        state: What told, when the facts were taken, that it was this file; None where nobody else changes it.
    """

    path: Path
    facts: FileFacts
    cached: bool = False
    state: FileState | None = None


class FileState(NamedTuple):
    """What changes when a file is replaced or written."""

    inode: int
    bytes: int
    modified_ns: int

    @property
    def modified(self) -> datetime:
        """When the file was last changed, in UTC, to the microsecond."""
        return datetime.fromtimestamp(self.modified_ns // 1000 / 10**6, UTC)

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at a file.

        Raises:
            OSError: It is not there.
        """
        status = path.stat()
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class VerifiedFile:
    """A file whose digest was taken. Whoever finds it at the same address, size and time knows its digest.

    Attributes:
        address: Where it lies, without secrets.
        bytes: Its size.
        modified: When it was last changed, as its folder or its listing tells.
        sha256: In hex.
    """

    address: str
    bytes: int
    modified: datetime
    sha256: str

    def to_json(self) -> str:
        """Return a JSON object."""
        return json.dumps({**asdict(self), "modified": self.modified.isoformat()}) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """Parse what `to_json` returned, None if it is something else."""
        try:
            content = json.loads(text)
            found = cls(**{**content, "modified": datetime.fromisoformat(content["modified"])})
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        texts: list[object] = [found.address, found.sha256]
        return found if type(found.bytes) is int and all(isinstance(text, str) for text in texts) else None
