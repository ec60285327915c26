"""The one table of options, and how options become `Settings` and `Output`."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import typer

from pvtop.cli.failures import exit_on_failure
from pvtop.cli.help import INPUT, MESSAGES, NETWORK, OUTPUT
from pvtop.cli.output import Output
from pvtop.cli.streams import LogFormat
from pvtop.core.setting_names import PREFIX, nearest, unknown_variables, variable
from pvtop.storage.deadline import check_threads

Command = Callable[..., None]
PROVIDED = ("settings", "given", "out")  # what a command can be passed, besides its own parameters

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line that sets a field of `Settings`, or an argument of `Output`.

    Args:
        name: The field or the argument.
        group: The heading in the help text.
        help: What it means. One or two short sentences.
        metavar: Placeholder for the value in the help. Empty for a switch.
        kind: The type of its value.
        default: Default value. None for a setting, which may be set elsewhere.
        shown: The default to show in the help text, for a setting that has one.
        flags: The flags, if they differ from the name with dashes.
    """

    name: str
    group: str
    help: str
    metavar: str = ""
    kind: type = str
    default: object = None
    shown: str = ""
    flags: tuple[str, ...] = ()

    @property
    def is_setting(self) -> bool:
        """Whether it sets a field of `Settings`."""
        return self.default is None

    @property
    def written(self) -> tuple[str, ...]:
        """The option as users write it: `--cache-dir`, or `--quiet` and `-q`."""
        return self.flags or (f"--{self.name.replace('_', '-')}",)

    @property
    def _facts(self) -> str:
        """The variable and the default of a setting, for the help text."""
        return "; ".join([f"env: {variable(self.name)}", *([f"default: {self.shown}"] if self.shown else [])])

    @property
    def parameter(self) -> inspect.Parameter:
        """The option as a parameter that Typer reads."""
        option = typer.Option(
            self.default,
            *self.written,
            metavar=self.metavar or None,
            help=f"{self.help}  [{self._facts}]" if self.is_setting else self.help,
            rich_help_panel=self.group,
        )
        kind: Any = self.kind | None if self.is_setting else self.kind
        return inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind)


OPTIONS = {
    option.name: option
    for option in (
        Option("source", INPUT, "Source of the dumps: https address, folder or fsspec address.", "ADDRESS",
               shown="https://dumps.wikimedia.org/other/pageviews"),
        Option("blacklist", INPUT, "List of pages to exclude: address, path, or none.", "ADDRESS",
               shown="the public list; pvtop blacklist info shows its address"),
        Option("cache_dir", INPUT, "Folder for downloads.", "FOLDER",
               shown="pvtop in the user's cache folder; pvtop cache dir prints it"),
        Option("check_source", INPUT, "Make it again if a dump of it has changed at the source.", kind=bool),
        Option("refresh_dump", INPUT, "Download the dump again.", kind=bool),
        Option("refresh_blacklist", INPUT, "Download the blacklist again.", kind=bool),
        Option("offline", INPUT, "Download nothing: use only what is on this machine.", kind=bool),
        Option("expect_whole", INPUT, "Reject dumps that look incomplete.", kind=bool,
               shown="only for Wikimedia and its mirrors", flags=("--expect-whole/--no-expect-whole",)),
        Option("output", OUTPUT, "The lake, where all results are kept: folder or fsspec address.", "ADDRESS",
               shown="reports"),
        Option("top", OUTPUT, "Pages per domain.", "N", int, shown="25"),
        Option("keep_unknown", OUTPUT, "Rank pages titled '-' (unknown) too.", kind=bool),
        Option("force", OUTPUT, "Make it again even if the earlier one is up to date or much larger.",
               kind=bool),
        Option("no_validate", OUTPUT, "Write the result even if validation fails.", kind=bool),
        Option("contact", NETWORK, "E-mail or web address for the User-Agent. Wikimedia requires one.", "TEXT",
               shown="none"),
        Option("mart", OUTPUT, "Datamart to load into: DuckDB file, or postgresql://, mysql:// or mariadb:// address.",
               "ADDRESS", shown="none"),
        Option("statsd", NETWORK, "Send metrics to this DogStatsD server.", "HOST:PORT", shown="none"),
        Option("json", MESSAGES, "Print one JSON document, for a failure too.", kind=bool, default=False),
        Option("csv", MESSAGES, "Print the result as CSV, with a header.", kind=bool, default=False),
        Option("quiet", MESSAGES, "Print nothing but errors.", kind=bool, default=False, flags=("--quiet", "-q")),
        Option("verbose", MESSAGES, "Log what is decided and why, and show tracebacks of failures.", kind=bool,
               default=False, flags=("--verbose", "-v")),
        Option("log_format", MESSAGES, "Format of the log on stderr.", kind=LogFormat, default=LogFormat.TEXT),
    )
}  # fmt: skip
TO = replace(
    OPTIONS["mart"],
    help="The datamart: DuckDB file, or postgresql://, mysql:// or mariadb:// address.",
    flags=("--to",),
)
"""The setting `mart`, as the commands about the mart call it."""

