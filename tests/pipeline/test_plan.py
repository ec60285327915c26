"""The plan, as a pure function."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pvtop.core.hour import Hour
from pvtop.pipeline.plan import Fingerprint, LakeEntry, PlanContext, Step, plan
from pvtop.sources.listing import Entry
from pvtop.transform.report import Provenance
from support.reports import make_report

HOUR = Hour.parse("2019-04-01T12")
COMPLETED = HOUR.stamp + timedelta(hours=9)
MADE = replace(make_report().provenance, source=f"https://example.org/{HOUR.dump_path}")
RECIPE = Fingerprint(MADE.blacklist_sha256, MADE.top, MADE.keep_unknown, MADE.rules, malformed_limit=0.01)
TERMS = PlanContext(RECIPE, "https://example.org", in_place=False)
LISTED = Entry(HOUR.dump_path.rpartition("/")[2], MADE.dump_bytes, HOUR.stamp)


def decide(made: Provenance | None, terms: PlanContext = TERMS, listed: Entry | None = LISTED) -> tuple[Step, str]:
    (action,) = plan([HOUR], {HOUR: LakeEntry(COMPLETED, made)}, {HOUR: listed} if listed else {}, terms)
    assert action.hour == HOUR
    return action.step, action.reason


def test_missing_hours_are_made_where_they_are_published() -> None:
    actions = plan([HOUR, HOUR + 1], {}, {HOUR: LISTED}, TERMS)
    assert [(action.hour, action.step) for action in actions] == [(HOUR, Step.MAKE), (HOUR + 1, Step.NOT_PUBLISHED)]


def test_done_hours_are_done_whether_still_published_or_not() -> None:
    assert decide(MADE) == (Step.DONE, "")
    assert decide(MADE, listed=None) == (Step.DONE, "")


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        (replace(RECIPE, rules=RECIPE.rules + 1), "other rules"),
        (replace(RECIPE, blacklist_sha256="f"), "another blacklist"),
        (replace(RECIPE, top=3), f"top {RECIPE.top} before"),
        (replace(RECIPE, keep_unknown=not RECIPE.keep_unknown), "unknown pages"),
    ],
)
def test_another_recipe_makes_again(recipe: Fingerprint, reason: str) -> None:
    assert decide(MADE, replace(TERMS, recipe=recipe)) == (Step.AGAIN, reason)


def test_a_stricter_limit_on_malformed_lines_makes_again() -> None:
    lossy = replace(MADE, rows=99, malformed=1)
    assert decide(lossy, replace(TERMS, recipe=replace(RECIPE, malformed_limit=0.01))) == (Step.DONE, "")
    again = (Step.AGAIN, "too many malformed lines")
    assert decide(lossy, replace(TERMS, recipe=replace(RECIPE, malformed_limit=0.009))) == again


def test_force_and_what_cannot_be_read_make_again() -> None:
    assert decide(MADE, replace(TERMS, force=True)) == (Step.AGAIN, "forced")
    assert decide(None) == (Step.AGAIN, "another version, or damaged")


def test_what_lacks_a_file_is_made_again() -> None:
    (action,) = plan([HOUR], {HOUR: LakeEntry(COMPLETED, MADE, whole=False)}, {HOUR: LISTED}, TERMS)
    assert (action.step, action.reason) == (Step.AGAIN, "a file is missing")


def test_another_source_makes_again() -> None:
    assert decide(MADE, replace(TERMS, source="https://example.com")) == (Step.AGAIN, "another source")


def test_a_changed_source_counts_when_asked() -> None:
    larger = replace(LISTED, size=MADE.dump_bytes + 1)
    assert decide(MADE, listed=larger) == (Step.DONE, "")
    assert decide(MADE, replace(TERMS, check_source=True), larger) == (Step.AGAIN, "the source has changed")


def test_a_folder_is_looked_at_in_any_case() -> None:
    folder = replace(TERMS, in_place=True)
    later = replace(LISTED, modified=COMPLETED + timedelta(seconds=1))
    assert decide(MADE, folder) == (Step.DONE, "")
    assert decide(MADE, folder, later) == (Step.AGAIN, "the dump has changed")
    assert decide(MADE, folder, replace(LISTED, size=1)) == (Step.AGAIN, "the dump has changed")
