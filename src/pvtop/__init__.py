"""pvtop: the top 25 pages of every Wikimedia domain, for any hour.

The names below are the library's interface; each is imported when it is first used, so that `import pvtop` and
`pvtop --help` cost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pvtop.blacklist import read_blacklist
    from pvtop.domains import Domain
    from pvtop.dump import scan_dump
    from pvtop.errors import PvtopError
    from pvtop.hours import Hour
    from pvtop.lake import Lake
    from pvtop.pipeline import HourResult, newest_hour, run_hour
    from pvtop.ranking import rank
    from pvtop.report import Provenance, Report
    from pvtop.settings import Settings

__version__ = "0.1.0"

_HOMES = {
    "Domain": "domains",
    "Hour": "hours",
    "HourResult": "pipeline",
    "Lake": "lake",
    "Provenance": "report",
    "PvtopError": "errors",
    "Report": "report",
    "Settings": "settings",
    "newest_hour": "pipeline",
    "rank": "ranking",
    "read_blacklist": "blacklist",
    "run_hour": "pipeline",
    "scan_dump": "dump",
}

__all__ = [
    "Domain",
    "Hour",
    "HourResult",
    "Lake",
    "Provenance",
    "PvtopError",
    "Report",
    "Settings",
    "newest_hour",
    "rank",
    "read_blacklist",
    "run_hour",
    "scan_dump",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"pvtop.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
