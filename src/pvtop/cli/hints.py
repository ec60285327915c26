"""The advice below an error, in the words of the command line."""

from __future__ import annotations

from collections.abc import Mapping

from pvtop.core.errors import PvtopError

REMEDIES = {
    "bug": "this is a bug in pvtop: please report it; -v shows the traceback",
    "make_report": "make it with pvtop report, or name another lake with --output",
    "original_source": (
        "give the source that the report was made from (--source), or make the report again: pvtop report --force"
    ),
    "prune_cache": "free some space: pvtop cache prune --older-than 7d",
    "remake_report": "make it again with pvtop report --force",
    "reversed_range": "swap --start and --end",
    "status": "pvtop status shows which hours are in the lake",
}


def hint(error: PvtopError, options: Mapping[str, str]) -> str:
    """Return the advice for an error: the remedy's text, or its hint with the option or variable of the setting.

    Args:
        error: The error.
        options: The settings for which the command has an option, with that option. Others are set by their variable.
    """
    if error.remedy in REMEDIES:
        return REMEDIES[error.remedy]
    if error.hint and error.setting:
        return f"{error.hint} ({options.get(error.setting) or variable(error.setting)})"
    return error.hint


def variable(setting: str) -> str:
    """Return the name of a setting in the environment: `PVTOP_SOURCE`."""
    return f"PVTOP_{setting.upper()}"
