"""Open regular files only: opening or reading a pipe, a socket or a device could block forever. Create folders."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

NOT_REGULAR = "it is not a regular file"
NOT_A_FOLDER = "it is not a folder"


class FileState(NamedTuple):
    """The values of a file that change if it is replaced or written."""

    inode: int
    bytes: int
    modified_ns: int

    @property
    def modified(self) -> datetime:
        """The modification time in UTC, to the microsecond."""
        return datetime.fromtimestamp(self.modified_ns // 1000 / 10**6, UTC)

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return the state of a file.

        Raises:
            OSError: The file does not exist or cannot be accessed.
        """
        return cls.from_status(path.stat())

    @classmethod
    def from_status(cls, status: os.stat_result) -> Self:
        """Return the state of a file from its status."""
        # The second time cannot be set: it tells a file that was replaced by one of the same size and time.
        return cls(status.st_ino, status.st_size, max(status.st_mtime_ns, status.st_ctime_ns))


def open_regular(path: Path, mode: str = "rb") -> BinaryIO:
    """Open a regular file. Never block.

    Args:
        path: The file.
        mode: `rb` to read, `r+b` to read and write, `a+b` to create if needed.

    Raises:
        IsADirectoryError: It is a folder.
        OSError: It is something else, or cannot be opened.
    """
    return open(path, mode, opener=_open)  # type: ignore[return-value] # the mode is binary


def is_something_else(path: Path) -> bool:
    """Return whether a path is neither a regular file nor free.

    Raises:
        OSError: The path cannot be accessed.
    """
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def create_folder(path: Path) -> None:
    """Create a folder and those above it, if needed.

    Raises:
        NotADirectoryError: A file or something else is in its place, or in that of a folder above. The error names it.
        OSError: It cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        in_the_way = next((part for part in (*reversed(path.parents), path) if not part.is_dir()), path)
        raise NotADirectoryError(errno.ENOTDIR, NOT_A_FOLDER, str(in_the_way)) from None


def _open(path: str, flags: int) -> int:
    opened = os.open(path, flags | os.O_NONBLOCK, 0o666)
    mode = os.fstat(opened).st_mode
    if stat.S_ISREG(mode):
        return opened
    os.close(opened)
    raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, NOT_REGULAR, path)