PRINTING = ("json", "quiet", "verbose")
TABLES = ("json", "csv", "quiet", "verbose")  # of a command whose result is a table
BUILDING = (
    "source",
    "output",
    "cache_dir",
    "check_source",
    "refresh_dump",
    "offline",
    "expect_whole",
    "force",
    "no_validate",
    "contact",
    "log_format",
)  # of a command that makes day files
MAKING = (
    "source", "blacklist", "cache_dir", "check_source", "refresh_dump", "refresh_blacklist", "offline", "expect_whole",
    "output", "top", "keep_unknown", "force", "no_validate", "contact", "statsd", "log_format",
)  # fmt: skip


def command_options(*names: str | Option, **shown: str) -> Callable[[Command], Command]:
    """Return a decorator that adds options of the table to a command, and passes it their `settings` and `out`.

    A command can also be passed `given`, which says where each setting was given (`pvtop.core.given`).

    The parameters that the command declares itself become options as usual, and come first in the help text.

    Args:
        *names: Names in the table, or options that differ from it, in the order of the help text.
        **shown: The default to show for an option, if it differs from the table's.
    """
    options = [OPTIONS[name] if isinstance(name, str) else name for name in names]
    chosen = [replace(option, shown=shown[option.name]) if option.name in shown else option for option in options]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**values: Any) -> None:  # noqa: ANN401 - Typer passes what `__signature__` declares
            printing = {option.name: values.pop(option.name) for option in chosen if not option.is_setting}
            flags = {option.name: values.pop(option.name) for option in chosen if option.is_setting}
            out = Output(**printing, options={option.name: option.written[0] for option in chosen if option.is_setting})
            with exit_on_failure(out):
                from pvtop.settings import Settings, given_settings

                _warn_of_unknown_variables(Settings.model_fields)
                given = given_settings(**flags)
                provided = {"settings": Settings.of(given), "given": given, "out": out}
                check_threads()
                command(**values, **{name: provided[name] for name in wanted})

        wanted = [name for name in inspect.signature(command).parameters if name in PROVIDED]
        parameters = [*_own_parameters(command), *(option.parameter for option in chosen)]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what Typer reads
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _own_parameters(command: Command) -> Iterator[inspect.Parameter]:
    """Yield the parameters that a command declares itself. Its annotations may name Settings without importing it."""
    signature = inspect.signature(command, locals={"Settings": object, "Given": object}, eval_str=True)
    for name, parameter in signature.parameters.items():
        if name not in PROVIDED:
            yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)


def _warn_of_unknown_variables(settings: Collection[str]) -> None:
    """Log a warning for each variable that looks like a setting but is none. Their values are not shown."""
    for name in unknown_variables(settings):
        like = nearest(name.removeprefix(PREFIX).lower(), settings)
        log.warning("%s is not used: it is not a setting%s", name, f", did you mean {variable(like)}?" if like else "")
