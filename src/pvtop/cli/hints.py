"""Errors in the words of the command line: the advice below them, and wrong values of options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pvtop.core.errors import NoDayFilesError, PvtopError, exhausted
from pvtop.core.hour import runs_of
from pvtop.core.setting_names import variable

if TYPE_CHECKING:
    from pvtop.core.day import Day

REMEDIES = {
    "bug": "this is a bug in pvtop: please report it; -v shows the traceback",
    "list_settings": "pvtop config show lists all settings",
    "make_mart": "load reports into it with pvtop mart load, or name another one with --to",
    "make_report": "make it: pvtop report{only}, or name another lake with --output",
    "name_period": "make some with pvtop days build, or name the hours: --day, --month, or --start and --end",
    "not_strict": "leave out --strict to add up the others",
    "original_source": (
        "give the source that the report was made from (--source), "
        "or make the report again: pvtop report {hour} --force"
    ),
    "prune_cache": "free some space: pvtop cache prune --older-than 7d",
    "remake_day": "make it again: pvtop days build --start {day}",
    "remake_report": "make it again: pvtop report {hour} --force",
    "remake_rollup": "make it again: pvtop rollup with the same hours and --force",
    "replace_day": "make it again: pvtop days build --start {day} --force",
    "reversed_range": "swap --start and --end",
    "status": "pvtop status shows which hours are in the lake",
}


def hint(error: PvtopError, options: Mapping[str, str]) -> str:
    """Return the advice for an error: the remedy's text, or its hint with the option or variable of the setting.

    Args:
        error: The error.
        options: The settings for which the command has an option, with that option. Others are set by their variable.
    """
    if error.__cause__ and (cause := exhausted(error.__cause__)):
        return cause.hint
    if isinstance(error, NoDayFilesError):
        return f"make {'it' if len(error.days) == 1 else 'them'}: {building(error.days)}"
    if error.remedy in REMEDIES:
        return REMEDIES[error.remedy].format(**_named(error.about))
    if error.hint and error.setting:
        return f"{error.hint} ({options.get(error.setting) or variable(error.setting)})"
    return error.hint


def _named(about: str) -> dict[str, str]:
    """Return how commands name an hour or a day, with placeholders if it is not known. `only` has none."""
    hour = naming(about) if "T" in about else "--date D --hour H"
    return {"day": about or "D", "hour": hour, "only": f" {hour}" if about else ""}


def naming(stamp: str) -> str:
    """Return the options that name an hour: `--date 2019-04-01 --hour 12`."""
    day, _, hour = stamp.partition("T")
    return f"--date {day} --hour {int(hour)}"


def building(days: Sequence[object]) -> str:
    """Return the command that makes the day files from the first to the last of some days, or of the newest days."""
    return f"pvtop days build --start {days[0]} --end {days[-1]}" if days else "pvtop days build --last 8"


def remaking(damaged: Mapping[Day, bool]) -> str:
    """Return the commands that make damaged day files again, one for each run of consecutive days.

    Args:
        damaged: By day, whether its command needs `--force`, because the plan takes the day file for up to date. The
            other days get no `--force`, because it would make them even if that loses hours.
    """
    forced = [day for day, needs_force in damaged.items() if needs_force]
    plain = [day for day in damaged if day not in forced]
    return "; ".join([*map(building, runs_of(plain)), *(f"{building(run)} --force" for run in runs_of(forced))])


def reword(usage: BaseException) -> None:
    """Put the message of wrong usage into our words, if it is pydantic's. Typer checks numbers with pydantic."""
    error: Any = usage.__cause__
    if hasattr(error, "errors"):
        from pvtop.settings import reason

        cause = error.errors()[0].get("ctx", {}).get("error")  # Typer's own message, which names the value
        usage.message = str(cause) if cause else reason(error)  # type: ignore[attr-defined] # it has no public name
