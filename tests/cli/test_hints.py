"""How an error is worded for the command line."""

from __future__ import annotations

import ast
import re
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


COMMANDS = ("report", "batch", "days", "rollup", "series", "show", "status", "cache", "config")
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


@pytest.mark.parametrize(
    ("remedy", "about", "command"),
    [
        ("make_report", "2024-12-30T06", "pvtop report --date 2024-12-30 --hour 6,"),
        ("make_report", "", "pvtop report,"),
        ("remake_report", "2024-12-31T00", "pvtop report --date 2024-12-31 --hour 0 --force"),
        ("remake_report", "", "pvtop report --date D --hour H --force"),
        ("replace_day", "2024-12-30", "pvtop days build --start 2024-12-30 --force"),
        ("replace_day", "", "pvtop days build --start D --force"),
    ],
)
def test_remedy_names_the_hour_or_the_day_if_it_is_known(remedy: str, about: str, command: str) -> None:
    assert command in hint(PvtopError("damaged", remedy=remedy, about=about), OPTIONS)


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


def texts(path: Path) -> Iterator[str]:
    """Yield every text of a module that is not a docstring or a comment."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n    " not in node.value:
            yield node.value


def test_library_speaks_of_python_and_not_of_the_command_line() -> None:
    command = re.compile(rf"(^|\s)--[a-z]|\bpvtop ({'|'.join(COMMANDS)})\b")
    library = [path for path in SOURCES if "cli" not in path.parts and path.parent.name != "pvtop"]
    assert len(library) > 50
    assert [(path.name, text) for path in library for text in texts(path) if command.search(text)] == []


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (("movers", "--day", "2024-12-30"), "pvtop days build --start 2024-12-30 --end 2024-12-30"),
        (("spikes", "--day", "2024-12-30"), "pvtop days build --start 2024-12-30 --end 2024-12-30"),
        (
            ("series", "en:Climate", "--start", "2024-12-30", "--end", "2024-12-30"),
            "pvtop days build --start 2024-12-29 --end 2024-12-30",
        ),
        (("show", "--date", "2024-12-30", "--hour", "6"), "pvtop report --date 2024-12-30 --hour 6,"),
    ],
)
def test_advice_of_a_command_names_the_command_that_makes_what_is_missing(
    pvtop_in_process: Command, tmp_path: Path, command: tuple[str, ...], advice: str
) -> None:
    (tmp_path / "source").mkdir()
    done = pvtop_in_process(*command, PVTOP_SOURCE="source", PVTOP_BLACKLIST="none")
    assert done.returncode == 3
    assert advice in done.stderr
    assert "build_days" not in done.stderr
    assert "run_hour" not in done.stderr
