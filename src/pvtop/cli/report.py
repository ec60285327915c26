"""The command that makes the report of one hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pvtop.cli.hours import Date, HourOfDay, published_hour
from pvtop.cli.options import MAKING, PRINTING, command_options
from pvtop.cli.output import Output
from pvtop.core.counted import counted

if TYPE_CHECKING:
    from pvtop.pipeline.results import HourResult
    from pvtop.settings import Settings


@command_options(*MAKING, *PRINTING)
def report(date: Date = None, hour: HourOfDay = None, *, settings: Settings, out: Output) -> None:
    """Make the report of one hour. The default is the newest published hour.

    A report that is up to date is not made again. A report is outdated if its dump, the blacklist, --top or
    --keep-unknown has changed.

    Examples:

      pvtop report --contact you@example.org

      pvtop report --date 2024-08-03 --hour 6

      pvtop report --date 2024-08-03 --hour 6 --source ./mirror --blacklist none --output s3://bucket/lake
    """
    from pvtop.cli.progress import watching_hour
    from pvtop.pipeline.hour import run_hour

    wanted = published_hour(settings, date, hour)
    with watching_hour(out, wanted) as watch:
        result = run_hour(wanted, settings, watch.downloading, watch.computing)
    out.result(_data(result), _lines(result))


def _data(result: HourResult) -> dict[str, Any]:
    files = {"text": result.text, "top_pages": result.top_pages, "domains": result.domains}
    return {
        "hour": result.hour.iso,
        "state": result.state,
        "files": files,
        "provenance": asdict(result.provenance),
    }


def _lines(result: HourResult) -> Iterator[str]:
    facts = result.provenance
    entries = f"{counted(facts.entries, 'entry', 'entries')} with {counted(facts.entry_views, 'view')}"
    yield f"{result.hour}: {counted(facts.domains, 'domain')}, {entries} ({result.state.label})"
    yield result.text
    yield result.top_pages
    yield result.domains
