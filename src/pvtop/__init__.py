"""pvtop: the top 25 pages of every Wikimedia domain, for any hour.

The names below are the library's interface; each is imported when it is first used, so that `import pvtop` and
`pvtop --help` cost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pvtop._version import __version__ as __version__

if TYPE_CHECKING:
    from pvtop.core.day import Day
    from pvtop.core.domain import Domain
    from pvtop.core.errors import PvtopError
    from pvtop.core.hour import Hour
    from pvtop.core.page import Page
    from pvtop.core.period import Period
    from pvtop.lake.lake import Lake
    from pvtop.pipeline.hour import run_hour
    from pvtop.pipeline.lookup import newest_hour
    from pvtop.pipeline.results import HourResult
    from pvtop.settings import Settings
    from pvtop.sources.blacklists import read_blacklist
    from pvtop.sources.dumps import scan_dump
    from pvtop.transform.domains import with_domains
    from pvtop.transform.ranking import rank
    from pvtop.transform.report import Provenance, Report

_HOMES = {
    "Day": "core.day",
    "Domain": "core.domain",
    "Hour": "core.hour",
    "HourResult": "pipeline.results",
    "Lake": "lake.lake",
    "Page": "core.page",
    "Period": "core.period",
    "Provenance": "transform.report",
    "PvtopError": "core.errors",
    "Report": "transform.report",
    "Settings": "settings",
    "newest_hour": "pipeline.lookup",
    "rank": "transform.ranking",
    "read_blacklist": "sources.blacklists",
    "run_hour": "pipeline.hour",
    "scan_dump": "sources.dumps",
    "with_domains": "transform.domains",
}

__all__ = [
    "Day",
    "Domain",
    "Hour",
    "HourResult",
    "Lake",
    "Page",
    "Period",
    "Provenance",
    "PvtopError",
    "Report",
    "Settings",
    "newest_hour",
    "rank",
    "read_blacklist",
    "run_hour",
    "scan_dump",
    "with_domains",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"pvtop.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
