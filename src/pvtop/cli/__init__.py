"""The command line: each command parses, calls the library and hands the outcome to `output`."""

from __future__ import annotations

import atexit
import gc
import io
import os
import signal
import sys
from typing import Annotated

import typer

from pvtop._version import __version__
from pvtop.cli import batch, blacklist, cache, reports, status, validate
from pvtop.cli.streams import close_log, say, writing_stdout
from pvtop.core.address import redacted
from pvtop.core.errors import PvtopError, UsageError, internal_error

EPILOG = (
    "Every option with a value, and most switches, can also be set as PVTOP_<OPTION> in the environment or as "
    "<option> = ... in ./pvtop.toml. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not published, "
    "4 some hours of a batch failed, 5 not valid or too many malformed lines, 130 interrupted."
)

# Polars' allocator, jemalloc, keeps what was freed in each of its arenas, four per core unless told otherwise. With one
# per two cores an hour takes a seventh less memory, and no more time.
ARENAS = f"narenas:{max(1, (os.cpu_count() or 1) // 2)}"

# How many more objects there are before Python looks for garbage among them: more than an hour makes. With its own 700,
# it looks through all that is imported time and again, which takes a twentieth of an hour's time.
OBJECTS = 200_000

app = typer.Typer(
    help="The top pages of every Wikimedia domain, hour by hour.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its help takes twice the time to come up
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(reports.report)
app.command()(reports.show)
app.command()(batch.batch)
app.command()(status.status)
app.command()(validate.validate)
app.add_typer(blacklist.app, name="blacklist")
app.add_typer(cache.app, name="cache")


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
            callback=lambda value: _version(wanted=value),
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Take what holds for every command."""


def main() -> None:
    """Run the command line; the one place where failures become messages and exit codes."""
    limit_arenas()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # all that is installed is searched for them otherwise
    gc.set_threshold(OBJECTS)
    atexit.register(gc.freeze)  # it would look for garbage among all modules once more before it ends
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # both end a run in good order
    try:
        with writing_stdout():
            code = app(standalone_mode=False)
    except typer.Abort:
        say("Aborted!")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the user gets a line and an exit code
        sys.exit(_explain(error))
    finally:
        close_log()
    sys.exit(code or 0)


def limit_arenas() -> None:
    """Set `ARENAS` for when Polars is loaded, beside what is set: by the user, or by Polars in a process above."""
    found = os.environ.get("_RJEM_MALLOC_CONF", "")
    if "narenas" not in found:
        os.environ["_RJEM_MALLOC_CONF"] = ",".join(filter(None, [found, ARENAS]))


def _explain(error: Exception) -> int:
    """Print a failure and give its exit code; the traceback only when asked for details."""
    import logging
    import traceback

    if hasattr(error, "show"):  # a wrong usage, of a class of Typer that has no public name
        usage = io.StringIO()
        error.show(usage)
        say(redacted(usage.getvalue().rstrip()))
        return UsageError.exit_code
    if logging.getLogger("pvtop").isEnabledFor(logging.DEBUG):
        say(redacted("".join(traceback.format_exception(error)).rstrip()))
    if not isinstance(error, PvtopError):
        error = internal_error(error)
    say(redacted(f"pvtop: {error}"))
    if error.hint:
        say(redacted(f"  {error.hint}"))
    return error.exit_code
