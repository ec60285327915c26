"""How an error is worded for the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pvtop
from pvtop.cli.hints import REMEDIES, hint
from pvtop.core.errors import PvtopError, internal_error
from pvtop.settings import Settings

SOURCES = sorted(Path(pvtop.__file__).parent.rglob("*.py"))


def given(keyword: str) -> Iterator[tuple[str, str]]:
    """Yield every text that some call gives as this argument, with its place."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == keyword:
                for value in ast.walk(node.value):
                    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                        yield f"{path.name}:{value.lineno}", value.value


def test_hint_names_the_option_of_its_setting() -> None:
    error = PvtopError("cannot write the lake", "choose another folder", setting="output")
    assert hint(error) == "choose another folder (--output)"


def test_hint_names_the_long_option_with_dashes() -> None:
    assert hint(PvtopError("disk full", "choose another", setting="cache_dir")) == "choose another (--cache-dir)"


def test_hint_names_the_variable_of_a_setting_without_an_option() -> None:
    assert hint(PvtopError("slow", "allow more time", setting="read_timeout")) == "allow more time (PVTOP_READ_TIMEOUT)"


def test_hint_without_a_setting_stays_as_it_is() -> None:
    assert hint(PvtopError("offline", "check the network")) == "check the network"


def test_error_without_a_hint_has_none() -> None:
    assert hint(PvtopError("offline")) == ""
    assert hint(PvtopError("offline", setting="source")) == ""


def test_remedy_replaces_the_hint() -> None:
    error = PvtopError("2 before 1", "swap the two hours", setting="source", remedy="reversed_range")
    assert hint(error) == "swap --start and --end"
    assert hint(internal_error(KeyError("a"))) == REMEDIES["bug"]


def test_every_setting_of_an_error_is_a_field_of_the_settings() -> None:
    assert [place for place, name in given("setting") if name not in Settings.model_fields] == []


def test_every_remedy_of_an_error_has_a_text() -> None:
    found = list(given("remedy"))
    assert "bug" in {remedy for _, remedy in found}
    assert [place for place, remedy in found if remedy not in REMEDIES] == []
