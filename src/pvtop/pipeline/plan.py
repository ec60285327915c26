"""The plan: facts about an hour become an action. Only this module decides whether a report is up to date.

| action | meaning | the hour ends as |
|---|---|---|
| `make` | make the report from the dump | `made` |
| `verify` | take the dump's digest; make the report if it differs | `unchanged` or `made` |
| `none` | do nothing | `unchanged`, `not_published`, or `failed` if the dump is needed but may not be downloaded |

Each of the first two may end as `failed`, or as `not_published` if it turns out that the source does not have the dump.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.sources.facts import FileFacts, KnownDigest
from pvtop.sources.listing import is_other
from pvtop.storage.filesystem import ListedFile
from pvtop.transform.day import DumpRecord
from pvtop.transform.report import Provenance
from pvtop.transform.rollup import RollupProvenance

OFFLINE = "the dump is not downloaded offline"
TOUCHED = "the dump's time has changed"
REPLACED = "the dump has changed"


MadeFrom = Provenance | DumpRecord
"""What a report, or a day file, knows of the dump that it was made from."""


class ActionKind(StrEnum):
    """What is to be done about an hour."""

    MAKE = "make"
    VERIFY = "verify"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done about one hour.

    Attributes:
        hour: The hour.
        kind: `make`, `verify` or `none`.
        reason: Why. A clause: `the dump has changed`.
        state: How the hour ends if the kind is `none`. None for the other kinds, because the dump decides.
        download: Whether to download the dump even if it is in the cache.
        provenance: Where the report in the lake, or its part of a day file, comes from; None if there is none that can
            be read.
        download_bytes: Size of what must be downloaded, 0 if nothing is. None if the source does not list the size.
    """

    hour: Hour
    kind: ActionKind
    reason: str
    state: HourState | None = None
    download: bool = False
    provenance: MadeFrom | None = None
    download_bytes: int | None = 0


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a report depends on besides its dump. Another fingerprint gives another report.

    Attributes:
        blacklist_sha256: Digest of the blacklist in hex, None without a blacklist.
        top: Pages per domain.
        keep_unknown: Whether pages titled `-` are ranked.
        rules: `pvtop.transform.report.RULES_VERSION`.
    """

    blacklist_sha256: str | None
    top: int
    keep_unknown: bool
    rules: int

    def reason_outdated(self, made: Provenance | RollupProvenance) -> str:
        """Return why a report or a rollup does not have this fingerprint, or the empty string if it does."""
        if made.rules != self.rules:
            return "made by other rules"
        if made.blacklist_sha256 != self.blacklist_sha256:
            return "the blacklist has changed"
        if made.top != self.top:
            return f"made with top {made.top}"
        return "" if made.keep_unknown == self.keep_unknown else "keep_unknown has changed"


@dataclass(frozen=True, slots=True)
class LakeEntry:
    """What the lake has of an hour: its report, or its part of a day file.

    Attributes:
        provenance: Where it comes from, None if it is damaged or of another version.
        has_all_files: Whether all files of the report are there, not only `top_pages.parquet`.
    """

    provenance: MadeFrom | None
    has_all_files: bool = True


@dataclass(frozen=True, slots=True)
class HourFacts:
    """What is known of an hour before anything is done.

    Attributes:
        hour: The hour.
        address: Where its dump is at the source, without secrets.
        entry: What the lake has of the hour, None if the hour is not in the lake.
        cached: The facts of the cached dump, None if it is not cached; always None for a source in a folder.
        known_digest: The digest of the dump when it was last verified, None if there is no record of it.
        listed: The dump as the source lists it, None if it does not.
        source_listed: Whether the source was asked. If not, nobody knows whether the dump is published.
    """

    hour: Hour
    address: str
    entry: LakeEntry | None = None
    cached: FileFacts | None = None
    known_digest: KnownDigest | None = None
    listed: ListedFile | None = None
    source_listed: bool = False

    @property
    def is_available(self) -> bool:
        """Whether the dump is cached or listed. True if the source was not listed."""
        return self.listed is not None or self.cached is not None or not self.source_listed

    @property
    def listed_sha256(self) -> str | None:
        """Digest of the dump that is listed, None unless exactly this file was verified before."""
        if self.known_digest is None or self.listed is None:
            return None
        same = (self.known_digest.bytes, self.known_digest.modified) == (self.listed.size, self.listed.modified)
        return self.known_digest.sha256 if same else None


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a plan depends on besides the facts of an hour.

    Attributes:
        fingerprint: What reports depend on now.
        malformed_limit: Share of malformed lines above which an hour fails.
        in_place: Whether the source is a local folder. Its dumps are then read in place, not copied to the cache.
        offline: Whether nothing is downloaded.
        check_source: Whether a change at a remote source counts.
        refresh_dump: Whether dumps are downloaded again.
        force: Whether reports are made in any case.
    """

    fingerprint: Fingerprint
    malformed_limit: float
    in_place: bool = False
    offline: bool = False
    check_source: bool = False
    refresh_dump: bool = False
    force: bool = False

    @property
    def compares_listings(self) -> bool:
        """Whether a report in the lake is compared with what the source lists."""
        return self.in_place or self.check_source


