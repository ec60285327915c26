"""Find and read `pvtop.toml`: the nearest one, and the user's own."""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pvtop.core.errors import UsageError
from pvtop.core.redaction import redacted

CONFIG_FILE = "pvtop.toml"

log = logging.getLogger(__name__)


class ConfigFile(NamedTuple):
    """The content of a `pvtop.toml`.

    Attributes:
        path: The file.
        folder: The folder at which its relative paths start. Empty for the working folder.
        values: Its keys and values.
        lines: The number of the line of each key, as far as it was found.
    """

    path: Path
    folder: Path
    values: dict[str, Any]
    lines: dict[str, int]


def home_folder() -> Path | None:
    """Return the user's home folder, or None if it is not known: no `HOME` is set, and the user has no entry."""
    path = os.path.expanduser("~")  # noqa: PTH111 - unlike Path.home, it does not raise
    return Path(path) if os.environ.get("HOME") != "" and os.path.isabs(path) else None  # noqa: PTH117 - the same


def read_config_files(user_folder: Path | None) -> list[ConfigFile]:
    """Read the nearest `pvtop.toml`, in the working folder or above it, and then the one in the user's folder.

    Pass over a file that somebody else owns or that all may write, with a warning: its author may not be the user.

    Raises:
        UsageError: A file cannot be read, or is not valid TOML.
    """
    nearby = list(_nearby())
    nearest = next(filter(None, map(_read, nearby)), None)
    own = user_folder / CONFIG_FILE if user_folder else None
    return list(filter(None, [nearest, _read(own) if own and own not in nearby else None]))


def _nearby() -> Iterator[Path]:
    """Yield the place of the file in the working folder and in each one above it, up to the home folder or the root."""
    here = _working_folder()
    if here is None:
        return
    home = home_folder()
    last = home.resolve() if home else None
    for folder in (here, *here.parents):
        yield folder / CONFIG_FILE
        if folder == last:
            return


def _working_folder() -> Path | None:
    """Return the working folder, or None if it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def _read(path: Path) -> ConfigFile | None:
    """Read a file. Return None if it does not exist, or is not trusted.

    Raises:
        UsageError: It cannot be read, or is not valid TOML.
    """
    try:
        status = path.stat()
        content = _content(path, status) if _is_trusted(path, status) else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "fix or remove it") from None
    return None if content is None else _parse(path, content)


def _is_trusted(path: Path, status: os.stat_result) -> bool:
    """Return whether only the user may write a file. Otherwise, log a warning."""
    if status.st_uid != os.geteuid():
        log.warning("%s is not used, because somebody else owns it", path)
    elif status.st_mode & stat.S_IWOTH:
        log.warning("%s is not used, because everybody may write it (chmod o-w)", path)
    else:
        return True
    return False


def _content(path: Path, status: os.stat_result) -> bytes:
    """Return the content of a file whose owner and permissions were checked.

    Raises:
        OSError: It is not a regular file, cannot be read, or was replaced after the check.
    """
    if not stat.S_ISREG(status.st_mode):  # reading a pipe could block forever
        raise OSError(None, "it is not a regular file")
    with path.open("rb") as file:
        if not os.path.samestat(status, os.fstat(file.fileno())):
            raise OSError(None, "it was just replaced")
        return file.read()


def _parse(path: Path, content: bytes) -> ConfigFile:
    """Parse the content of a file. A byte-order mark at its start is skipped.

    Raises:
        UsageError: It is not valid TOML.
    """
    import tomllib

    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        values = tomllib.loads(text)
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except tomllib.TOMLDecodeError as error:
        reason = redacted(str(error))
    except (RecursionError, ValueError):  # brackets within brackets, or a number of thousands of digits
        reason = "it is nested too deeply, or has a number that is too long"
    else:
        folder = Path() if path.parent == _working_folder() else path.parent
        return ConfigFile(path, folder, values, _lines(text))
    raise UsageError(f"{path} is not valid TOML: {reason}", "fix or remove it") from None


def _lines(text: str) -> dict[str, int]:
    """Return the line of each key, counted from 1. `tomllib` does not tell them."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if match := re.match(r"""\s*\[*\s*["']?([^"'\s=.\[\]]+)["']?\s*[=.\]]""", line):
            found.setdefault(match[1], number)
    return found
