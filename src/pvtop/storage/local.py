"""The file system of a folder on this machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pvtop.core.errors import OutputError
from pvtop.storage.atomic import broken_link, check_writable, commit, stage
from pvtop.storage.filesystem import NO_SUCH_FILE, TEMPORARY_FOLDER, FileSystem, T
from pvtop.storage.locks import exclusive_lock


class LocalFileSystem(FileSystem):
    """A folder on this machine."""

    def __init__(self, address: str, timeout: float, root: Path) -> None:
        super().__init__(address, timeout)
        self._root = root
        self._refuse_broken_link(root)

    def prepare(self) -> None:
        """Create the folder."""
        with self.translate_errors("write"):
            self._root.mkdir(parents=True, exist_ok=True)

    def read(self, path: str, reader: Callable[[BinaryIO], T]) -> T | None:
        """Open a file and return what `reader` returns for it, or None if the file does not exist."""
        with self.translate_errors("read"), contextlib.suppress(*NO_SUCH_FILE), (self._root / path).open("rb") as file:
            return reader(file)
        return None

    def exists(self, path: str) -> bool:
        """Return whether a file or folder exists."""
        with self.translate_errors("read"), contextlib.suppress(FileNotFoundError):
            (self._root / path).stat()
            return True
        return False

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder."""
        self._refuse_broken_link(self._root / folder)
        with self.translate_errors("read"), contextlib.suppress(FileNotFoundError):
            return [found.name for found in (self._root / folder).iterdir()]
        return []

    def find(self, folder: str) -> dict[str, datetime | None]:
        """Return all files below a folder. Follow links to folders."""
        self._refuse_broken_link(self._root / folder)
        with self.translate_errors("read"):
            return dict(_files(self._root / folder, f"{folder}/"))

    @contextlib.contextmanager
    def exclusive_lock(self, path: str) -> Iterator[None]:
        """Lock the folder of a file."""
        with exclusive_lock((self._root / path).parent, self._deadline.sleep):
            yield

    @contextlib.contextmanager
    def stage(self, path: str, content: bytes) -> Iterator[Callable[[], object]]:
        """Write a temporary file. Yield a function that renames it into place."""
        # Not in the partition: readers of a folder of Parquet files fail on any other file in it.
        target = self._root / path
        self._refuse_broken_link(target.parent)
        with stage(target, content, self._root / TEMPORARY_FOLDER) as file:
            check_writable(target.parent)
            if target.is_dir():
                raise OutputError(f"cannot write {self.path(path)}: it is a folder", "remove the folder")
            yield partial(commit, file, target)

    def _refuse_broken_link(self, path: Path) -> None:
        """Check that a folder is not a link to nothing, and does not lie behind one.

        Raises:
            OutputError: It is or does. A missing folder would be taken for an empty one, or created.
        """
        if link := broken_link(path):
            raise OutputError(
                f"the lake {self.address}: {link} is a link to {link.readlink()}, which does not exist",
                "create that folder or mount its disk, or choose another lake",
                setting="output",
            )

    def remove(self, path: str) -> None:
        """Remove a file if it exists."""
        with self.translate_errors("write"):
            (self._root / path).unlink(missing_ok=True)


def _files(folder: Path | str, prefix: str) -> Iterator[tuple[str, datetime]]:
    """Yield the files below a folder. Each path begins with the prefix. Skip files that disappear during the walk."""
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.is_symlink() and _links_to_ancestor(entry.path):
                continue
            if entry.is_dir():
                yield from _files(entry.path, f"{prefix}{entry.name}/")
            else:
                with contextlib.suppress(FileNotFoundError):
                    yield prefix + entry.name, datetime.fromtimestamp(entry.stat().st_mtime, UTC)


def _links_to_ancestor(link: str) -> bool:
    """Return whether a link leads to itself or to a folder that contains it. Following it would loop forever."""
    target = Path(os.path.realpath(link))
    return target.is_symlink() or Path(os.path.realpath(Path(link).parent)).is_relative_to(target)
