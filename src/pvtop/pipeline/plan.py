"""The plan: which hours are wanted, what exists, and so what is to be done. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pvtop.core.hour import Hour
from pvtop.sources.listing import Entry, is_other
from pvtop.transform.report import Provenance


class Step(StrEnum):
    """What is to be done about an hour."""

    MAKE = "make"
    AGAIN = "again"
    DONE = "done"
    NOT_PUBLISHED = "not published"


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done about one hour, and why where it is done again."""

    hour: Hour
    step: Step
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a report is made with, its dump apart; another recipe gives another report.

    Attributes:
        blacklist_sha256: Digest of the blacklist, None for none.
        top: How many pages a domain gets.
        keep_unknown: Whether pages titled `-` are ranked.
        rules: `pvtop.report.RULES_VERSION`.
        malformed_limit: The share of malformed lines above which an hour fails.
    """

    blacklist_sha256: str | None
    top: int
    keep_unknown: bool
    rules: int
    malformed_limit: float

    def reason_outdated(self, made: Provenance) -> str:
        """Say what a report was made with that is another now, or not accepted any more; empty where nothing is."""
        if made.malformed > self.malformed_limit * (made.rows + made.malformed):
            return "too many malformed lines"
        if made.rules != self.rules:
            return "other rules"
        if made.blacklist_sha256 != self.blacklist_sha256:
            return "another blacklist"
        if made.top != self.top:
            return f"top {made.top} before"
        return "" if made.keep_unknown == self.keep_unknown else "unknown pages"


@dataclass(frozen=True, slots=True)
class LakeEntry:
    """An hour that is done.

    Attributes:
        completed: When its report was completed, None where the lake does not tell.
        made: Where its report comes from; None where another version wrote it otherwise, or it is damaged.
        whole: Whether all its files are there, not only the one that says that it is done.
    """

    completed: datetime | None
    made: Provenance | None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What decides whether an hour that is done still holds.

    Attributes:
        recipe: What reports are made with now.
        source: Address of the source, as in a provenance.
        in_place: Whether the source is a folder that is read in place: then its listing is to be trusted and free.
        check_source: Whether a file that has changed at the source counts.
        force: Whether hours that are done are done again in any case.
    """

    recipe: Fingerprint
    source: str
    in_place: bool
    check_source: bool = False
    force: bool = False


def plan(
    wanted: Iterable[Hour], done: Mapping[Hour, LakeEntry], published: Mapping[Hour, Entry], terms: PlanContext
) -> list[Action]:
    """Decide what is to be done.

    Args:
        wanted: The hours in question.
        done: Those in the lake.
        published: Those at the source, as listed.
        terms: What decides.

    Returns:
        An action for each wanted hour, in their order.
    """
    return [_decide(hour, done.get(hour), published.get(hour), terms) for hour in wanted]


def _decide(hour: Hour, done: LakeEntry | None, listed: Entry | None, terms: PlanContext) -> Action:
    if done is None:
        return Action(hour, Step.MAKE if listed else Step.NOT_PUBLISHED)
    reason = "forced" if terms.force else _outdated(done, listed, terms)
    return Action(hour, Step.AGAIN, reason) if reason else Action(hour, Step.DONE)


def _outdated(done: LakeEntry, listed: Entry | None, terms: PlanContext) -> str:
    """Say why a report does not hold any more; empty where it does."""
    made = done.made
    if made is None:
        return "another version, or damaged"
    if not done.whole:
        return "a file is missing"
    return terms.recipe.reason_outdated(made) or _other_dump(made, done.completed, listed, terms)


def _other_dump(made: Provenance, completed: datetime | None, listed: Entry | None, terms: PlanContext) -> str:
    if terms.in_place:
        return "the dump has changed" if listed and _is_fresher(listed, completed, made.dump_bytes) else ""
    if not made.source.startswith(f"{terms.source}/"):
        return "another source"
    if terms.check_source and listed and is_other(listed, made.dump_bytes, made.dump_last_modified):
        return "the source has changed"
    return ""


def _is_fresher(listed: Entry, completed: datetime | None, size: int) -> bool:
    """Tell whether a file in a folder is another than a report was made of, or was written after it."""
    later = completed is not None and listed.modified is not None and listed.modified > completed
    return later or listed.size != size
