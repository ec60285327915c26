"""The help of a command, with its options in groups."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import typer
from typer.core import TyperCommand

HOURS, INPUT, OUTPUT, NETWORK, MESSAGES = "Which hours", "Input", "Output", "Network", "Messages"
OTHERS = "Options"
GROUPS = (HOURS, OTHERS, INPUT, OUTPUT, NETWORK, MESSAGES)  # in the order of the help text


class Formatter(Protocol):
    """The part of Typer's formatter that is used here. Its class has no public name."""

    def section(self, name: str) -> AbstractContextManager[None]:
        """Return a context in which all that is written is below a heading."""

    def write_dl(self, rows: list[tuple[str, str]]) -> None:
        """Write a list of terms and their descriptions."""


class GroupedCommand(TyperCommand):
    """A command whose help has a heading for each group of options: what they give as `rich_help_panel`.

    Typer itself shows these groups only with Rich, with which help takes twice as long.
    """

    def format_options(self, ctx: typer.Context, formatter: Formatter) -> None:  # type: ignore[override]
        """Write the options, group by group."""
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        for option in self.get_params(ctx):
            if record := option.get_help_record(ctx):
                is_help = option.name == "help"
                group = MESSAGES if is_help else getattr(option, "rich_help_panel", None) or OTHERS
                groups[group].append(record)
        for group, records in groups.items():
            if records:
                with formatter.section(group):
                    formatter.write_dl(records)