def decide_unfinished(facts: HourFacts, now: datetime, *, in_place: bool) -> Action | None:
    """Return the action for an hour that has not ended, None for any other. Needs neither blacklist nor listing.

    Args:
        facts: What is known of the hour without asking the source.
        now: The time by the clock of this machine.
        in_place: Whether the source is a local folder, which shows whether it has the dump.
    """
    if in_place or facts.entry or facts.cached or facts.hour.stamp <= now:
        return None
    return _not_published(facts)


def decide(facts: HourFacts, context: PlanContext) -> Action:
    """Decide what is to be done about an hour. Pure: the same arguments give the same action."""
    return _with_size(_decide(facts, context), facts, context)


def _with_size(action: Action, facts: HourFacts, context: PlanContext) -> Action:
    """Add how much must be downloaded for an action."""
    if action.kind is ActionKind.NONE or context.in_place or (facts.cached and not action.download):
        return action
    return replace(action, download_bytes=facts.listed.size if facts.listed else None)


def decide_dump(facts: HourFacts, context: PlanContext) -> Action:
    """Decide how to get the dump of an hour, whatever the lake has. Pure.

    Returns:
        The action `make`, or `none` if the dump is not published or not downloaded.
    """
    return _with_size(_make_if_available(facts, context, "its dump is needed"), facts, context)


def needs_listing(facts: HourFacts, context: PlanContext) -> bool:
    """Return whether the plan of an hour depends on what the source lists."""
    action = _decide(facts, context)
    needs_dump = action.kind is not ActionKind.NONE and (action.download or facts.cached is None)
    return context.compares_listings or needs_dump


def holds(action: Action, dump_sha256: str) -> bool:
    """Return whether the report in the lake is up to date, given the digest of its dump."""
    return action.provenance is not None and action.provenance.dump_sha256 == dump_sha256


def _decide(facts: HourFacts, context: PlanContext) -> Action:
    if facts.entry is None:
        return _make_if_available(facts, context, "not in the lake")
    if facts.entry.provenance is None:
        return _make_if_available(facts, context, "damaged, or made by another version")
    reason = "forced" if context.force else _reason_outdated(facts.entry, facts.entry.provenance, context)
    if reason:
        return _make_if_available(facts, context, reason)
    check = _check_folder if context.in_place else _check_remote
    return check(facts, facts.entry.provenance, context)


def _reason_outdated(entry: LakeEntry, made: MadeFrom, context: PlanContext) -> str:
    if not entry.has_all_files:
        return "a file is missing"
    if made.malformed > context.malformed_limit * (made.rows + made.malformed):
        return "too many malformed lines"
    return context.fingerprint.reason_outdated(made) if isinstance(made, Provenance) else ""


