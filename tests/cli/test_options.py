"""The table of options, and what a command gets from it."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Iterator
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from pvtop.cli import app as pvtop_app
from pvtop.cli.options import OPTIONS, PRINTING, command_options
from pvtop.cli.output import Output
from pvtop.core.errors import UsageError
from pvtop.settings import Settings

SETTINGS = [option.name for option in OPTIONS.values() if option.is_setting]
app = typer.Typer(rich_markup_mode=None)
called: list[tuple[int, Settings, Output]] = []


@app.command()
@command_options("top", "force", "expect_whole", *PRINTING, "log_format", top="as many as fit")
def make(own: Annotated[int, typer.Option(help="Its own.")] = 1, *, settings: Settings, out: Output) -> None:
    """Make something."""
    called.append((own, settings, out))


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Close the log that an output has opened."""
    called.clear()
    yield
    logging.getLogger("pvtop").handlers.clear()
    logging.getLogger("pvtop").setLevel(logging.NOTSET)


def run(*args: str) -> tuple[int, Settings, Output]:
    """Run the command of this module, and return what it was called with."""
    CliRunner().invoke(app, args, catch_exceptions=False, standalone_mode=False)
    return called[0]


def help_of(app: typer.Typer, *command: str) -> str:
    """Return a help text in one line."""
    return " ".join(CliRunner().invoke(app, [*command, "--help"]).output.split())


def test_options_are_settings_or_arguments_of_the_output() -> None:
    assert set(SETTINGS) <= set(Settings.model_fields)
    assert set(OPTIONS) - set(SETTINGS) == set(inspect.signature(Output).parameters) - {"options"}


@pytest.mark.parametrize("name", ["top", "output", "source"])
def test_shown_default_is_the_default_of_the_setting(name: str) -> None:
    assert OPTIONS[name].shown == str(Settings.model_fields[name].default)


def test_command_gets_settings_of_its_options() -> None:
    own, settings, _ = run("--own", "2", "--top", "3", "--no-expect-whole")
    assert (own, settings.top, settings.expect_whole) == (2, 3, False)
    assert settings.model_fields_set - {"cache_dir", "backoff"} == {"top", "expect_whole"}


def test_command_without_options_gets_what_the_environment_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVTOP_TOP", "4")
    monkeypatch.setenv("PVTOP_FORCE", "1")
    own, settings, _ = run()
    assert (own, settings.top, settings.force) == (1, 4, True)


def test_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVTOP_TOP", "4")
    assert run("--top", "3")[1].top == 3


@pytest.mark.parametrize(
    ("args", "place"), [([], "given as PVTOP_TOP"), (["--top", "0"], "given as an argument (--top)")]
)
def test_wrong_value_is_refused_with_the_place_where_it_was_given(
    args: list[str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PVTOP_TOP", "-1")
    done = CliRunner().invoke(app, args)
    message, advice = done.stderr.splitlines()
    assert done.exit_code == UsageError.exit_code
    assert message.startswith("pvtop: top: ")
    assert advice == f"  {place}"


@pytest.mark.parametrize(
    ("args", "level"), [([], logging.INFO), (["-q"], logging.ERROR), (["--verbose"], logging.DEBUG)]
)
def test_command_opens_the_log_at_the_level_of_its_options(args: list[str], level: int) -> None:
    run(*args)
    assert logging.getLogger("pvtop").level == level


def test_command_logs_as_json_if_asked(capsys: pytest.CaptureFixture[str]) -> None:
    run("--log-format", "json")
    logging.getLogger("pvtop").error("a message")
    assert capsys.readouterr().err.startswith('{"time": ')


def test_command_prints_json_if_asked(capsys: pytest.CaptureFixture[str]) -> None:
    run("--json")[2].result({"a": 1}, iter(["text"]))
    assert capsys.readouterr().out == '{\n "a": 1\n}\n'


def test_help_lists_own_options_first_and_the_others_in_the_given_order() -> None:
    shown = help_of(app)
    places = [shown.index(f"--{name}") for name in ("own", "top", "force", "expect-whole", "json", "quiet", "verbose")]
    assert places == sorted(places)


def test_help_shows_a_default_that_a_command_overrides() -> None:
    assert "[env: PVTOP_TOP; default: as many as fit]" in help_of(app)
    assert "[env: PVTOP_TOP; default: 25]" in help_of(pvtop_app, "report")


@pytest.mark.parametrize("name", SETTINGS)
def test_help_shows_the_environment_variable_of_a_setting(name: str) -> None:
    assert re.search(rf"\[env: PVTOP_{name.upper()}[;\]]", help_of(pvtop_app, "batch"))
