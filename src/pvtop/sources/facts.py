"""The facts of a file: where it comes from, its size and its digest. They are kept beside the file as JSON."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from pvtop.core.errors import OutputError
from pvtop.settings import NO_CACHE_DIR
from pvtop.storage.atomic import output_error
from pvtop.storage.folders import broken_link
from pvtop.storage.regular_file import FileState, open_regular

MAX_RECORD_BYTES = 1 << 16  # of JSON


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The facts of a file. Those of a download are kept beside it as JSON.

    Attributes:
        address: Where it comes from, without secrets.
        bytes: Its size.
        sha256: Its digest in hex.
        etag: The server's ETag, None if it sent none.
        last_modified: The server's Last-Modified as sent, None if it sent none.
        redirected: Whether a redirect led to another server, which sent it. Messages then quote nothing of it.
    """

    address: str
    bytes: int
    sha256: str
    etag: str | None = None
    last_modified: str | None = None
    redirected: bool = False

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return a file's recorded facts from the sidecar file next to it, or None if they are missing or damaged."""
        try:
            with open_regular(sidecar(path)) as file:
                facts = cls(**json.loads(file.read(MAX_RECORD_BYTES)))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        texts = (facts.address, facts.sha256, facts.etag or "", facts.last_modified or "")
        valid = type(facts.bytes) is int and type(facts.redirected) is bool
        return facts if valid and all(isinstance(text, str) for text in texts) else None


def sidecar(path: Path) -> Path:
    """Return the path of the facts of a file."""
    return path.with_name(path.name + ".json")


@contextlib.contextmanager
def translate_cache_errors(folder: Path) -> Iterator[None]:
    """Turn an OSError from writing to the cache folder into an OutputError.

    Raises:
        OutputError: The folder cannot be written, or the disk is full. Or there is no cache folder.
    """
    try:
        yield
    except OSError as error:
        if folder.is_relative_to(NO_CACHE_DIR):
            raise no_cache_folder() from error
        link = broken_link(folder)
        reason = os.strerror(error.errno) if error.errno else str(error)  # pyarrow's words are longer
        reason = f"{link} is a link to {link.readlink()}, which does not exist" if link else reason
        message = f"cannot write the cache folder {folder}: {reason}"
        raise output_error(message, error, "choose another folder", "cache_dir") from error


def no_cache_folder() -> OutputError:
    """Return the error for somebody who needs a cache, but has no home folder for it."""
    return OutputError("there is no cache folder, because HOME is not set", "choose a folder", setting="cache_dir")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine with its facts.

    Attributes:
        path: The path of the file.
        facts: Where it comes from, its size and its digest.
        cached: Whether it is in the cache, and can be downloaded again.
        state: The state of the file when its facts were taken; None if no other program changes the file.
    """

    path: Path
    facts: FileFacts
    cached: bool = False
    state: FileState | None = None


@dataclass(frozen=True, slots=True)
class KnownDigest:
    """A file with a known digest. A file with the same address, size and time is taken to have the same digest.

    Attributes:
        address: Its address, without secrets.
        bytes: Its size.
        modified: Its modification time, from the file system or from the listing of its folder.
        sha256: Its digest in hex.
    """

    address: str
    bytes: int
    modified: datetime
    sha256: str

    def to_json(self) -> str:
        """Return the record as a JSON object."""
        return json.dumps({**asdict(self), "modified": self.modified.isoformat()}) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """Parse the output of `to_json`. Return None if the text is damaged."""
        try:
            content = json.loads(text)
            found = cls(**{**content, "modified": datetime.fromisoformat(content["modified"])})
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        texts: list[object] = [found.address, found.sha256]
        return found if type(found.bytes) is int and all(isinstance(text, str) for text in texts) else None
