"""The plan of a day file: a table of cases, and that a dry run announces what the run does."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace as with_other
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.lake.day_writer import Totals
from pvtop.lake.lake import Lake
from pvtop.lake.layout import day_path
from pvtop.pipeline.day_plan import DayEntry, decide_day
from pvtop.pipeline.days import build_days, plan_days
from pvtop.pipeline.plan import ActionKind, Fingerprint, HourFacts, PlanContext
from pvtop.settings import Settings
from pvtop.sources.cache import Cache
from pvtop.sources.facts import FileFacts
from pvtop.storage.filesystem import ListedFile
from support.days import DAY, day_provenance
from support.server.files import File, Server

CONTEXT = PlanContext(Fingerprint(None, 25, keep_unknown=False, rules=1), malformed_limit=0.01)
MADE = day_provenance(DAY, Totals())
PARTIAL = day_provenance(DAY, Totals(), missing=[5])
LISTED = ListedFile("made-up", 1)


def facts(lacking: tuple[int, ...] = (), cached: tuple[int, ...] = (), *, listed: bool = True) -> list[HourFacts]:
    """Return what is known of the hours of a day, of which the source lacks some, and the cache has some."""
    return [
        HourFacts(
            hour,
            "made-up",
            cached=FileFacts("made-up", 1, f"{place:064}") if place in cached else None,
            listed=LISTED if listed and place not in lacking else None,
            source_listed=listed,
        )
        for place, hour in enumerate(DAY.hours)
    ]


WHOLE, ALL, UNREADABLE = tuple(range(24)), facts(), "damaged, or made by another version"
CASES: dict[str, tuple[DayEntry | None, list[HourFacts], dict[str, object], str, str]] = {
    "new": (None, ALL, {}, "make", "not in the lake"),
    "new, an hour missing": (None, facts((5,)), {}, "make", "not in the lake"),
    "new, nothing published": (None, facts(WHOLE), {}, "not_published", "not published"),
    "new, offline": (
        None,
        facts(cached=(0, 1), listed=False),
        {"offline": True},
        "failed",
        f"not in the lake, and the dump of {DAY.hours[2]} is not downloaded offline",
    ),
    "new, offline, all cached": (None, facts(cached=WHOLE, listed=False), {"offline": True}, "make", "not in the lake"),
    "damaged": (DayEntry(None), ALL, {}, "make", UNREADABLE),
    "damaged, a dump gone": (
        DayEntry(None),
        facts((3,)),
        {},
        "failed",
        f"{UNREADABLE}, and the dump of {DAY.hours[3]} is gone or not published",
    ),
    "damaged, dumps gone": (
        DayEntry(None),
        facts((3, 4)),
        {},
        "failed",
        f"{UNREADABLE}, and the dumps of 2 hours are gone or not published",
    ),
    "damaged, all dumps gone": (
        DayEntry(None),
        facts(WHOLE),
        {},
        "failed",
        f"{UNREADABLE}, and the dumps of 24 hours are gone or not published",
    ),
    "damaged, dumps gone, forced": (DayEntry(None), facts((3, 4)), {"force": True}, "make", UNREADABLE),
    "damaged, all dumps gone, forced": (
        DayEntry(None),
        facts(WHOLE),
        {"force": True},
        "not_published",
        "not published",
    ),
    "damaged, dumps gone from a folder, offline": (
        DayEntry(None),
        facts((3, 4)),
        {"offline": True, "in_place": True},
        "failed",
        f"{UNREADABLE}, and the dumps of 2 hours are gone or not published",
    ),
    "damaged, offline": (
        DayEntry(None),
        facts(cached=(0,), listed=False),
        {"offline": True},
        "failed",
        f"{UNREADABLE}, and the dump of {DAY.hours[1]} is not downloaded offline",
    ),
    "made": (DayEntry(MADE), ALL, {}, "unchanged", "up to date"),
    "made, dumps gone": (DayEntry(MADE), facts(WHOLE), {}, "unchanged", "up to date"),
    "made, forced": (DayEntry(MADE), ALL, {"force": True}, "make", "forced"),
    "made, forced, a dump gone": (
        DayEntry(MADE),
        facts((3,)),
        {"force": True},
        "unchanged",
        f"forced, but the dump of {DAY.hours[3]} is gone",
    ),
    "made, forced, offline": (
        DayEntry(MADE),
        facts(listed=False),
        {"force": True, "offline": True},
        "failed",
        f"forced, and the dump of {DAY.hours[0]} is not downloaded offline",
    ),
    "other rules": (DayEntry(with_other(MADE, rules=0)), ALL, {}, "make", "made by other rules"),
    "other rules, a dump gone": (
        DayEntry(with_other(MADE, rules=0)),
        facts((3,)),
        {},
        "unchanged",
        f"made by other rules, but the dump of {DAY.hours[3]} is gone",
    ),
    "appeared": (DayEntry(PARTIAL), ALL, {}, "make", f"the dump of {DAY.hours[5]} has appeared"),
    "still missing": (DayEntry(PARTIAL), facts((5,)), {}, "unchanged", "up to date"),
    "appeared, another gone": (
        DayEntry(PARTIAL),
        facts((6,)),
        {},
        "unchanged",
        f"the dump of {DAY.hours[5]} has appeared, but the dump of {DAY.hours[6]} is gone",
    ),
    "downloaded again": (DayEntry(MADE), ALL, {"refresh_dump": True}, "verify", "the dump is downloaded again"),
    "downloaded again, offline": (
        DayEntry(MADE),
        facts(cached=WHOLE, listed=False),
        {"refresh_dump": True, "offline": True},
        "failed",
        f"the dump is downloaded again, and the dump of {DAY.hours[0]} is not downloaded offline",
    ),
    "too many malformed lines": (
        DayEntry(with_other(MADE, dumps=tuple(with_other(dump, malformed=1) for dump in MADE.dumps))),
        ALL,
        {},
        "make",
        f"too many malformed lines ({DAY.hours[0]})",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_plan_of_a_day(case: str) -> None:
    entry, known, others, expected, reason = CASES[case]
    action = decide_day(DAY, entry, known, with_other(CONTEXT, **others), is_due=True)  # type: ignore[arg-type]
    assert (action.state or action.kind, action.reason) == (expected, reason)


def test_changed_dump_makes_the_day_outdated() -> None:
    known = facts()
    known[7] = with_other(known[7], cached=FileFacts("made-up", 2, "other"))
    action = decide_day(DAY, DayEntry(MADE), known, CONTEXT, is_due=True)
    assert (action.kind, action.reason) == (ActionKind.MAKE, f"the dump of {DAY.hours[7]} has changed")


def test_day_that_is_not_due_waits_for_its_hours() -> None:
    waiting = decide_day(DAY, None, facts((3, 5)), CONTEXT, is_due=False)
    assert (waiting.state, waiting.reason) == (HourState.MISSING, "2 hours not published yet")
    assert decide_day(DAY, None, ALL, CONTEXT, is_due=False).kind is ActionKind.MAKE


def test_damaged_day_that_is_not_due_waits_for_its_hours() -> None:
    waiting = decide_day(DAY, DayEntry(None), facts((3, 5)), CONTEXT, is_due=False)
    assert (waiting.state, waiting.reason) == (HourState.MISSING, "2 hours not published yet")


@pytest.mark.parametrize(
    ("lacking", "offline", "setting"), [((3,), False, "force"), (WHOLE, False, "source"), ((), True, "offline")]
)
def test_day_that_cannot_be_made_names_the_setting_that_helps(
    lacking: tuple[int, ...], setting: str, *, offline: bool
) -> None:
    known, context = facts(lacking, listed=not offline), with_other(CONTEXT, offline=offline)
    assert decide_day(DAY, DayEntry(None), known, context, is_due=True).setting == setting


HOURS = DAY.hours[3:5]
DUMPS = {"first": "en A 5 0\nen B 3 0\n", "second": "en A 8 0\nen B 3 0\n", "third": "en A 5 0\nen B 3 0\nen C 1 0\n"}
TIMES = {"as before": 0.0, "later": 3_600.0}
WRITTEN = 1_735_600_000.0  # seconds since 1970


@dataclass(frozen=True)
class HourBefore:
    """What there is of an hour before the run.

    Attributes:
        source: Which dump the source holds now, None for none.
        time: When it was written, compared with the dump before it.
        made_from: Which dump the day file was made from, None if the hour was missing.
        cached: Whether the cache still holds the dump that was downloaded for the day file.
    """

    source: str | None
    time: str
    made_from: str | None
    cached: bool


@dataclass(frozen=True)
class Before:
    """What there is before the run.

    Attributes:
        remote: Whether the source is a server rather than a folder.
        hours: What there is of each hour.
        damaged: Whether the day file is damaged.
        remembers: Whether the cache still holds what was verified.
        asked: The settings that ask for more than to make what is missing or outdated.
    """

    remote: bool
    hours: tuple[HourBefore, ...]
    damaged: bool
    remembers: bool
    asked: dict[str, object]


dumps = st.none() | st.sampled_from(sorted(DUMPS))
hours_before = st.builds(
    HourBefore, source=dumps, time=st.sampled_from(sorted(TIMES)), made_from=dumps, cached=st.booleans()
)
states_before = st.builds(
    Before,
    remote=st.booleans(),
    hours=st.tuples(*[hours_before] * len(HOURS)),
    damaged=st.sampled_from([False, False, False, True]),
    remembers=st.booleans(),
    asked=st.fixed_dictionaries(
        {}, optional={name: st.just(True) for name in ("force", "check_source", "refresh_dump", "offline")}
    ).filter(lambda asked: not {"check_source", "offline"} <= asked.keys()),
)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    """Yield one server for all examples."""
    with Server() as running:
        yield running


class World:
    """A source, a lake and a cache in a folder."""

    def __init__(self, folder: Path, server: Server, before: Before) -> None:
        self.folder, self.server, self.before = folder, server, before
        server.files.clear()
        source = server.url if before.remote else str(folder / "source")
        (folder / "source").mkdir()
        first = Settings.load(
            source=source,
            blacklist="none",
            min_share=0,
            expect_whole=False,
            output=str(folder / "lake"),
            cache_dir=str(folder / "cache"),
        )
        for hour, one in zip(HOURS, before.hours, strict=True):
            self._publish(hour, one.made_from, 0)
        build_days([DAY], first)
        self.made = (folder / "lake" / day_path(DAY)).exists()
        for hour, one in zip(HOURS, before.hours, strict=True):
            if not one.cached:
                Cache(first.cache_dir).dump_path(hour).unlink(missing_ok=True)
            self._publish(hour, one.source, TIMES[one.time])
        if self.made and before.damaged:
            (folder / "lake" / day_path(DAY)).write_bytes(b"garbage")
        if not before.remembers:
            shutil.rmtree(folder / "cache" / "verified", ignore_errors=True)
        self.settings = first.model_copy(update=before.asked)

    def _publish(self, hour: Hour, dump: str | None, later: float) -> None:
        content = gzip.compress(DUMPS[dump].encode(), mtime=0) if dump else b""
        path = self.folder / "source" / hour.dump_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self.server.files.pop(f"/{hour.dump_path}", None)
        if dump and self.before.remote:
            self.server.files[f"/{hour.dump_path}"] = File(content, modified=WRITTEN + later)
        elif dump:
            path.write_bytes(content)
            os.utime(path, (WRITTEN + later, WRITTEN + later))

    def hours_made(self) -> set[Hour]:
        """Return the hours that a new day file must have: those of the one in the lake, or none if it is forced."""
        if self.made and not (self.before.damaged and "force" in self.before.asked):
            return {hour for hour, one in zip(HOURS, self.before.hours, strict=True) if one.made_from}
        return set()


@hypothesis.given(before=states_before)
@hypothesis.settings(
    max_examples=hypothesis.settings.get_profile("test").max_examples // 4,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
def test_dry_run_announces_what_the_run_does(shared_server: Server, before: Before) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), shared_server, before)
        shared_server.requests.clear()
        (announced,) = plan_days([DAY], world.settings)
        (outcome,) = build_days([DAY], world.settings).outcomes
        match announced.kind:
            case ActionKind.MAKE:
                assert outcome.state is HourState.MADE, (announced.reason, outcome.reason)
            case ActionKind.VERIFY:
                assert outcome.state in {HourState.MADE, HourState.UNCHANGED}, outcome.reason
            case ActionKind.NONE:
                assert outcome.state is announced.state
        assert not (shared_server.requests and "offline" in before.asked)
        if outcome.provenance:
            made = {hour for hour in HOURS if hour not in outcome.provenance.missing}
            assert made >= world.hours_made(), "hours are lost"
        if outcome.state is HourState.MADE:
            assert outcome.provenance
            assert outcome.provenance.missing == announced.missing
            with Lake(world.settings.output).day_file(DAY) as day_file:
                assert day_file
                assert day_file.provenance == outcome.provenance
        settled = world.settings.model_copy(update={"force": False, "refresh_dump": False})
        # With other settings, a day that was kept may be made, and so may one that was refreshed without the dumps that
        # only the cache has.
        only_cached = any(one.cached and not one.source for one in before.hours)
        is_settled = announced.kind is not ActionKind.NONE and not ("refresh_dump" in before.asked and only_cached)
        if is_settled and outcome.state in {HourState.MADE, HourState.UNCHANGED}:
            assert plan_days([DAY], settled)[0].kind is ActionKind.NONE
        assert not [path for path in (world.folder / "cache" / "scratch").glob("*") if path.exists()]
