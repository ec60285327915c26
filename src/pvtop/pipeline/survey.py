"""Collect the facts that a plan needs: from the lake, the cache and the source's listings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from pvtop.core.hour import Hour
from pvtop.pipeline.plan import Action, HourFacts, LakeEntry, decide, decide_unfinished, needs_listing
from pvtop.pipeline.session import Session
from pvtop.sources.source import source_folder
from pvtop.storage.local import listed_file

FOOTERS_AT_ONCE = 16  # readers of provenances; on object storage they wait far more than they work


async def plan_hours(hours: Sequence[Hour], session: Session) -> list[Action]:
    """Plan many hours. List only the months whose listing can change a plan.

    Raises:
        PvtopError: The lake, the source or the blacklist cannot be read.
    """
    known = await asyncio.to_thread(_look_up, hours, session)
    unfinished = [_decide_unfinished(facts, session) for facts in known]
    if all(unfinished):
        return [action for action in unfinished if action]
    context = await session.context()
    ended = [facts for facts, action in zip(known, unfinished, strict=True) if action is None]
    months = {facts.hour.month_folder for facts in ended if needs_listing(facts, context)}
    await asyncio.gather(*map(session.list_month, sorted(months)))
    decided = iter([decide(await with_listing(facts, session), context) for facts in ended])
    return [action or next(decided) for action in unfinished]


async def plan_hour(hour: Hour, session: Session) -> Action:
    """Plan one hour. Does not list the source to learn whether the dump is published: the download shows it.

    Raises:
        PvtopError: The lake, the source or the blacklist cannot be read.
    """
    (facts,) = await asyncio.to_thread(_look_up, [hour], session)
    if action := _decide_unfinished(facts, session):
        return action
    context = await session.context()
    if context.in_place:
        return decide(await asyncio.to_thread(_look_at_dump, facts, session), context)
    if context.check_source:
        await session.list_month(hour.month_folder)
    return decide(await with_listing(facts, session), context)


def _decide_unfinished(facts: HourFacts, session: Session) -> Action | None:
    return decide_unfinished(facts, session.started, in_place=session.in_place)


def look_at_dumps(hours: Sequence[Hour], session: Session) -> list[HourFacts]:
    """Return what is known of the dumps of some hours without asking a server.

    Raises:
        SourceError: The source is a folder that does not exist.
    """
    facts = [_facts(hour, None, session) for hour in hours]
    if session.in_place:
        return [_look_at_dump(one, session) for one in facts]
    return [replace(one, source_listed=one.hour.stamp > session.started) for one in facts]


def _look_at_dump(facts: HourFacts, session: Session) -> HourFacts:
    """Add the dump in the source's folder.

    Raises:
        SourceError: The source is not a folder.
    """
    source_folder(session.settings.source)
    return replace(facts, listed=listed_file(Path(facts.address)), source_listed=True)


async def with_listing(facts: HourFacts, session: Session) -> HourFacts:
    """Return the facts with what the source lists, if its month was listed in this session."""
    listing = await session.listing_at_hand(facts.hour.month_folder)
    if listing is None:
        return facts
    return replace(facts, listed=listing.get(facts.hour), source_listed=True)


def _look_up(hours: Sequence[Hour], session: Session) -> list[HourFacts]:
    """Look hours up in the lake and in the cache."""
    entries = _read_lake(hours, session)
    return [_facts(hour, entries.get(hour), session) for hour in hours]


def _facts(hour: Hour, entry: LakeEntry | None, session: Session) -> HourFacts:
    address, cache = session.dump_address(hour), session.cache
    cached = None if session.in_place else cache.find(cache.dump_path(hour), address)
    known_digest = cache.recall_digest(str(address)) if session.in_place or session.settings.check_source else None
    return HourFacts(hour, str(address), entry, cached.facts if cached else None, known_digest)


def _read_lake(hours: Sequence[Hour], session: Session) -> dict[Hour, LakeEntry]:
    """Read the provenance of each hour that is in the lake."""
    completed = session.lake.made_at(hours)
    if not completed:
        return {}
    incomplete = session.lake.lacking_files(completed)
    with ThreadPoolExecutor(FOOTERS_AT_ONCE) as readers:
        provenances = dict(zip(completed, readers.map(session.lake.provenance, completed), strict=True))
    return {hour: LakeEntry(provenances[hour], hour not in incomplete) for hour in completed}
