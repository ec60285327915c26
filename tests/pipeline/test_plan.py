"""The plan, as a pure function of facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.pipeline.plan import (
    Action,
    ActionKind,
    Fingerprint,
    HourFacts,
    LakeEntry,
    PlanContext,
    decide,
    decide_unfinished,
    holds,
    needs_listing,
)
from pvtop.sources.facts import FileFacts, KnownDigest
from pvtop.storage.filesystem import ListedFile
from support.reports import make_report

HOUR = Hour.parse("2019-04-01T12")
ADDRESS = f"https://example.org/{HOUR.dump_path}"
MODIFIED = HOUR.stamp + timedelta(hours=1)
MADE = replace(make_report().provenance, source=ADDRESS, dump_last_modified=f"{MODIFIED:%a, %d %b %Y %H:%M:%S} GMT")
FINGERPRINT = Fingerprint(MADE.blacklist_sha256, MADE.top, MADE.keep_unknown, MADE.rules)
LISTED = ListedFile(HOUR.dump_path.rpartition("/")[2], MADE.dump_bytes, MODIFIED)
CACHED = FileFacts(ADDRESS, MADE.dump_bytes, MADE.dump_sha256, last_modified=MADE.dump_last_modified)
VERIFIED = KnownDigest(ADDRESS, MADE.dump_bytes, MODIFIED, MADE.dump_sha256)

REMOTE = PlanContext(FINGERPRINT, malformed_limit=0.01)
CHECKED = replace(REMOTE, check_source=True)
REFRESHED = replace(REMOTE, refresh_dump=True)
FOLDER = replace(REMOTE, in_place=True)
OFFLINE = replace(REMOTE, offline=True)

MISSING = HourFacts(HOUR, ADDRESS, listed=LISTED, source_listed=True)
IN_LAKE = replace(MISSING, entry=LakeEntry(MADE))
LATER = replace(LISTED, modified=MODIFIED + timedelta(minutes=5))
LARGER = replace(LISTED, size=MADE.dump_bytes + 1)

MAKE, VERIFY, NONE = ActionKind.MAKE, ActionKind.VERIFY, ActionKind.NONE
UP_TO_DATE = (NONE, "up to date", HourState.UNCHANGED)
NOT_PUBLISHED = (NONE, "not published", HourState.NOT_PUBLISHED)


def told(action: Action) -> tuple[object, ...]:
    """Return kind and reason, and the state of an hour for which nothing is to be done."""
    return (action.kind, action.reason, *([action.state] if action.state else []))


# An hour that is not in the lake.


def test_missing_hour_is_made_if_its_dump_is_listed() -> None:
    assert told(decide(MISSING, REMOTE)) == (MAKE, "not in the lake")


def test_missing_hour_is_made_if_nobody_asked_the_source() -> None:
    assert told(decide(HourFacts(HOUR, ADDRESS), REMOTE)) == (MAKE, "not in the lake")


def test_missing_hour_is_made_from_the_cache_if_the_source_lists_it_no_more() -> None:
    action = decide(replace(MISSING, listed=None, cached=CACHED), REMOTE)
    assert (told(action), action.download) == ((MAKE, "not in the lake"), False)


def test_missing_hour_without_a_dump_is_not_published() -> None:
    assert told(decide(replace(MISSING, listed=None), REMOTE)) == NOT_PUBLISHED


def test_cached_dump_is_no_substitute_if_dumps_are_downloaded_again() -> None:
    assert told(decide(replace(MISSING, listed=None, cached=CACHED), REFRESHED)) == NOT_PUBLISHED


@pytest.mark.parametrize(
    ("context", "listed", "download"),
    [
        (REMOTE, LATER, False),
        (CHECKED, LISTED, False),
        (CHECKED, LATER, True),
        (CHECKED, LARGER, True),
        (REFRESHED, LISTED, True),
        (replace(FOLDER, refresh_dump=True), LISTED, False),
    ],
)
def test_cached_dump_is_replaced_if_the_settings_ask_for_it(
    context: PlanContext, listed: ListedFile, download: bool
) -> None:
    assert decide(replace(MISSING, listed=listed, cached=CACHED), context).download is download


# An hour in the lake, whatever its dump.


@pytest.mark.parametrize("context", [REMOTE, CHECKED, FOLDER])
def test_report_that_fits_is_up_to_date(context: PlanContext) -> None:
    assert told(decide(replace(IN_LAKE, known_digest=VERIFIED), context)) == UP_TO_DATE


@pytest.mark.parametrize("context", [REMOTE, CHECKED, FOLDER])
def test_report_whose_dump_is_gone_is_up_to_date(context: PlanContext) -> None:
    assert told(decide(replace(IN_LAKE, listed=None), context)) == UP_TO_DATE


@pytest.mark.parametrize(
    ("fingerprint", "reason"),
    [
        (replace(FINGERPRINT, rules=FINGERPRINT.rules + 1), "made by other rules"),
        (replace(FINGERPRINT, blacklist_sha256="f"), "the blacklist has changed"),
        (replace(FINGERPRINT, top=3), f"made with top {FINGERPRINT.top}"),
        (replace(FINGERPRINT, keep_unknown=not FINGERPRINT.keep_unknown), "keep_unknown has changed"),
    ],
)
def test_another_fingerprint_makes_the_report_again(fingerprint: Fingerprint, reason: str) -> None:
    assert told(decide(IN_LAKE, replace(REMOTE, fingerprint=fingerprint))) == (MAKE, reason)


def test_lower_limit_on_malformed_lines_makes_the_report_again() -> None:
    lossy = replace(IN_LAKE, entry=LakeEntry(replace(MADE, rows=99, malformed=1)))
    assert told(decide(lossy, REMOTE)) == UP_TO_DATE
    stricter = replace(REMOTE, malformed_limit=0.009)
    assert told(decide(lossy, stricter)) == (MAKE, "too many malformed lines")


def test_force_makes_the_report_again() -> None:
    assert told(decide(IN_LAKE, replace(REMOTE, force=True))) == (MAKE, "forced")


def test_report_that_cannot_be_read_is_made_again() -> None:
    damaged = replace(IN_LAKE, entry=LakeEntry(None))
    assert told(decide(damaged, REMOTE)) == (MAKE, "damaged, or made by another version")


def test_report_that_lacks_a_file_is_made_again() -> None:
    lacking = replace(IN_LAKE, entry=LakeEntry(MADE, has_all_files=False))
    assert told(decide(lacking, REMOTE)) == (MAKE, "a file is missing")


def test_outdated_report_whose_dump_is_gone_is_not_published() -> None:
    assert told(decide(replace(IN_LAKE, listed=None), replace(REMOTE, force=True))) == NOT_PUBLISHED


# An hour in the lake, and its dump in a folder.


@pytest.mark.parametrize("known_digest", [None, VERIFIED, replace(VERIFIED, modified=MODIFIED - timedelta(days=1))])
def test_dump_of_another_size_makes_the_report_again(known_digest: KnownDigest | None) -> None:
    facts = replace(IN_LAKE, listed=LARGER, known_digest=known_digest)
    assert told(decide(facts, FOLDER)) == (MAKE, "the dump has changed")


def test_touched_dump_is_verified() -> None:
    facts = replace(IN_LAKE, listed=LATER, known_digest=VERIFIED)
    assert told(decide(facts, FOLDER)) == (VERIFY, "the dump's time has changed")


def test_dump_with_an_earlier_time_than_verified_is_verified() -> None:
    earlier = replace(LISTED, modified=MODIFIED - timedelta(days=1))
    assert told(decide(replace(IN_LAKE, listed=earlier, known_digest=VERIFIED), FOLDER))[0] is VERIFY


def test_dump_is_verified_if_no_verification_is_remembered() -> None:
    assert told(decide(IN_LAKE, FOLDER)) == (VERIFY, "the dump was not verified before")


def test_verified_dump_of_another_source_is_up_to_date() -> None:
    elsewhere = LakeEntry(replace(MADE, source="https://example.com/x"))
    assert told(decide(replace(IN_LAKE, entry=elsewhere, known_digest=VERIFIED), FOLDER)) == UP_TO_DATE


def test_verified_dump_is_not_verified_twice() -> None:
    younger = MODIFIED + timedelta(days=1)
    facts = replace(IN_LAKE, listed=replace(LISTED, modified=younger), known_digest=replace(VERIFIED, modified=younger))
    assert told(decide(facts, FOLDER)) == UP_TO_DATE


def test_dump_that_is_known_to_be_another_makes_the_report_again() -> None:
    facts = replace(IN_LAKE, known_digest=replace(VERIFIED, sha256="f"))
    assert told(decide(facts, FOLDER)) == (MAKE, "the dump has changed")


# An hour in the lake, and its dump at a remote source.


def test_another_source_makes_the_report_again() -> None:
    facts = replace(IN_LAKE, address=f"https://example.com/{HOUR.dump_path}")
    assert told(decide(facts, REMOTE)) == (MAKE, "made from another source")


def test_another_source_whose_dump_is_cached_and_the_same_is_up_to_date() -> None:
    facts = replace(IN_LAKE, address=f"https://example.com/{HOUR.dump_path}", cached=CACHED)
    assert told(decide(facts, REMOTE)) == UP_TO_DATE


def test_cached_dump_that_is_another_makes_the_report_again() -> None:
    facts = replace(IN_LAKE, cached=replace(CACHED, sha256="f"))
    assert told(decide(facts, REMOTE)) == (MAKE, "the dump has changed")


@pytest.mark.parametrize("listed", [LATER, LARGER])
def test_change_at_the_source_counts_only_if_asked_for(listed: ListedFile) -> None:
    assert told(decide(replace(IN_LAKE, listed=listed), REMOTE)) == UP_TO_DATE


@pytest.mark.parametrize("cached", [None, CACHED])
def test_dump_that_was_touched_at_the_source_is_downloaded_and_verified(cached: FileFacts | None) -> None:
    action = decide(replace(IN_LAKE, listed=LATER, cached=cached), CHECKED)
    assert (told(action), action.download) == ((VERIFY, "the dump's time has changed"), True)


@pytest.mark.parametrize("cached", [None, CACHED])
def test_dump_of_another_size_at_the_source_is_downloaded_and_made(cached: FileFacts | None) -> None:
    action = decide(replace(IN_LAKE, listed=LARGER, cached=cached), CHECKED)
    assert (told(action), action.download) == ((MAKE, "the dump has changed"), True)


def test_source_that_lists_no_size_is_verified() -> None:
    facts = replace(IN_LAKE, listed=ListedFile(LISTED.name))
    assert told(decide(facts, CHECKED)) == (VERIFY, "the source lists no size")


def test_remembered_verification_spares_a_download() -> None:
    known_digest = replace(VERIFIED, modified=LATER.modified or datetime.now(UTC))
    assert told(decide(replace(IN_LAKE, listed=LATER, known_digest=known_digest), CHECKED)) == UP_TO_DATE


def test_remembered_verification_of_another_dump_makes_the_report_again() -> None:
    known_digest = replace(VERIFIED, modified=LATER.modified or datetime.now(UTC), sha256="f")
    action = decide(replace(IN_LAKE, listed=LATER, known_digest=known_digest, cached=CACHED), CHECKED)
    assert (told(action), action.download) == ((MAKE, "the dump has changed"), True)


def test_refreshed_dump_is_downloaded_and_verified() -> None:
    action = decide(replace(IN_LAKE, cached=CACHED), REFRESHED)
    assert (told(action), action.download) == ((VERIFY, "the dump is downloaded again"), True)


def test_refreshed_dump_that_is_gone_is_not_published() -> None:
    assert told(decide(replace(IN_LAKE, listed=None, cached=CACHED), REFRESHED)) == NOT_PUBLISHED


# What the source is asked for.


@pytest.mark.parametrize(
    ("facts", "context", "needed"),
    [
        (HourFacts(HOUR, ADDRESS), REMOTE, True),
        (replace(IN_LAKE, listed=None, source_listed=False), REMOTE, False),
        (replace(IN_LAKE, listed=None, source_listed=False), REFRESHED, True),
        (replace(IN_LAKE, listed=None, source_listed=False), replace(REMOTE, force=True), True),
        (replace(IN_LAKE, listed=None, source_listed=False, cached=CACHED), replace(REMOTE, force=True), False),
        (HourFacts(HOUR, ADDRESS, cached=CACHED), REMOTE, False),
        (replace(IN_LAKE, listed=None, source_listed=False), CHECKED, True),
        (replace(IN_LAKE, listed=None, source_listed=False), FOLDER, True),
    ],
)
def test_source_is_listed_only_if_the_plan_depends_on_it(facts: HourFacts, context: PlanContext, needed: bool) -> None:
    assert needs_listing(facts, context) is needed


def test_verified_report_holds_if_the_digest_is_that_of_its_dump() -> None:
    action = decide(replace(IN_LAKE, listed=LATER), CHECKED)
    assert holds(action, MADE.dump_sha256)
    assert not holds(action, "f")


# Offline, and hours that have not ended.

UNLISTED = replace(MISSING, listed=None, source_listed=False)
NOT_DOWNLOADED = "the dump is not downloaded offline"


@pytest.mark.parametrize(
    ("facts", "context", "expected"),
    [
        (UNLISTED, OFFLINE, (NONE, f"not in the lake, and {NOT_DOWNLOADED}", HourState.FAILED)),
        (replace(UNLISTED, cached=CACHED), OFFLINE, (MAKE, "not in the lake")),
        (replace(UNLISTED, entry=LakeEntry(MADE)), OFFLINE, UP_TO_DATE),
        (replace(IN_LAKE, cached=CACHED), replace(OFFLINE, force=True), (MAKE, "forced")),
        (
            replace(MISSING, cached=CACHED),
            replace(OFFLINE, refresh_dump=True),
            (NONE, f"not in the lake, and {NOT_DOWNLOADED}", HourState.FAILED),
        ),
        (
            IN_LAKE,
            replace(OFFLINE, refresh_dump=True),
            (NONE, f"the dump is downloaded again, and {NOT_DOWNLOADED}", HourState.FAILED),
        ),
        (MISSING, replace(FOLDER, offline=True), (MAKE, "not in the lake")),
    ],
)
def test_nothing_is_downloaded_offline(facts: HourFacts, context: PlanContext, expected: tuple[object, ...]) -> None:
    assert told(decide(facts, context)) == expected


def test_source_is_not_listed_offline_for_an_hour_that_cannot_be_made() -> None:
    assert not needs_listing(UNLISTED, OFFLINE)


@pytest.mark.parametrize(
    ("facts", "in_place", "unfinished"),
    [
        (UNLISTED, False, True),
        (UNLISTED, True, False),
        (replace(UNLISTED, cached=CACHED), False, False),
        (IN_LAKE, False, False),
    ],
)
def test_hour_that_has_not_ended_is_not_published(facts: HourFacts, *, in_place: bool, unfinished: bool) -> None:
    before, after = HOUR.stamp - timedelta(seconds=1), HOUR.stamp
    action = decide_unfinished(facts, before, in_place=in_place)
    assert (action and told(action)) == (NOT_PUBLISHED if unfinished else None)
    assert decide_unfinished(facts, after, in_place=in_place) is None


# What is downloaded.


@pytest.mark.parametrize(
    ("facts", "context", "size"),
    [
        (MISSING, REMOTE, LISTED.size),
        (MISSING, FOLDER, 0),
        (HourFacts(HOUR, ADDRESS), REMOTE, None),
        (replace(MISSING, listed=replace(LISTED, size=None)), REMOTE, None),
        (replace(MISSING, cached=CACHED), REMOTE, 0),
        (replace(MISSING, cached=CACHED), REFRESHED, LISTED.size),
        (replace(MISSING, listed=None), REMOTE, 0),
        (IN_LAKE, REMOTE, 0),
        (IN_LAKE, REFRESHED, LISTED.size),
        (replace(IN_LAKE, cached=CACHED, listed=LARGER), CHECKED, LARGER.size),
    ],
)
def test_action_has_the_bytes_that_it_downloads(facts: HourFacts, context: PlanContext, size: int | None) -> None:
    assert decide(facts, context).download_bytes == size
