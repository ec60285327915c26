"""A store: a folder or a bucket with files that appear whole, and its failures in our words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from pvtop.addresses import join, local_path, public, redacted
from pvtop.errors import OutputError, PvtopError
from pvtop.files import alone, become, check_writable, hint, staged
from pvtop.steps import Waiting

TEMPORARY = ".tmp"
ABSENT = (FileNotFoundError, IsADirectoryError)

T = TypeVar("T")


class Store:
    """A folder or any address that fsspec knows. Paths are relative to it, and every method raises OutputError.

    Args:
        address: The root; need not exist.
        patience: Seconds that a step with a file system elsewhere may take.
    """

    def __init__(self, address: str, patience: float) -> None:
        self.address = address
        self._waiting = Waiting(patience)
        folder = local_path(address)
        with self.failures("opened"):
            self._files, self._root = self._waiting.step(fsspec.core.url_to_fs, str(folder) if folder else address)
        self._local = isinstance(self._files, LocalFileSystem)

    def close(self) -> None:
        """Give up what other threads wait for here: a file system that is silent, another run's lock."""
        self._waiting.end()

    def path(self, relative: str) -> str:
        """Give where something lies, fit to be shown."""
        return join(public(self.address), relative)

    def prepare(self) -> None:
        """Make the root folder, or see that the bucket answers."""
        with self.failures("written"):
            if self._local:
                self._files.makedirs(self._root, exist_ok=True)
            else:
                self._do(self._files.exists, self._root)  # a bucket is not made, but that it answers is seen

    def read(self, path: str, reader: Callable[[BinaryIO], T]) -> T | None:
        """Open a file and give what is read of it; None where there is no such file."""
        with self.failures("read"), contextlib.suppress(*ABSENT):
            return self._do(partial(self._opened, path, reader))
        return None

    def _opened(self, path: str, reader: Callable[[BinaryIO], T]) -> T:
        with self._files.open(self._full(path), "rb") as file:
            return reader(file)

    def content(self, path: str) -> bytes | None:
        """Read all of a file; None where there is no such file."""
        return self.read(path, lambda file: file.read())

    def exists(self, path: str) -> bool:
        """Tell whether something is there; unlike that of fsspec, this fails where it cannot be told."""
        with self.failures("read"), contextlib.suppress(FileNotFoundError):
            self._do(self._files.info, self._full(path))
            return True
        return False

    def names(self, folder: str) -> list[str]:
        """Give the names in a folder; none where there is no such folder."""
        with self.failures("read"), contextlib.suppress(FileNotFoundError):
            paths = self._do(partial(self._files.ls, self._full(folder), detail=False))
            return [path.rstrip("/").rpartition("/")[2] for path in paths]
        return []

    def find(self, folder: str) -> dict[str, Mapping[str, Any]]:
        """List all files below a folder, with what the file system tells of them; none where there is no such folder.

        fsspec passes over local folders that cannot be listed, unless it is told otherwise.
        """
        strictly = {"on_error": _unless_missing} if self._local else {}
        with self.failures("read"):
            self._files.invalidate_cache()
            found = self._do(partial(self._files.find, self._full(folder), detail=True, **strictly))
        return {path.removeprefix(f"{self._root}/"): facts for path, facts in found.items()}

    @contextlib.contextmanager
    def alone(self, path: str) -> Iterator[None]:
        """Keep other runs out of the folder of a file, which exists; buckets know no such thing."""
        folder = Path(self._full(path)).parent
        with alone(folder, self._waiting.pause) if self._local else contextlib.nullcontext():
            yield

    def staged(self, path: str, content: bytes, stack: contextlib.ExitStack) -> Callable[[], object]:
        """Do all that can be done before a file gets its name; give what does that, within the same `failures`."""
        if not self._local:
            # An object appears when it is whole.
            return partial(self._do, self._files.pipe_file, self._full(path), content)
        # Not in the partition: readers of a folder of Parquet trip over any other file in it.
        target, folder = Path(self._full(path)), Path(self._full(TEMPORARY))
        file = stack.enter_context(staged(target, content, folder))
        check_writable(target.parent)
        if target.is_dir():
            raise OutputError(
                f"{self.path(path)} cannot be written: it is a folder", "remove what is there in its place"
            )
        return partial(become, file, target)

    def remove(self, path: str) -> None:
        """Remove a file, where there is one."""
        with self.failures("written"), contextlib.suppress(FileNotFoundError):
            self._do(self._files.rm_file, self._full(path))

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

    def _do(self, step: Callable[..., T], *args: object) -> T:
        """Do a step with the file system; one that is elsewhere may never answer, and its libraries wait for long."""
        return step(*args) if self._local else self._waiting.step(step, *args)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
