"""The values that a user has given for settings, and where: as an argument, in the environment, or in `pvtop.toml`."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pvtop.core.config_file import ConfigFile, read_config_files
from pvtop.core.setting_names import variable


class Origin(StrEnum):
    """The kind of place where a value was given."""

    ARGUMENT = "argument"
    ENVIRONMENT = "environment"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Given:
    """A value that was given for a setting.

    Attributes:
        value: The value as given.
        origin: The kind of place.
        name: The variable, or the path of the file. Empty for an argument.
        line: The line of the file, if it was found.
        folder: The folder at which a relative path starts. Empty for the working folder.
    """

    value: Any
    origin: Origin
    name: str = ""
    line: int | None = None
    folder: Path = Path()

    @property
    def place(self) -> str:
        """The variable, or the file with its line: `/srv/pvtop.toml, line 3`."""
        return f"{self.name}, line {self.line}" if self.line else self.name

    def __str__(self) -> str:
        preposition = "in" if self.origin is Origin.FILE else "as"
        return f"given {preposition} {self.place or 'an argument'}"


def collect(settings: Collection[str], arguments: Mapping[str, Any], user_folder: Path | None) -> dict[str, Given]:
    """Return the value given for each setting: the argument, else the variable, else that of the nearest file.

    Args:
        settings: The names of the settings. The result may also have other names, from arguments and files.
        arguments: The arguments. None means not given.
        user_folder: The folder of the user's own file, if there is one.

    Raises:
        UsageError: A file cannot be read, or is not valid TOML.
    """
    found: dict[str, Given] = {}
    for file in reversed(read_config_files(user_folder)):
        found |= _of_file(file)
    for name in settings:
        if value := os.environ.get(variable(name)):
            found[name] = Given(value, Origin.ENVIRONMENT, variable(name))
    return found | {name: Given(value, Origin.ARGUMENT) for name, value in arguments.items() if value is not None}


def _of_file(file: ConfigFile) -> dict[str, Given]:
    return {
        key: Given(value, Origin.FILE, str(file.path), file.lines.get(key), file.folder)
        for key, value in file.values.items()
    }
