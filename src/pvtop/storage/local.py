"""The file system of a folder on this machine."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO, ClassVar

from pvtop.core.address import Address
from pvtop.core.errors import OutputError
from pvtop.storage.atomic import check_writable, commit, flush, remove_abandoned, set_aside, temporary_file
from pvtop.storage.filesystem import TEMPORARY_FOLDER, BrokenLinkError, FileSystem, ListedFile, Purpose
from pvtop.storage.folders import broken_link, mount_of, walk_files
from pvtop.storage.locks import exclusive_lock
from pvtop.storage.regular_file import NOT_REGULAR, FileState, create_folder, is_something_else, open_regular

COPIED_BYTES = 1 << 20  # at a time


class LocalFileSystem(FileSystem):
    """A folder on this machine, read in place."""

    has_locks: ClassVar[bool] = True

    def __init__(self, address: Address, purpose: Purpose, root: Path) -> None:
        super().__init__(address, purpose, timeout=0)  # nothing has a time limit here
        self._root = root
        with self.translate_errors("open"):
            self._check_link(root)

    def prepare(self) -> None:
        """Create the folder. Remove the temporary files of killed runs."""
        with self.translate_errors("write"):
            create_folder(self._root)
        for folder in (self._root, *self._root.glob("*")):
            remove_abandoned(folder / TEMPORARY_FOLDER, ".*")

    def look_up(self, path: str) -> ListedFile | None:
        """Return a regular file."""
        file = self._root / path
        with self.translate_errors("read"), contextlib.suppress(FileNotFoundError):
            status = file.stat()
            if stat.S_ISREG(status.st_mode):
                return _listed(file.name, status)
        return None

    def listing(self, folder: str) -> list[ListedFile]:
        """List a folder. A name has no size if it is a link to nothing, cannot be looked up, or has no valid time."""
        with self.translate_errors("list"), contextlib.suppress(FileNotFoundError):
            self._check_link(self._root / folder)
            with os.scandir(self._root / folder) as entries:  # takes half the time of paths
                return [listed_file(entry) or ListedFile(entry.name) for entry in entries]
        return []

    def find(self, folder: str) -> dict[str, datetime | None]:
        """Return all files below a folder. Follow links to folders."""
        with self.translate_errors("read"):
            self._check_link(self._root / folder)
            return dict(walk_files(self._root / folder, f"{folder}/" if folder else ""))

    def exclusive_lock(self, path: str) -> contextlib.AbstractContextManager[None]:
        """Lock a file by a lock file of its own, because not every file system locks folders."""
        folder = self._root / TEMPORARY_FOLDER
        create_folder(folder)
        return exclusive_lock(folder / f".{path.replace('/', '-')}.lock", self._deadline.sleep)

    @contextlib.contextmanager
    def stage(self, path: str, content: bytes) -> Iterator[Callable[[], object]]:
        """Write a temporary file. Yield a function that renames it into place."""
        target = self._root / path
        with self._temporary_file(target) as file:
            file.write(content)
            flush(file)
            yield partial(commit, file, target)

    @contextlib.contextmanager
    def _temporary_file(self, target: Path) -> Iterator[BinaryIO]:
        """Yield a temporary file for a target that can be written."""
        self._check_link(target.parent)
        create_folder(target.parent)
        with temporary_file(target, self._temporary_folder(target)) as file:
            check_writable(target.parent)
            if is_something_else(target):
                raise OutputError(f"cannot write {target}: {NOT_REGULAR}", "remove it")
            yield file

    def open(self, path: str) -> BinaryIO | None:
        """Open a file to read parts of it. Return None if it does not exist."""
        with self.translate_errors("read"), contextlib.suppress(*self._purpose.absent):
            return open_regular(self._root / path)
        return None

    def put(self, path: str, local: Path) -> None:
        """Copy a file to a temporary name, and rename it into place."""
        target = self._root / path
        with self.translate_errors("write"), self._temporary_file(target) as file, open_regular(local) as content:
            shutil.copyfileobj(content, file, COPIED_BYTES)
            commit(file, target)

    def set_aside(self, path: str) -> contextlib.AbstractContextManager[None]:
        """Rename the file to a temporary name."""
        target = self._root / path
        return set_aside(target, self._temporary_folder(target))

    def _temporary_folder(self, target: Path) -> Path:
        """Return the folder for the temporary files of a target: the highest one on the same disk.

        Not the partition, if possible: readers of a folder of Parquet files fail on any other file in it.
        """
        disk = mount_of(target.parent)
        if disk == self._disk:
            return self._root / TEMPORARY_FOLDER
        parts = target.parent.relative_to(self._root).parts
        folders = (self._root.joinpath(*parts[:depth]) for depth in range(1, len(parts)))
        return next((one for one in folders if _disk_below(one) == disk), target.parent) / TEMPORARY_FOLDER

    @cached_property
    def _disk(self) -> tuple[int, str]:
        """What identifies the disk of the temporary files of the root."""
        return _disk_below(self._root)

    def _check_link(self, path: Path) -> None:
        """Check that a folder is not a link to nothing, and does not lie behind one, if the purpose refuses that.

        Raises:
            BrokenLinkError: It is or does. Without this check, it would be taken for an empty folder, or created.
        """
        if self._purpose.refuses_broken_links and (link := broken_link(path)):
            raise BrokenLinkError(errno.ENOENT, f"{link} is a link to {link.readlink()}, which does not exist")

    def _reason(self, error: Exception) -> str:
        """Return why an operation failed, and for which file or folder of the lake."""
        reason, file = super()._reason(error), getattr(error, "filename2", None) or getattr(error, "filename", None)
        if not isinstance(file, str) or self._root not in Path(file).parents:
            return reason
        return f"{self.path(Path(file).relative_to(self._root).as_posix())}: {reason}"

    def remove(self, path: str) -> None:
        """Remove a file if it exists."""
        with self.translate_errors("write"):
            (self._root / path).unlink(missing_ok=True)


def _disk_below(folder: Path) -> tuple[int, str]:
    """Return what identifies the disk of the temporary files in a folder: their own folder may be a mount or a link."""
    temporary = folder / TEMPORARY_FOLDER
    return mount_of(temporary if temporary.is_dir() else folder)


def listed_file(path: Path | os.DirEntry[str]) -> ListedFile | None:
    """Return a name in a folder with its size and time, or None if it cannot be looked up or has no valid time."""
    try:
        found = _listed(path.name, path.stat())
    except OSError:
        return None
    return found if found.modified else None


def _listed(name: str, status: os.stat_result) -> ListedFile:
    """Return a file with its size, and with its time if the time is valid."""
    state = FileState.from_status(status)
    with contextlib.suppress(OSError, ValueError, OverflowError):
        return ListedFile(name, state.bytes, state.modified)
    return ListedFile(name, state.bytes)
