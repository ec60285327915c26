"""The command that makes the rollup of a day, a month or a range of hours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.hours import End, Month, Start, WholeDay, read_period
from pvtop.cli.options import TABLES, command_options
from pvtop.cli.output import Output, Table, number_of_hours, runs
from pvtop.core.counted import counted
from pvtop.core.errors import UsageError

if TYPE_CHECKING:
    from pvtop.pipeline.rollup import RollupResult
    from pvtop.settings import Settings
    from pvtop.transform.rollup import Rollup

MergeAccess = Annotated[
    bool,
    typer.Option(
        "--merge-access", help="Add up desktop, mobile and zero of each wiki, and show how many views are mobile."
    ),
]


@command_options(
    "source", "blacklist", "cache_dir", "refresh_blacklist", "offline", "expect_whole", "output", "top",
    "keep_unknown", "force", "contact", "log_format", *TABLES,
)  # fmt: skip
def rollup(
    day: WholeDay = None,
    month: Month = None,
    start: Start = None,
    end: End = None,
    *,
    merge_access: MergeAccess = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if an hour is missing.")] = False,
    settings: Settings,
    out: Output,
) -> None:
    """Make the rollup of a day, a month or a range: the top pages by the exact sums of their views over all hours.

    The days of --day and --month are UTC days. --start and --end are stamps, as in batch: a stamp is the END of an
    hour.

    The views come from the day files in the lake. For days without one, they come from the dumps, which are downloaded
    if they are not on this machine.

    Hours whose dumps are missing are named, and the others are added up. With --strict, a missing hour is a failure
    with exit code 3.

    A rollup that is up to date is not made again. A rollup is outdated if a dump, the blacklist, --top or
    --keep-unknown has changed, or if a missing hour has appeared.

    Examples:

      pvtop rollup --day 2024-12-30

      pvtop rollup --month 2024-12 --merge-access

      pvtop rollup --start 2024-12-23T01 --end 2024-12-30T00 --strict
    """
    from pvtop.cli.progress import waiting
    from pvtop.pipeline.rollup import run_rollup

    period = read_period(day, month, start, end)
    if period is None:
        raise UsageError("no hours are given", "give --day, --month, or --start and --end")
    with waiting(out, f"adding up {number_of_hours(len(period.hours))}"):
        result = run_rollup(period, settings, merge_access=merge_access, strict=strict)
    out.result(_data(result), _lines(result), _table(result.rollup))


def interval(found: Rollup) -> dict[str, Any]:
    """Return the hours of a rollup for JSON: their stamps, and the interval in which views were counted."""
    period = found.period
    return {
        "first": period.first.iso,
        "last": period.last.iso,
        "start": f"{period.first.start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{period.last.stamp:%Y-%m-%dT%H:%M:%SZ}",
        "merged": found.merged,
        "missing_hours": [hour.iso for hour in found.provenance.missing],
    }


def heading(found: Rollup) -> str:
    """Return the period of a rollup, with the interval in which its views were counted."""
    first, last = found.period.first.start, found.period.last.stamp
    return f"{found.period}, views from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def _data(result: RollupResult) -> dict[str, Any]:
    files = {"top_pages": result.top_pages, "domains": result.domains}
    provenance = asdict(result.rollup.provenance)
    return {**interval(result.rollup), "state": result.state, "files": files, "provenance": provenance}


def _table(found: Rollup) -> Table:
    frame, period = found.top_pages, found.period
    yield "first", "last", *frame.columns
    for row in frame.iter_rows():
        yield period.first.iso, period.last.iso, *row


def _lines(result: RollupResult) -> Iterator[str]:
    from pvtop.transform.ranking import wide_sum

    found, frame = result.rollup, result.rollup.top_pages
    domains, views = frame.get_column("domain_code").n_unique(), wide_sum(frame.get_column("views"))
    entries = f"{counted(len(frame), 'entry', 'entries')} with {counted(views, 'view')}"
    yield f"{heading(found)}: {counted(domains, 'domain')}, {entries} ({result.state.label})"
    yield from runs(found.provenance.missing, "missing")
    yield result.top_pages
    yield result.domains
