"""The command line. A command parses its options, calls the library and prints the result."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import Annotated

import typer

from pvtop._version import __version__
from pvtop.cli import batch, blacklist, cache, config, report, show, status, validate
from pvtop.cli.hints import hint, reword
from pvtop.cli.streams import close_log, say, writing_stdout
from pvtop.core.address import redacted
from pvtop.core.errors import PvtopError, UsageError, internal_error

EPILOG = (
    "You can also set an option marked [env: ...] as an environment variable, or in pvtop.toml: top = 10. "
    "Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage, 3 not published or not in the lake, "
    "4 some hours of a batch failed, 5 a report is not valid or a dump has too many malformed lines, 130 interrupted. "
    "Every command and option on one page: docs/cli.md, or share/doc/pvtop/cli.md in the environment's folder."
)

# Polars' allocator, jemalloc, keeps freed memory in each of its arenas, four per core by default. With one per two
# cores, an hour takes a seventh less memory and no more time.
ARENAS = f"narenas:{max(1, (os.cpu_count() or 1) // 2)}"

# New objects before Python collects garbage: more than an hour makes. With its default of 700, Python searches all
# imported modules time and again, which takes 5 % of the time of a report.
OBJECTS = 200_000

app = typer.Typer(
    help="The top pages of every Wikimedia domain, hour by hour.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # with Rich, help takes twice as long
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(report.report)
app.command()(show.show)
app.command()(batch.batch)
app.command()(status.status)
app.command()(validate.validate)
app.add_typer(blacklist.app, name="blacklist")
app.add_typer(cache.app, name="cache")
app.add_typer(config.app, name="config")


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"pvtop {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    *,
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            callback=lambda value: _version(wanted=value),
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Parse the options that stand before the command."""


def main() -> None:
    """Run the command line, and turn failures into messages and exit codes. Nothing else does that."""
    limit_arenas()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # otherwise pydantic searches all installed packages
    gc.set_threshold(OBJECTS)
    try:
        with writing_stdout():
            code = app(prog_name="pvtop", standalone_mode=False)
    except typer.Abort as abort:
        say("Aborted!")
        sys.exit(130 if isinstance(abort.__context__, KeyboardInterrupt) else 1)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - the edge: every failure, even a panic of Polars, ends in a message
        sys.exit(_explain(error))
    finally:
        close_log()
    sys.exit(code or 0)


def limit_arenas() -> None:
    """Add `ARENAS` to jemalloc's variable before Polars is loaded. The user or a parent process may have set others."""
    found = os.environ.get("_RJEM_MALLOC_CONF", "")
    if "narenas" not in found:
        os.environ["_RJEM_MALLOC_CONF"] = ",".join(filter(None, [found, ARENAS]))


def _explain(error: BaseException) -> int:
    """Print a failure and return its exit code. With --verbose, print the traceback too."""
    import logging
    import traceback

    if hasattr(error, "show"):  # wrong usage: Typer's class has no public name
        reword(error)
        usage = io.StringIO()
        error.show(usage)
        say(redacted(usage.getvalue().rstrip()))
        return UsageError.exit_code
    if logging.getLogger("pvtop").isEnabledFor(logging.DEBUG):
        say(redacted("".join(traceback.format_exception(error)).rstrip()))
    if not isinstance(error, PvtopError):
        error = internal_error(error)
    say(redacted(f"pvtop: {error}"))
    if advice := hint(error):
        say(redacted(f"  {advice}"))
    return error.exit_code
