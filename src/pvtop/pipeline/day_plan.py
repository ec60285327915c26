"""The plan of a day file: the plans of its hours become one action. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pvtop.core.day import Day
from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.pipeline.plan import Action, ActionKind, HourFacts, LakeEntry, PlanContext, decide, decide_dump
from pvtop.transform.day import DAY_RULES_VERSION, DayProvenance


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
    """

    day: Day
    kind: ActionKind
    reason: str
    state: HourState | None = None
    dumps: tuple[Action, ...] = ()
    to_verify: tuple[Action, ...] = ()
    provenance: DayProvenance | None = None

    @property
    def missing(self) -> list[Hour]:
        """The hours that are not published."""
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
        "not in the lake",
        dumps=tuple(action for action in getting if action.kind is ActionKind.MAKE),
        provenance=entry.provenance if entry else None,
    )
    if found.provenance is None:
        found = replace(found, reason="damaged, or made by another version") if entry else found
        return _make_new(found, getting, is_due=is_due)
    return _make_again(found, found.provenance, facts, context)


def _make_new(action: DayAction, getting: Sequence[Action], *, is_due: bool) -> DayAction:
    """Return the action for a day that the lake does not have."""
    offline = [one for one in getting if one.state is HourState.FAILED]
    if offline:
        return _none(action, HourState.FAILED, offline[0].reason)
    if not action.dumps:
        return _none(action, HourState.NOT_PUBLISHED, "not published")
    if action.missing and not is_due:
        count = len(action.missing)
        return _none(action, HourState.MISSING, f"{count} hour{'' if count == 1 else 's'} not published yet")
    return action


def _make_again(action: DayAction, made: DayProvenance, facts: Sequence[HourFacts], context: PlanContext) -> DayAction:
    """Return the action for a day that the lake has.

    A day file that has hours whose dumps are gone stays: making it again would lose them.
    """
    planned = {one.hour: one for one in _plan_dumps(made, facts, context)}
    changed = [hour for hour, one in planned.items() if one.kind is ActionKind.MAKE]
    appeared = [one.hour for one in action.dumps if one.hour in made.missing]
    to_verify = tuple(one for one in planned.values() if one.kind is ActionKind.VERIFY)
    reason = _reason(made, changed, appeared, force=context.force)
    if not reason and not to_verify:
        return _none(action, HourState.UNCHANGED, "up to date")
    lost = [hour for hour in planned if hour in action.missing]
    if lost:
        return _none(
            action, HourState.UNCHANGED, f"{reason or 'a dump may have changed'}, but the dump of {lost[0]} is gone"
        )
    if reason:
        return replace(action, reason=reason)
    return replace(action, kind=ActionKind.VERIFY, reason=to_verify[0].reason, to_verify=to_verify)


def _plan_dumps(made: DayProvenance, facts: Sequence[HourFacts], context: PlanContext) -> list[Action]:
    """Plan the hours that are in a day file, as if each was a report."""
    records = {dump.stamp: dump for dump in made.dumps}
    in_file = [one for one in facts if one.hour.iso in records]
    without_force = replace(context, force=False)
    return [decide(replace(one, entry=LakeEntry(records[one.hour.iso])), without_force) for one in in_file]


def _reason(made: DayProvenance, changed: Sequence[Hour], appeared: Sequence[Hour], *, force: bool) -> str:
    """Return why a day file is outdated, or the empty string."""
    if force:
        return "forced"
    if made.rules != DAY_RULES_VERSION:
        return "made by other rules"
    if changed:
        return f"the dump of {changed[0]} has changed"
    return f"the dump of {appeared[0]} has appeared" if appeared else ""


def _none(action: DayAction, state: HourState, reason: str) -> DayAction:
    return replace(action, kind=ActionKind.NONE, reason=reason, state=state)
