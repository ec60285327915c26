"""The groups of options in the help of a command."""

from __future__ import annotations

import re

import pytest

from support.samples import Command

GROUPS = ["Which hours", "Options", "Input", "Output", "Network", "Messages"]


def headings(text: str) -> list[str]:
    """Return the headings of a help text."""
    return re.findall(r"^(\S.*):$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("command", "groups"),
    [
        ("report", ["Which hours", "Input", "Output", "Network", "Messages"]),
        ("batch", GROUPS),
        ("show", ["Which hours", "Options", "Output", "Messages"]),
        ("validate", GROUPS),
        ("cache dir", ["Input", "Messages"]),
    ],
)
def test_help_has_groups_in_one_order(pvtop_in_process: Command, command: str, groups: list[str]) -> None:
    assert headings(pvtop_in_process(*command.split(), "--help").stdout) == groups


def test_every_option_of_a_making_command_is_in_its_group(pvtop_in_process: Command) -> None:
    shown = pvtop_in_process("report", "--help").stdout
    parts = re.split(r"^(?:\S.*):$", shown, flags=re.MULTILINE)[1:]
    options = [set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", part, re.MULTILINE)) for part in parts]
    assert options[0] == {"--date", "--hour"}
    assert options[1] > {"--source", "--blacklist", "--cache-dir"}
    assert options[2] > {"--output", "--top"}
    assert options[3] >= {"--contact", "--statsd"}
    assert options[4] == {"--json", "--quiet", "--verbose", "--log-format", "--help"}
