"""Movers and spikes of a day, from the day files in the lake. Reads the files in parts, so memory is bounded."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import polars as pl

from pvtop.core.arguments import check_number, check_whole, several
from pvtop.core.day import FIRST_DATE, HOURS_OF_A_DAY, Day, DayLike
from pvtop.core.domain import Domain
from pvtop.core.errors import CorruptError, NoDayFilesError, UsageError
from pvtop.core.escape import shorten
from pvtop.core.floors import AGAINST, MAX_AGAINST, MAX_TOP, MIN_PEAK_SHARE, MIN_RATIO, MIN_VIEWS, TOP
from pvtop.core.hour import Hour, span
from pvtop.lake.day_files import DayFile
from pvtop.lake.lake import Lake
from pvtop.pipeline.day_rows import DayRows, NumberedDay
from pvtop.pipeline.found_pages import Movers, Spikes
from pvtop.settings import Settings
from pvtop.transform.merge import MERGED_ROWS, merge
from pvtop.transform.movers import (
    MOVER_ORDER,
    SPIKE_ORDER,
    MoverRules,
    SpikeRules,
    best,
)
from pvtop.transform.schemas import MOVERS, SPIKES

HOURS_OF_A_PAGE = 8  # rows of a page, one for each hour: fewer pages are merged at a time
HOURLY = ["page_title", "views", "start_hours", "counts"]


def find_movers(  # noqa: PLR0913 - each is a choice of its own
    day: DayLike,
    settings: Settings,
    *,
    against: int = AGAINST,
    domains: str | Collection[str] | None = None,
    top: int = TOP,
    min_views: int = MIN_VIEWS,
    min_ratio: float = MIN_RATIO,
) -> Movers:
    """Find the pages whose views on a day are furthest above their own level of the days before.

    Desktop, mobile and zero of a wiki are counted together. Pages on the blacklist are excluded before that, by their
    own domain code, and so are pages titled `-` unless the settings keep them. Earlier days that have no day file are
    skipped. Hours without data count neither for the day nor for the level.

    Args:
        day: The UTC day: a `Day`, a date, or text such as `2024-12-30`.
        settings: Name the lake and the blacklist.
        against: The number of days before it that give the earlier level, 1 to 31.
        domains: A domain code, or several. Each of their wikis is ranked by itself. None ranks all pages together.
        top: Number of pages, of each wiki or of all.
        min_views: The minimum of views on the day, 1 or more.
        min_ratio: The minimum ratio of these views to the earlier level, 1 or more.

    Returns:
        The movers. Their frame is in the order of the ranks, by wiki first if each is ranked by itself:

        - `domain_code` String: the desktop code of the wiki. A code that is unknown stands for itself.
        - `rank` UInt32: from 1 without gaps. Ties are broken by more views, then by domain code and title.
        - `page_title` String.
        - `views` Int64: the views on the day.
        - `mobile_views` Int64: how many of them are mobile or zero, null if the code is empty or unknown.
        - `earlier_mean` Float64: the views that the page would have at its earlier level: its mean views per hour of
          the earlier days, times the hours of the day that have data.
        - `ratio` Float64: `views` divided by `earlier_mean`, null if that is 0.
        - `score` Float64: the log-likelihood ratio G2 that `docs/movers.md` defines. The ranks are by score.
        - `daily_views` List(Int64): the views of each earlier day, oldest first, and of the day. Null for a day that
          has no day file.

    Raises:
        UsageError: The value is not a day, a number or a domain code is wrong, or all hours of the earlier days are
            without data.
        NoDayFilesError: The day has no day file, or none of the earlier days has one with data.
        OutputError: The lake cannot be read, or a day file is damaged.
        CorruptError: The views of a page do not fit into 64 bits.
        BlacklistError: The blacklist cannot be read or downloaded.
    """
    day = Day.at(day)
    check_whole("against", against, 1, MAX_AGAINST)
    check_whole("top", top, 1, MAX_TOP)
    check_whole("min_views", min_views, 1)
    check_number("min_ratio", min_ratio, least=1)
    lake = Lake.of(settings)
    earlier = [day + -count for count in range(against, 0, -1) if (day.date - FIRST_DATE).days >= count]
    with _opened(lake, [*earlier, day]) as files:
        found, missing = _required(lake, day, files), _missing(files)
        hours = {one: HOURS_OF_A_DAY - len(missing[one]) for one in missing}
        if not any(hours.get(one) for one in earlier):
            raise _nothing_before(lake, day, [one for one in earlier if one not in files])
        rules = MoverRules(hours[day], tuple(hours.get(one) for one in earlier), min_views, min_ratio)
        numbers = {one: number for number, one in enumerate([*earlier, day])}
        wanted = DayRows(settings, found, min_views, _wanted_domains(domains))
        runs = [NumberedDay(file, numbers[one]) for one, file in files.items()]
        frames = merge(wanted.segments(runs, ["page_title", "views"]), MERGED_ROWS, rules.find)
        pages = _best(day, frames, MOVER_ORDER, top, per_domain=domains is not None)
    return Movers(
        day=day,
        pages=MOVERS.to_frame() if pages is None else pages.select(MOVERS.names()),
        earlier=[one for one in earlier if one in files],
        days_without_file=[one for one in earlier if one not in files],
        hours_without_data=[hour for one in sorted(missing) for hour in missing[one]],
        hours_with_data=hours[day],
        earlier_hours_with_data=sum(hours.get(one, 0) for one in earlier),
    )


def find_spikes(  # noqa: PLR0913 - each is a choice of its own
    day: DayLike,
    settings: Settings,
    *,
    domains: str | Collection[str] | None = None,
    top: int = TOP,
    min_views: int = MIN_VIEWS,
    min_peak_share: float = MIN_PEAK_SHARE,
) -> Spikes:
    """Find the pages with most of a day's views in one hour.

    Pages are counted and excluded as in `find_movers`. The mobile shares help to recognise bots: people come from
    desktop and from mobile.

    Args:
        day: The UTC day: a `Day`, a date, or text such as `2024-12-30`.
        settings: Name the lake and the blacklist.
        domains: A domain code, or several. Each of their wikis is ranked by itself. None ranks all pages together.
        top: Number of pages, of each wiki or of all.
        min_views: The minimum of views on the day, 1 or more.
        min_peak_share: The minimum share of these views in one hour, above 0 and at most 1.

    Returns:
        The spikes. Their frame is in the order of the ranks, by wiki first if each is ranked by itself:

        - `domain_code` String: the desktop code of the wiki. A code that is unknown stands for itself.
        - `rank` UInt32: from 1 without gaps, by the views in the peak hour. Ties are broken by more views on the day,
          then by domain code and title.
        - `page_title` String.
        - `peak_start` Datetime (microseconds, UTC): the start of the hour with the most views, the earliest of several.
        - `peak_views` Int64: the views in that hour.
        - `views` Int64: the views on the day.
        - `peak_share` Float64: `peak_views` divided by `views`.
        - `peak_mobile_share` Float64: the share of mobile and zero in the views of that hour, null if the code is
          empty or unknown.
        - `mobile_share` Float64: the same for the day.
        - `hourly_views` List(Int64): the views in each of the 24 hours, null for an hour without data.

    Raises:
        UsageError: The value is not a day, or a number or a domain code is wrong.
        NoDayFilesError: The day has no day file.
        OutputError: The lake cannot be read, or the day file is damaged.
        CorruptError: The views of a page do not fit into 64 bits.
        BlacklistError: The blacklist cannot be read or downloaded.
    """
    day = Day.at(day)
    check_whole("top", top, 1, MAX_TOP)
    check_whole("min_views", min_views, 1)
    check_number("min_peak_share", min_peak_share, above=0, most=1)
    lake = Lake.of(settings)
    with _opened(lake, [day]) as files:
        found, missing = _required(lake, day, files), _missing(files)[day]
        rules = SpikeRules(frozenset(hour.start.hour for hour in missing), min_views, min_peak_share)
        wanted = DayRows(settings, found, min_views, _wanted_domains(domains))
        rows = max(1, MERGED_ROWS // HOURS_OF_A_PAGE)
        frames = merge(wanted.segments([NumberedDay(found, 0)], HOURLY), rows, rules.find)
        pages = _best(day, frames, SPIKE_ORDER, top, per_domain=domains is not None)
    start = pl.lit(day.start, pl.Datetime("us", "UTC")) + pl.duration(hours=pl.col("peak_hour"))
    found_pages = SPIKES.to_frame() if pages is None else pages.with_columns(peak_start=start).select(SPIKES.names())
    return Spikes(day, found_pages, missing)


def _wanted_domains(domains: str | Collection[str] | None) -> list[str] | None:
    """Return the domain codes of an argument, None for all.

    Raises:
        UsageError: There are none, or a value is not a domain code.
    """
    if domains is None:
        return None
    codes = several(domains, str, "domains")
    for code in codes:
        if not isinstance(code, str):
            raise UsageError(
                f"{shorten(repr(code))} is not a domain code", "pass a list of codes, such as ['en', 'de']"
            )
        if domain := Domain.of_host(code):
            raise UsageError(f"{code} is a host, not a domain code", f"write {domain.label}")
    return codes


@contextlib.contextmanager
def _opened(lake: Lake, days: Iterable[Day]) -> Iterator[dict[Day, DayFile]]:
    """Open the day files that are in the lake."""
    with contextlib.ExitStack() as stack:
        files = {day: stack.enter_context(lake.day_file(day)) for day in days}
        yield {day: file for day, file in files.items() if file is not None}


def _required(lake: Lake, day: Day, files: Mapping[Day, DayFile]) -> DayFile:
    """Return the day file of the day itself.

    Raises:
        NoDayFilesError: It is not in the lake.
    """
    if day not in files:
        raise _no_day_files(lake, [day])
    return files[day]


def _no_day_files(lake: Lake, days: Sequence[Day]) -> NoDayFilesError:
    return NoDayFilesError(
        f"the lake {lake.path('')} has no day file of {span(days[0], days[-1])}",
        f"make {'it' if len(days) == 1 else 'them'} with build_days",
        days=list(map(str, days)),
    )


def _nothing_before(lake: Lake, day: Day, lacking: Sequence[Day]) -> NoDayFilesError | UsageError:
    """Return the error for a day of which no earlier hour has data: there is no level to compare it with."""
    if lacking:
        return _no_day_files(lake, lacking)
    return UsageError(f"no hour before {day} has data, so there is no level to compare it with", "name another day")


def _missing(files: Mapping[Day, DayFile]) -> dict[Day, list[Hour]]:
    return {day: list(file.provenance.missing) for day, file in files.items()}


def _best(
    day: Day, frames: Iterable[pl.DataFrame], order: Sequence[str], top: int, *, per_domain: bool
) -> pl.DataFrame | None:
    """Return the best pages of all frames, None if there are none. Holds only the best ones so far.

    Raises:
        CorruptError: The views of a page do not fit into 64 bits.
    """
    held: pl.DataFrame | None = None
    try:
        for frame in frames:
            joined = frame if held is None else pl.concat([held.drop("rank"), frame])
            held = best(joined, order, top, per_domain=per_domain)
    except pl.exceptions.InvalidOperationError as error:
        raise CorruptError(f"the views of a page on {day} do not fit into 64 bits") from error
    return held
