"""The plan of a day file: the plans of its hours become one action. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pvtop.core.day import Day
from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.pipeline.plan import REPLACED, Action, ActionKind, HourFacts, LakeEntry, PlanContext, decide, decide_dump
from pvtop.transform.day import DAY_RULES_VERSION, DayProvenance

UNREADABLE = "damaged, or made by another version"


@dataclass(frozen=True, slots=True)
class DayEntry:
    """What the lake has of a day.

    Attributes:
        provenance: Where the day file comes from, None if it is damaged or of another version.
    """

    provenance: DayProvenance | None


@dataclass(frozen=True, slots=True)
class DayAction:
    """What is to be done about a day.

    Attributes:
        day: The day.
        kind: `make`, `verify` or `none`.
        reason: Why. A clause: `the dump of 2019-04-01 12:00 UTC has changed`.
        state: How the day ends if the kind is `none`.
        dumps: How to get the dump of each hour that is published, in order.
        to_verify: The hours whose dump must be verified, if the kind is `verify`.
        provenance: Where the day file in the lake comes from; None if there is none that can be read.
        unreadable: Whether the lake has a day file that cannot be read. Nobody knows which hours it has.
        setting: The field of `Settings` that may help, if the state is `failed`.
    """

    day: Day
    kind: ActionKind
    reason: str
    state: HourState | None = None
    dumps: tuple[Action, ...] = ()
    to_verify: tuple[Action, ...] = ()
    provenance: DayProvenance | None = None
    unreadable: bool = False
    setting: str = ""

    @property
    def missing(self) -> list[Hour]:
        """The hours whose dumps are gone or not published."""
        there = {action.hour for action in self.dumps}
        return [hour for hour in self.day.hours if hour not in there]


def decide_day(
    day: Day, entry: DayEntry | None, facts: Sequence[HourFacts], context: PlanContext, *, is_due: bool
) -> DayAction:
    """Decide what is to be done about a day. Pure: the same arguments give the same action.

    Args:
        day: The day.
        entry: What the lake has of it, None if it has no day file.
        facts: What is known of its hours. Their `entry` is not used.
        context: What the plan depends on besides.
        is_due: Whether the day is made even if hours are not published.
    """
    getting = [decide_dump(one, context) for one in facts]
    found = DayAction(
        day,
        ActionKind.MAKE,
        UNREADABLE if entry else "not in the lake",
        dumps=tuple(action for action in getting if action.kind is ActionKind.MAKE),
        provenance=entry.provenance if entry else None,
        unreadable=entry is not None and entry.provenance is None,
    )
    if found.provenance is None:
        new = _make_new(found, getting, is_due=is_due)
        return _keep_hours(new) if found.unreadable and not context.force else new
    in_file = _plan_dumps(found.provenance, facts, context)
    outdated = "forced" if context.force else _reason(found.provenance, found.dumps, in_file)
    return _make_again(found, outdated, getting, in_file)


def needs_listing(action: DayAction, context: PlanContext) -> bool:
    """Return whether a plan that was made without the listings of the source depends on them."""
    if context.in_place or context.check_source:
        return context.check_source and not context.in_place
    needed = (*action.dumps, *action.to_verify) if action.kind is not ActionKind.NONE else ()
    may_appear = action.provenance is not None and bool(action.provenance.missing)
    return not context.offline and (may_appear or any(one.download_bytes is None for one in needed))


def _make_new(action: DayAction, getting: Sequence[Action], *, is_due: bool) -> DayAction:
    """Return the action for a day whose day file is missing or cannot be read."""
    if blocked := _not_downloaded(getting):
        return _failed(action, f"{action.reason}, and {blocked}", "offline")
    if not action.dumps:
        return _none(action, HourState.NOT_PUBLISHED, "not published")
    if action.missing and not is_due:
        count = len(action.missing)
        return _none(action, HourState.MISSING, f"{count} hour{'' if count == 1 else 's'} not published yet")
    return action


def _keep_hours(action: DayAction) -> DayAction:
    """Return the action for a day whose day file cannot be read. It stays if an hour is missing: it may have it."""
    if not action.missing or action.state in {HourState.FAILED, HourState.MISSING}:
        return action
    return _failed(action, lacking(action.missing), "force" if action.dumps else "source")


def lacking(missing: Sequence[Hour]) -> str:
    """Return why a day file that cannot be read stays: some hours are missing, and it may have them."""
    one = f"the dump of {missing[0]} is" if len(missing) == 1 else f"the dumps of {len(missing)} hours are"
    return f"{UNREADABLE}, and {one} gone or not published"


def _make_again(action: DayAction, outdated: str, getting: Sequence[Action], in_file: Sequence[Action]) -> DayAction:
    """Return the action for a day that the lake has.

    A day file that has hours whose dumps are gone stays: making it again would lose them.

    Args:
        action: The action so far.
        outdated: Why the day file is outdated; empty if it is not.
        getting: How to get the dump of each hour.
        in_file: The plan of each hour that is in the day file, as if it was a report.
    """
    to_verify = tuple(one for one in in_file if one.kind is ActionKind.VERIFY)
    reason = outdated or next((one.reason for one in to_verify), "")
    if not reason:
        return _none(action, HourState.UNCHANGED, "up to date")
    if blocked := _not_downloaded(getting):
        return _failed(action, f"{reason}, and {blocked}", "offline")
    if lost := [one.hour for one in in_file if one.hour in action.missing]:
        return _none(action, HourState.UNCHANGED, f"{reason}, but the dump of {lost[0]} is gone")
    if outdated:
        return replace(action, reason=reason)
    return replace(action, kind=ActionKind.VERIFY, reason=reason, to_verify=to_verify)


def _plan_dumps(made: DayProvenance, facts: Sequence[HourFacts], context: PlanContext) -> list[Action]:
    """Plan the hours that are in a day file, as if each was a report and could be downloaded."""
    records = {dump.stamp: dump for dump in made.dumps}
    in_file = [one for one in facts if one.hour.iso in records]
    context = replace(context, force=False, offline=False)
    return [decide(replace(one, entry=LakeEntry(records[one.hour.iso])), context) for one in in_file]


def _reason(made: DayProvenance, dumps: Sequence[Action], in_file: Sequence[Action]) -> str:
    """Return why a day file is outdated, or the empty string."""
    if made.rules != DAY_RULES_VERSION:
        return "made by other rules"
    for one in in_file:
        if one.kind is ActionKind.MAKE:
            return f"the dump of {one.hour} has changed" if one.reason == REPLACED else f"{one.reason} ({one.hour})"
    appeared = [one.hour for one in dumps if one.hour in made.missing]
    return f"the dump of {appeared[0]} has appeared" if appeared else ""


def _not_downloaded(getting: Sequence[Action]) -> str:
    """Return which dump is needed and may not be downloaded, as a clause, or the empty string."""
    blocked = next((one.hour for one in getting if one.state is HourState.FAILED), None)
    return f"the dump of {blocked} is not downloaded offline" if blocked else ""


def _failed(action: DayAction, reason: str, setting: str) -> DayAction:
    return replace(_none(action, HourState.FAILED, reason), setting=setting)


def _none(action: DayAction, state: HourState, reason: str) -> DayAction:
    return replace(action, kind=ActionKind.NONE, reason=reason, state=state)
