"""Look up what a command needs before it runs: the newest published hours, or the blacklist of the settings."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime

from pvtop.core.hour import Hour
from pvtop.pipeline.session import Session, run_sync
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist, load_blacklist
from pvtop.sources.source import Source, explain_layout, last, newest, open_source
from pvtop.storage.http import Client


def newest_hour(settings: Settings, day: date | None = None, hour: int | None = None) -> Hour:
    """Return the newest hour that the source has published.

    Args:
        settings: The settings, which give the source.
        day: Only hours that are stamped on this day.
        hour: Only hours that are stamped at this hour of the day, 0 to 23.

    Raises:
        NotPublishedError: The source has no such hour.
        SourceError: The source cannot be read.
    """

    async def find() -> Hour:
        async with Client(settings) as client:
            return await newest(open_source(settings.source, client), day, hour)

    return run_sync(find())


async def explain_unpublished(hours: Collection[Hour], source: Source) -> str:
    """Return how the layout of a source explains that it has none of some hours, or an empty string.

    Lists nothing if all hours are in the future.
    """
    return await explain_layout(source) if hours and min(hours).stamp <= datetime.now(UTC) else ""


def configured_blacklist(settings: Settings) -> Blacklist:
    """Return the blacklist of the settings. Download it if it is neither local nor in the cache.

    Raises:
        BlacklistError: It cannot be read or downloaded, or is not a blacklist.
    """

    async def load() -> Blacklist:
        async with Client(settings) as client:
            return await load_blacklist(client, settings)

    return run_sync(load())


def last_hours(settings: Settings, count: int) -> list[Hour]:
    """Return the newest published hours, oldest first.

    Raises:
        NotPublishedError: The source has no dump.
        SourceError: The source cannot be read.
    """

    async def find() -> list[Hour]:
        async with Session(settings) as session:
            return await last(session.source, count)

    return run_sync(find())
