"""The dumps of a rollup: which of them its day files have, and whether any has changed since it was made."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from pvtop.core.day import Day
from pvtop.core.hour import Hour
from pvtop.core.period import Period
from pvtop.core.states import HourState
from pvtop.lake.lake import Lake
from pvtop.pipeline.hour import reason_left
from pvtop.pipeline.plan import Action, ActionKind, HourFacts, decide_dump
from pvtop.pipeline.session import Session
from pvtop.pipeline.survey import look_at_dumps, with_listing
from pvtop.sources.dumps import find_dump
from pvtop.transform.day import DumpRecord
from pvtop.transform.rollup import MISSING, RollupProvenance

Records = Mapping[str, DumpRecord]
"""By stamp, the dumps that a day file was made from."""


def records_in_lake(period: Period, lake: Lake) -> dict[Day, Records]:
    """Return the dumps of each day file in the lake, for the days of a period.

    Raises:
        OutputError: The lake cannot be read, or a day file is damaged.
    """
    there, found = set(lake.days()), dict[Day, Records]()
    for day in period.days:
        if day in there:
            with lake.day_file(day) as day_file:
                if day_file:
                    found[day] = {dump.stamp: dump for dump in day_file.provenance.dumps}
    return found


def digests_of(records: Records) -> dict[str, str]:
    """Return the sha256 of dumps in hex, by stamp."""
    return {stamp: dump.dump_sha256 for stamp, dump in records.items()}


async def reason_changed(made: RollupProvenance, in_lake: Mapping[Day, Records], session: Session) -> str:
    """Return why a rollup does not have the dumps that are there now, or the empty string if it does.

    A dump that has been removed since does not make it outdated.

    Args:
        made: The provenance of the rollup in the lake.
        in_lake: The dumps of each day that has a day file in the lake.
        session: The resources of the run.

    Raises:
        SourceError: The source cannot be read.
    """
    for day, hours in made.period.days.items():
        known = digests_of(in_lake.get(day, {}))
        now = {
            **known,
            **await asyncio.to_thread(_digests_at_hand, [one for one in hours if one.iso not in known], session),
        }
        for hour in hours:
            before, digest = made.dumps[hour.iso], now.get(hour.iso, MISSING)
            if digest == before == MISSING and await _is_published(hour, session):
                return f"{hour} has been published"
            if digest not in {before, MISSING}:
                return f"the dump of {hour} was {'missing' if before == MISSING else 'replaced'}"
    return ""


def _digests_at_hand(hours: Sequence[Hour], session: Session) -> dict[str, str]:
    """Return the digests of the dumps that are on this machine. Read only dumps whose digest is not known.

    Raises:
        SourceError: The source is a folder that does not exist, or a dump in it cannot be read.
    """
    digests = {facts.hour.iso: _digest_at_hand(facts, session) for facts in look_at_dumps(hours, session)}
    return {stamp: digest for stamp, digest in digests.items() if digest}


def _digest_at_hand(facts: HourFacts, session: Session) -> str | None:
    if facts.cached:
        return facts.cached.sha256
    if facts.listed is None or facts.listed_sha256:
        return facts.listed_sha256
    dump = find_dump(facts.hour, session.settings)
    if dump and dump.state:
        session.cache.remember_digest(dump.facts, dump.state.modified)
    return dump.facts.sha256 if dump else None


async def _is_published(hour: Hour, session: Session) -> bool:
    """Return whether a remote source lists the dump of an hour. Without a network, it counts as not published."""
    if session.in_place or session.settings.offline or hour.stamp > session.started:
        return False
    return hour in await session.list_month(hour.month_folder)


async def dumps_of(hours: Sequence[Hour], session: Session, *, needed: bool) -> list[Action]:
    """Return how to get the dumps of some hours. Those that are missing are not among them.

    Args:
        hours: The hours.
        session: The resources of the run.
        needed: Whether a dump that may not be downloaded is an error. Otherwise its hour counts as missing.

    Raises:
        SourceError: The source cannot be read, or a dump would have to be downloaded offline.
    """
    context = session.dump_context()
    found = await asyncio.to_thread(look_at_dumps, hours, session)
    actions = [decide_dump(await with_listing(facts, session), context) for facts in found]
    for action in actions:
        if needed and action.state is HourState.FAILED:
            raise reason_left(action, session.settings)
    return [action for action in actions if action.kind is ActionKind.MAKE]
