"""The command line. A command parses its options, calls the library and prints the result."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from pvtop._version import __version__
from pvtop.cli import (
    batch,
    blacklist,
    cache,
    config,
    days,
    domains,
    mart,
    movers,
    report,
    rollup,
    series,
    show,
    spikes,
    status,
    validate,
)
from pvtop.cli.help import GroupedCommand
from pvtop.cli.streams import close_log, writing_stdout

EPILOG = (
    "You can also set an option marked [env: ...] as an environment variable, or in pvtop.toml: top = 10. "
    "Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage, 3 not published or not in the lake, "
    "4 some hours of a batch failed, 5 a report is not valid or a dump has too many malformed lines, "
    "129 or 130 interrupted. "
    "Every command and option on one page: docs/cli.md, installed as share/doc/pvtop/cli.md."
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
app.command(cls=GroupedCommand)(report.report)
app.command(cls=GroupedCommand)(show.show)
app.command(cls=GroupedCommand)(domains.domains)
app.command(cls=GroupedCommand)(series.series)
app.command(cls=GroupedCommand)(movers.movers)
app.command(cls=GroupedCommand)(spikes.spikes)
app.command(cls=GroupedCommand)(batch.batch)
app.command(cls=GroupedCommand)(rollup.rollup)
app.command(cls=GroupedCommand)(status.status)
app.command(cls=GroupedCommand)(validate.validate)
app.add_typer(days.app, name="days")
app.add_typer(mart.app, name="mart")
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
    """Run the command line. A command explains its own failures (`cli/options`), and this explains all others."""
    limit_arenas()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # otherwise pydantic searches all installed packages
    gc.set_threshold(OBJECTS)
    try:
        with writing_stdout():
            code = app(prog_name="pvtop", standalone_mode=False)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - the edge: every failure, even a panic of Polars, ends in a message
        from pvtop.cli.failures import explain, output_asked_for

        sys.exit(explain(error, output_asked_for(sys.argv[1:])))
    finally:
        close_log()
    sys.exit(code or 0)


def limit_arenas() -> None:
    """Add `ARENAS` to jemalloc's variable before Polars is loaded. The user or a parent process may have set others."""
    found = os.environ.get("_RJEM_MALLOC_CONF", "")
    if "narenas" not in found:
        os.environ["_RJEM_MALLOC_CONF"] = ",".join(filter(None, [found, ARENAS]))
