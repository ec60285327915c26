"""The advice below an error, in the words of the command line."""

from __future__ import annotations

from pvtop.cli.options import OPTIONS
from pvtop.core.errors import PvtopError
from pvtop.core.given import variable

REMEDIES = {
    "bug": "this is a bug in pvtop: please report it; -v shows the traceback",
    "list_settings": "pvtop config show lists all settings",
    "make_report": "make it with pvtop report, or name another lake with --output",
    "original_source": (
        "give the source that the report was made from (--source), or make the report again: pvtop report --force"
    ),
    "prune_cache": "free some space: pvtop cache prune --older-than 7d",
    "remake_report": "make it again with pvtop report --force",
    "reversed_range": "swap --start and --end",
    "status": "pvtop status shows which hours are in the lake",
}


def hint(error: PvtopError) -> str:
    """Return the advice for an error: the remedy's text, or its hint with the option or variable of the setting."""
    if error.remedy in REMEDIES:
        return REMEDIES[error.remedy]
    if error.hint and error.setting:
        return f"{error.hint} ({_place(error.setting)})"
    return error.hint


def _place(setting: str) -> str:
    """Return a setting's option, such as `--output`. If it has none, return its variable, such as `PVTOP_ATTEMPTS`."""
    option = OPTIONS.get(setting)
    return option.written[0] if option else variable(setting)
