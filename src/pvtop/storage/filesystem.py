"""A store: a folder or a bucket with files that appear whole, and its failures in our words."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pvtop.core.address import join, local_path, public, redacted
from pvtop.core.errors import OutputError, PvtopError
from pvtop.storage.atomic import alone, become, check_writable, hint, staged
from pvtop.storage.deadline import Waiting

TEMPORARY = ".tmp"
ABSENT = (FileNotFoundError, IsADirectoryError)

T = TypeVar("T")


class Store(ABC):
    """A folder or a bucket. Paths are relative to it; every method raises OutputError, `staged` within `failures`.

    Args:
        address: The root; need not exist.
        patience: Seconds that a step with a file system elsewhere may take.
    """

    def __init__(self, address: str, patience: float) -> None:
        self.address = address
        self._waiting = Waiting(patience)

    def close(self) -> None:
        """Give up what other threads wait for here: a file system that is silent, another run's lock."""
        self._waiting.end()

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
    def alone(self, path: str) -> contextlib.AbstractContextManager[None]:
        """Keep other runs out of the folder of a file, which exists; buckets know no such thing."""

    @abstractmethod
    def staged(self, path: str, content: bytes, stack: contextlib.ExitStack) -> Callable[[], object]:
        """Do all that can be done before a file gets its name; give what does that, within the same `failures`."""

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file, where there is one."""

    @contextlib.contextmanager
    def failures(self, verb: str) -> Iterator[None]:
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


def open_store(address: str, patience: float) -> Store:
    """Make the store of an address: a path, or any address that fsspec knows.

    Raises:
        OutputError: No such file system is known.
    """
    folder = local_path(address)
    return Folder(address, patience, folder.absolute()) if folder else Bucket(address, patience)


class Folder(Store):
    """A folder on this machine."""

    def __init__(self, address: str, patience: float, root: Path) -> None:
        super().__init__(address, patience)
        self._root = root

    def prepare(self) -> None:
        """Make it."""
        with self.failures("written"):
            self._root.mkdir(parents=True, exist_ok=True)

    def read(self, path: str, reader: Callable[[BinaryIO], T]) -> T | None:
        """Open a file."""
        with self.failures("read"), contextlib.suppress(*ABSENT), (self._root / path).open("rb") as file:
            return reader(file)
        return None

    def exists(self, path: str) -> bool:
        """Look a file up."""
        with self.failures("read"), contextlib.suppress(FileNotFoundError):
            (self._root / path).stat()
            return True
        return False

    def names(self, folder: str) -> list[str]:
        """List a folder."""
        with self.failures("read"), contextlib.suppress(FileNotFoundError):
            return [found.name for found in (self._root / folder).iterdir()]
        return []

    def find(self, folder: str) -> dict[str, datetime | None]:
        """List a folder and those in it, links to folders too."""
        with self.failures("read"):
            return dict(_files(self._root / folder, f"{folder}/"))

    @contextlib.contextmanager
    def alone(self, path: str) -> Iterator[None]:
        """Lock the folder of a file."""
        with alone((self._root / path).parent, self._waiting.pause):
            yield

    def staged(self, path: str, content: bytes, stack: contextlib.ExitStack) -> Callable[[], object]:
        """Write a temporary file."""
        # Not in its partition: readers of a folder of Parquet trip over any other file in it.
        target = self._root / path
        file = stack.enter_context(staged(target, content, self._root / TEMPORARY))
        check_writable(target.parent)
        if target.is_dir():
            raise OutputError(
                f"{self.path(path)} cannot be written: it is a folder", "remove what is there in its place"
            )
        return partial(become, file, target)

    def remove(self, path: str) -> None:
        """Remove a file."""
        with self.failures("written"):
            (self._root / path).unlink(missing_ok=True)


def _files(folder: Path | str, prefix: str) -> Iterator[tuple[str, datetime]]:
    """List the files below a folder, with what stands before their names; what is gone by then is passed over."""
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.is_symlink() and _leads_up(entry.path):
                continue
            if entry.is_dir():
                yield from _files(entry.path, f"{prefix}{entry.name}/")
            else:
                with contextlib.suppress(FileNotFoundError):
                    yield prefix + entry.name, datetime.fromtimestamp(entry.stat().st_mtime, UTC)


def _leads_up(link: str) -> bool:
    """Tell whether a link leads to a folder that it is in, or to nothing but itself: there is no end of either."""
    target = Path(os.path.realpath(link))
    return target.is_symlink() or Path(os.path.realpath(Path(link).parent)).is_relative_to(target)


class Bucket(Store):
    """Any address that fsspec knows, such as `s3://bucket/prefix`. A step with it may never be answered."""

    def __init__(self, address: str, patience: float) -> None:
        super().__init__(address, patience)
        from fsspec.core import url_to_fs

        with self.failures("opened"):
            self._files, self._root = self._waiting.step(url_to_fs, address)

    def prepare(self) -> None:
        """See that it answers; a bucket is not made."""
        with self.failures("written"):
            self._do(self._files.exists, self._root)

    def read(self, path: str, reader: Callable[[BinaryIO], T]) -> T | None:
        """Open a file."""
        with self.failures("read"), contextlib.suppress(*ABSENT):
            return self._do(partial(self._opened, path, reader))
        return None

    def _opened(self, path: str, reader: Callable[[BinaryIO], T]) -> T:
        with self._files.open(self._full(path), "rb") as file:
            return reader(file)

    def exists(self, path: str) -> bool:
        """Look a file up; unlike fsspec's own `exists`, this fails where it cannot be told."""
        with self.failures("read"), contextlib.suppress(FileNotFoundError):
            self._do(self._files.info, self._full(path))
            return True
        return False

    def names(self, folder: str) -> list[str]:
        """List a folder."""
        with self.failures("read"), contextlib.suppress(FileNotFoundError):
            paths = self._do(partial(self._files.ls, self._full(folder), detail=False))
            return [path.rstrip("/").rpartition("/")[2] for path in paths]
        return []

    def find(self, folder: str) -> dict[str, datetime | None]:
        """List a prefix."""
        with self.failures("read"):
            self._files.invalidate_cache()
            found = self._do(partial(self._files.find, self._full(folder), detail=True))
        return {path.removeprefix(f"{self._root}/"): _changed(facts) for path, facts in found.items()}

    @contextlib.contextmanager
    def alone(self, path: str) -> Iterator[None]:  # noqa: ARG002 - buckets know no such thing
        """Do nothing."""
        yield

    def staged(self, path: str, content: bytes, stack: contextlib.ExitStack) -> Callable[[], object]:  # noqa: ARG002
        """Do nothing before: an object appears when it is whole."""
        return partial(self._do, self._files.pipe_file, self._full(path), content)

    def remove(self, path: str) -> None:
        """Remove an object."""
        with self.failures("written"), contextlib.suppress(FileNotFoundError):
            self._do(self._files.rm_file, self._full(path))

    def _do(self, step: Callable[..., T], *args: object) -> T:
        """Do a step in a thread that can be left behind: file systems' own libraries wait for long."""
        return self._waiting.step(step, *args)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"


def _changed(facts: Mapping[str, Any]) -> datetime | None:
    """Read a file's time as file systems tell it: seconds, or a time under their own name for it."""
    time = facts.get("mtime") or facts.get("LastModified") or facts.get("created")
    return datetime.fromtimestamp(time, UTC) if isinstance(time, int | float) else time
