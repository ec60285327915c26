"""How an error is worded for the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pvtop
from pvtop.cli.hints import REMEDIES, hint
from pvtop.core.errors import PvtopError, internal_error
from pvtop.settings import Settings
from support.samples import DATA, Command

SOURCES = sorted(Path(pvtop.__file__).parent.rglob("*.py"))


def given(keyword: str) -> Iterator[tuple[str, str]]:
    """Yield every text that some call gives as this argument, with its place."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == keyword:
                for value in ast.walk(node.value):
                    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                        yield f"{path.name}:{value.lineno}", value.value


OPTIONS = {"output": "--output", "cache_dir": "--cache-dir"}


def test_hint_names_the_option_of_its_setting() -> None:
    error = PvtopError("cannot write the lake", "choose another folder", setting="output")
    assert hint(error, OPTIONS) == "choose another folder (--output)"


def test_hint_names_the_long_option_with_dashes() -> None:
    error = PvtopError("disk full", "choose another", setting="cache_dir")
    assert hint(error, OPTIONS) == "choose another (--cache-dir)"


@pytest.mark.parametrize("setting", ["read_timeout", "statsd"])
def test_hint_names_the_variable_of_a_setting_that_is_no_option_of_the_command(setting: str) -> None:
    assert hint(PvtopError("slow", "change it", setting=setting), OPTIONS) == f"change it (PVTOP_{setting.upper()})"


def test_hint_without_a_setting_stays_as_it_is() -> None:
    assert hint(PvtopError("offline", "check the network"), OPTIONS) == "check the network"


def test_error_without_a_hint_has_none() -> None:
    assert hint(PvtopError("offline"), OPTIONS) == ""
    assert hint(PvtopError("offline", setting="output"), OPTIONS) == ""


def test_remedy_replaces_the_hint() -> None:
    error = PvtopError("2 before 1", "swap the two hours", setting="output", remedy="reversed_range")
    assert hint(error, OPTIONS) == "swap --start and --end"
    assert hint(internal_error(KeyError("a")), OPTIONS) == REMEDIES["bug"]


@pytest.mark.parametrize(("command", "place"), [("report", "--statsd"), ("status", "PVTOP_STATSD")])
def test_advice_names_the_option_only_for_commands_that_have_it(
    pvtop_in_process: Command, command: str, place: str
) -> None:
    done = pvtop_in_process(command, "--source", DATA / "source", PVTOP_STATSD="nonsense")
    assert done.returncode == 2
    assert done.stderr.endswith(f" ({place})\n"), done.stderr


def test_every_setting_of_an_error_is_a_field_of_the_settings() -> None:
    assert [place for place, name in given("setting") if name not in Settings.model_fields] == []


def test_every_remedy_of_an_error_has_a_text() -> None:
    found = list(given("remedy"))
    assert "bug" in {remedy for _, remedy in found}
    assert [place for place, remedy in found if remedy not in REMEDIES] == []
