"""pvtop: the top 25 pages of every Wikimedia domain, for any hour.

The names below are the library's interface; each is imported when it is first used, so that `import pvtop` and
`pvtop --help` cost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pvtop._version import __version__ as __version__

# A new name is added twice: for type checkers and editors, and for Python. The tests compare the two.
if TYPE_CHECKING:
    from pvtop.core.day import Day as Day
    from pvtop.core.domain import Domain as Domain
    from pvtop.core.errors import (
        BlacklistError as BlacklistError,
        CorruptError as CorruptError,
        ExhaustedError as ExhaustedError,
        HoursFailedError as HoursFailedError,
        InterruptedRunError as InterruptedRunError,
        InvalidReportError as InvalidReportError,
        MalformedError as MalformedError,
        MartError as MartError,
        NoConnectionError as NoConnectionError,
        NoDayFilesError as NoDayFilesError,
        NotFoundError as NotFoundError,
        NotInLakeError as NotInLakeError,
        NotPublishedError as NotPublishedError,
        OutputError as OutputError,
        PvtopError as PvtopError,
        RangeError as RangeError,
        SourceError as SourceError,
        UnreachableError as UnreachableError,
        UsageError as UsageError,
    )
    from pvtop.core.hour import Hour as Hour, hour_range as hour_range
    from pvtop.core.page import Page as Page
    from pvtop.core.period import Period as Period, Step as Step
    from pvtop.core.states import HourState as HourState
    from pvtop.lake.lake import Lake as Lake
    from pvtop.mart.load import LoadResult as LoadResult
    from pvtop.mart.mart import Mart as Mart
    from pvtop.pipeline.batch import BatchResult as BatchResult, run_hours as run_hours
    from pvtop.pipeline.days import build_days as build_days
    from pvtop.pipeline.found_pages import Movers as Movers, Spikes as Spikes
    from pvtop.pipeline.hour import run_hour as run_hour
    from pvtop.pipeline.lookup import last_hours as last_hours, newest_hour as newest_hour
    from pvtop.pipeline.movers import find_movers as find_movers, find_spikes as find_spikes
    from pvtop.pipeline.results import (
        DayOutcome as DayOutcome,
        DaysResult as DaysResult,
        HourOutcome as HourOutcome,
        HourResult as HourResult,
    )
    from pvtop.pipeline.rollup import RollupResult as RollupResult, run_rollup as run_rollup
    from pvtop.pipeline.series import SeriesResult as SeriesResult, read_series as read_series
    from pvtop.settings import Settings as Settings
    from pvtop.sources.blacklists import read_blacklist as read_blacklist
    from pvtop.sources.dumps import scan_dump as scan_dump
    from pvtop.transform.domains import with_domains as with_domains
    from pvtop.transform.ranking import rank as rank
    from pvtop.transform.report import Provenance as Provenance, Report as Report
    from pvtop.transform.rollup import Rollup as Rollup, RollupProvenance as RollupProvenance

_NAMES = {
    "core.day": "Day",
    "core.domain": "Domain",
    "core.errors": (
        "BlacklistError CorruptError ExhaustedError HoursFailedError InterruptedRunError InvalidReportError "
        "MalformedError MartError NoConnectionError NoDayFilesError NotFoundError NotInLakeError NotPublishedError "
        "OutputError PvtopError RangeError SourceError UnreachableError UsageError"
    ),
    "core.hour": "Hour hour_range",
    "core.page": "Page",
    "core.period": "Period Step",
    "core.states": "HourState",
    "lake.lake": "Lake",
    "mart.load": "LoadResult",
    "mart.mart": "Mart",
    "pipeline.batch": "BatchResult run_hours",
    "pipeline.days": "build_days",
    "pipeline.found_pages": "Movers Spikes",
    "pipeline.hour": "run_hour",
    "pipeline.lookup": "last_hours newest_hour",
    "pipeline.movers": "find_movers find_spikes",
    "pipeline.results": "DayOutcome DaysResult HourOutcome HourResult",
    "pipeline.rollup": "RollupResult run_rollup",
    "pipeline.series": "SeriesResult read_series",
    "settings": "Settings",
    "sources.blacklists": "read_blacklist",
    "sources.dumps": "scan_dump",
    "transform.domains": "with_domains",
    "transform.ranking": "rank",
    "transform.report": "Provenance Report",
    "transform.rollup": "Rollup RollupProvenance",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - type checkers have the names above


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"pvtop.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
