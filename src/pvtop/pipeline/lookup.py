"""Look up what a command needs before it runs: the newest hours, or the blacklist of the settings.

With the setting `offline`, the newest hours are those whose dumps are in the cache, unless the source is a folder.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from math import inf

from pvtop.core.arguments import MAKE_SETTINGS, check_type, check_whole
from pvtop.core.hour import Hour, check_hour_of_day, date_at, described
from pvtop.pipeline.session import Session, run_sync
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist, load_blacklist
from pvtop.sources.dumps import cached_hours, not_published
from pvtop.sources.source import Source, explain_layout, last, newest, open_source
from pvtop.storage.http import Client, offline


def newest_hour(settings: Settings, day: date | str | None = None, hour: int | None = None) -> Hour:
    """Return the newest hour that the source has published, or that is in the cache if the settings are offline.

    Works in a running event loop, too.

    Args:
        settings: The settings, which give the source.
        day: Only hours that are stamped on this date: a date, or text such as `2024-12-31`.
        hour: Only hours that are stamped at this hour of the day, 0 to 23.

    Raises:
        UsageError: There is no such date or hour.
        NotPublishedError: The source has no such hour, or the day has not begun.
        SourceError: The source cannot be read, or the cache has no such hour.
    """
    check_type(settings, Settings, MAKE_SETTINGS)
    stamped = None if day is None else date_at(day)
    if hour is not None:
        check_hour_of_day(hour)
    if settings.source.local_path is None:
        _check_begun(settings, stamped)
        if settings.offline:
            return max(_cached(settings, stamped, hour))

    async def find() -> Hour:
        async with Client(settings) as client:
            return await newest(open_source(settings.source, client), stamped, hour)

    return run_sync(find())


async def explain_unpublished(hours: Collection[Hour], source: Source) -> str:
    """Return why a source lacks the hours, if its layout is the reason, else an empty string.

    Lists nothing if all hours are in the future.
    """
    return await explain_layout(source) if hours and min(hours).stamp <= datetime.now(UTC) else ""


def _check_begun(settings: Settings, day: date | None) -> None:
    """Check that a day has begun: only then can any of its hours be published. Needs no network.

    Raises:
        NotPublishedError: It has not.
    """
    if day is not None and day > datetime.now(UTC).date():
        raise not_published(Hour.of(day, 0), settings.source)


def _cached(settings: Settings, day: date | None = None, hour: int | None = None) -> list[Hour]:
    """Return the hours in the cache, of a day or at an hour of the day, the oldest first.

    Raises:
        SourceError: There is none.
    """
    hours = cached_hours(settings)
    wanted = [one for one in hours if day in {None, one.stamp.date()} and hour in {None, one.stamp.hour}]
    if wanted:
        return wanted
    raise offline(f"every dump{described(day, hour)} at {settings.source}")


def configured_blacklist(settings: Settings) -> Blacklist:
    """Return the blacklist of the settings. Download it if it is neither local nor in the cache.

    Raises:
        BlacklistError: It cannot be read or downloaded, or is not a blacklist.
    """

    async def load() -> Blacklist:
        async with Client(settings) as client:
            return await load_blacklist(client, settings.blacklist)

    return run_sync(load())


def last_hours(settings: Settings, count: int) -> list[Hour]:
    """Return the newest published hours, or the newest in the cache if the settings are offline; oldest first.

    Works in a running event loop, too.

    Args:
        settings: The settings, which give the source.
        count: How many, 1 or more. If there are fewer, all are returned.

    Raises:
        UsageError: The count is not such a number.
        NotPublishedError: The source has no dump.
        SourceError: The source cannot be read, or the cache has no hour.
    """
    check_type(settings, Settings, MAKE_SETTINGS)
    check_whole("count", count, 1, inf)  # more than there are: all
    if settings.offline and settings.source.local_path is None:
        return _cached(settings)[-count:]

    async def find() -> list[Hour]:
        async with Session(settings) as session:
            return await last(session.source, count)

    return run_sync(find())
