"""The command that shows which hours are in a lake."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pvtop.cli.hours import End, HoursOfDay, Last, Start, published_hours
from pvtop.cli.options import TABLES, command_options
from pvtop.cli.output import Output, Table, failed, runs
from pvtop.cli.streams import can_draw
from pvtop.core.known_issues import known_issues
from pvtop.core.states import HourState

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.pipeline.status import LakeStatus
    from pvtop.settings import Settings

CALENDAR_HOURS = 168
SIGNS = {
    HourState.MADE: "█",
    HourState.MISSING: "·",
    HourState.FAILED: "x",
    HourState.NOT_PUBLISHED: " ",
}
ASCII_SIGNS = {**SIGNS, HourState.MADE: "#", HourState.MISSING: "."}
STYLES = {
    HourState.MADE: "green",
    HourState.MISSING: "yellow",
    HourState.FAILED: "bold red",
    HourState.NOT_PUBLISHED: "",
}


@command_options("source", "output", "cache_dir", "offline", "contact", *TABLES)
def status(
    start: Start = None,
    end: End = None,
    last: Last = None,
    hours: HoursOfDay = None,
    *,
    settings: Settings,
    out: Output,
) -> None:
    """Show which hours are in the lake. Print a calendar with a row for each day and a symbol for each hour.

    --start, --end, --last and --hours work as in batch. The default is the 168 newest published hours (a week). The
    command only looks at file listings in the lake and at the source. It does not read the files.

    Examples:

      pvtop status

      pvtop status --start 2024-08-01 --end 2024-08-31 --output s3://bucket/lake
    """
    from pvtop.pipeline.status import lake_status

    wanted = published_hours(settings, start, end, last, hours, CALENDAR_HOURS)
    found = lake_status(wanted, settings)
    out.result(_data(found), _lines(found), _table(found))


def _data(found: LakeStatus) -> dict[str, Any]:
    return {
        "counts": {str(state): count for state, count in sorted(found.counts.items())},
        "gaps": [{"first": first.iso, "last": last.iso} for first, last in found.gaps],
        "hours": {hour.iso: state for hour, state in found.states.items()},
        "notes": [str(issue) for issue in known_issues(found.states)],
        "source_not_listed": found.unlisted or None,
    }


def _table(found: LakeStatus) -> Table:
    yield "hour", "state"
    for hour, state in found.states.items():
        yield hour.iso, str(state)


def _lines(found: LakeStatus) -> Iterator[str | Text]:
    from rich.text import Text

    signs = SIGNS if can_draw("".join(SIGNS.values())) else ASCII_SIGNS
    yield "            0     6     12    18"
    for day, hours in groupby(found.states.items(), key=lambda item: item[0].stamp.date()):
        states = {hour.stamp.hour: state for hour, state in hours}
        line = Text(f"{day}  ")
        for hour in range(24):
            state = states.get(hour, HourState.NOT_PUBLISHED)
            line.append(signs[state], STYLES[state])
        yield line.append(f"  {list(states.values()).count(HourState.MADE):2}")
    yield "  ".join(f"{sign} {state.label}" for state, sign in signs.items() if sign.strip()) + "  blank: not published"
    yield ", ".join(f"{count:,} {state.label}" for state, count in sorted(found.counts.items()))
    yield from _runs(found, HourState.MISSING)
    yield from map(failed, _runs(found, HourState.FAILED))
    for issue in known_issues(found.states):
        yield f"Note: {issue}"
    if found.unlisted:
        yield f"cannot list the source, so some missing hours may not be published: {found.unlisted}"


def _runs(found: LakeStatus, wanted: HourState) -> Iterator[str]:
    return runs([hour for hour, state in found.states.items() if state is wanted], wanted.label)