def _make_if_available(facts: HourFacts, context: PlanContext, reason: str, *, download: bool = False) -> Action:
    """Return the action `make`, or `none` if the dump is not published."""
    download = not context.in_place and (download or context.refresh_dump or _is_cache_outdated(facts, context))
    available = facts.is_available and not (download and facts.source_listed and facts.listed is None)
    if not available:
        return _not_published(facts)
    if context.offline and not context.in_place and (download or facts.cached is None):
        return _not_downloaded(facts, reason)
    return Action(facts.hour, ActionKind.MAKE, reason, download=download)


def _verify_download(facts: HourFacts, made: MadeFrom, context: PlanContext, reason: str) -> Action:
    if facts.source_listed and facts.listed is None:
        return _not_published(facts)
    if context.offline:
        return _not_downloaded(facts, reason)
    return Action(facts.hour, ActionKind.VERIFY, reason, download=True, provenance=made)


def _not_published(facts: HourFacts) -> Action:
    return Action(facts.hour, ActionKind.NONE, "not published", HourState.NOT_PUBLISHED)


def _not_downloaded(facts: HourFacts, reason: str) -> Action:
    return Action(facts.hour, ActionKind.NONE, f"{reason}, and {OFFLINE}", HourState.FAILED)


def _up_to_date(facts: HourFacts, made: MadeFrom) -> Action:
    return Action(facts.hour, ActionKind.NONE, "up to date", HourState.UNCHANGED, provenance=made)


def _is_cache_outdated(facts: HourFacts, context: PlanContext) -> bool:
    """Return whether the source lists a different file from the cached one."""
    if not context.check_source or facts.cached is None or facts.listed is None:
        return False
    if facts.listed_sha256:
        return facts.listed_sha256 != facts.cached.sha256
    return is_other(facts.listed, facts.cached.bytes, facts.cached.last_modified)


def _check_folder(facts: HourFacts, made: MadeFrom, context: PlanContext) -> Action:
    """Compare a report with its dump if the source is a folder. If the dump is gone, the report remains up to date."""
    listed, known_digest = facts.listed, facts.known_digest
    if listed is None or facts.listed_sha256 == made.dump_sha256:
        return _up_to_date(facts, made)
    if facts.listed_sha256 or listed.size != made.dump_bytes:
        return _make_if_available(facts, context, REPLACED)
    reason = TOUCHED if known_digest else "the dump was not verified before"
    return Action(facts.hour, ActionKind.VERIFY, reason, provenance=made)


def _check_remote(facts: HourFacts, made: MadeFrom, context: PlanContext) -> Action:
    """Compare a report with the dump at a remote source, as far as the settings ask for it, and with the cached one."""
    if context.refresh_dump:
        return _verify_download(facts, made, context, "the dump is downloaded again")
    if context.check_source and (action := _check_listing(facts, made, context)):
        return action
    if facts.cached is None and made.source != facts.address:
        return _make_if_available(facts, context, "made from another source")
    if facts.cached and facts.cached.sha256 != made.dump_sha256:
        return _make_if_available(facts, context, REPLACED)
    return _up_to_date(facts, made)


def _check_listing(facts: HourFacts, made: MadeFrom, context: PlanContext) -> Action | None:
    """Compare a report with the dump that the source lists.

    Return the action, or None if the listing shows no change.
    """
    listed, cached = facts.listed, facts.cached
    if listed is None:
        return None
    if facts.listed_sha256:
        return _make_if_available(facts, context, REPLACED) if facts.listed_sha256 != made.dump_sha256 else None
    size, modified = (cached.bytes, cached.last_modified) if cached else (made.dump_bytes, made.dump_last_modified)
    if listed.size not in {None, size}:
        return _make_if_available(facts, context, REPLACED, download=True)
    if is_other(listed, size, modified):
        return _verify_download(facts, made, context, TOUCHED if listed.size else "the source lists no size")
    return None
