"""A dry run never contradicts the run: for generated states of lake, cache, source and settings."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from pvtop.core.errors import NotPublishedError, SourceError
from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.lake.lake import Lake
from pvtop.lake.layout import domains_path, text_path, top_pages_path
from pvtop.pipeline.batch import plan_batch, run_hours
from pvtop.pipeline.hour import run_hour
from pvtop.pipeline.plan import Action, ActionKind
from pvtop.pipeline.results import HourOutcome
from pvtop.settings import Settings
from pvtop.sources.cache import Cache
from support.server.files import File, Server

HOURS = [Hour.parse("2024-08-03T05"), Hour.parse("2024-08-03T06")]
DUMPS = {  # the first two have one size as gzip
    "first": "en A 5 0\nen B 3 0\nen Listed 9 0\n",
    "second": "en A 8 0\nen B 3 0\nen Listed 9 0\n",
    "third": "en A 5 0\nen B 3 0\nen C 1 0\nen Listed 9 0\n",
}
TIMES = {"as before": 0.0, "later": 3_600.0, "earlier": -3_600.0}
WRITTEN = 1_722_668_400.0  # seconds since 1970: before any report of these tests


@dataclass(frozen=True)
class HourBefore:
    """What there is of an hour before the run.

    Attributes:
        source: Which dump the source holds now, None for none.
        time: When it was written, compared with the dump before it.
        made_from: Which dump the report in the lake was made from, None if the lake does not hold the hour.
        damage: What has happened to the report since.
        cached: Whether the cache still holds the dump that was downloaded for the report.
    """

    source: str | None
    time: str
    made_from: str | None
    damage: str
    cached: bool


@dataclass(frozen=True)
class Before:
    """What there is before the run.

    Attributes:
        remote: Whether the source is a server rather than a folder.
        hours: What there is of each hour.
        remembers: Whether the cache still holds what was verified.
        changed: The settings that are other than those of the reports in the lake.
        asked: The settings that ask for more than to make what is missing or outdated.
    """

    remote: bool
    hours: tuple[HourBefore, ...]
    remembers: bool
    changed: dict[str, object]
    asked: dict[str, object]


dumps = st.none() | st.sampled_from(sorted(DUMPS))
hours_before = st.builds(
    HourBefore,
    source=dumps,
    time=st.sampled_from(sorted(TIMES)),
    made_from=dumps,
    damage=st.sampled_from(["", "", "", "garbage", "no domains", "no text"]),
    cached=st.booleans(),
)
states_before = st.builds(
    Before,
    remote=st.booleans(),
    hours=st.tuples(*[hours_before] * len(HOURS)),
    remembers=st.booleans(),
    changed=st.sampled_from([{}, {}, {}, {"top": 1}, {"keep_unknown": True}, {"blacklist": "none"}]),
    asked=st.fixed_dictionaries(
        {},
        optional={
            "force": st.just(True),
            "check_source": st.just(True),
            "refresh_dump": st.just(True),
            "offline": st.just(True),
        },
    ),
)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    """Yield one server for all examples."""
    with Server() as running:
        yield running


class World:
    """A source, a lake and a cache in a folder."""

    def __init__(self, folder: Path, server: Server, before: Before) -> None:
        self.folder = folder
        self.server = server
        self.before = before
        (folder / "blacklist").write_text("en Listed\n")
        server.files.clear()
        source = server.url if before.remote else str(folder / "source")
        first = {"source": source, "blacklist": str(folder / "blacklist"), "min_share": 0, "expect_whole": False}
        self.first = Settings.load(**first, output=str(folder / "lake"), cache_dir=str(folder / "cache"))
        for hour, one in zip(HOURS, before.hours, strict=True):
            self._prepare(hour, one)
        self.settings = self.first.model_copy(update={**before.changed, **before.asked})
        if not before.remembers:
            shutil.rmtree(folder / "cache" / "verified", ignore_errors=True)

    def _prepare(self, hour: Hour, one: HourBefore) -> None:
        if one.made_from:
            self._publish(hour, one.made_from, 0)
            run_hour(hour, self.first)
            self._damage(hour, one.damage)
            if not one.cached:
                Cache(self.first.cache_dir).dump_path(hour).unlink(missing_ok=True)
        self._publish(hour, one.source, TIMES[one.time])

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

    def _damage(self, hour: Hour, damage: str) -> None:
        lake = self.folder / "lake"
        match damage:
            case "garbage":
                (lake / top_pages_path(hour)).write_bytes(b"garbage")
            case "no domains":
                (lake / domains_path(hour)).unlink()
            case "no text":
                (lake / text_path(hour)).unlink()

    def copy(self, name: str) -> Settings:
        """Copy lake and cache, and return the settings of a run on the copy."""
        there = self.folder / name
        for part in ("lake", "cache"):
            if (self.folder / part).exists():
                shutil.copytree(self.folder / part, there / part)
        places = {"output": str(there / "lake"), "cache_dir": there / "cache"}
        return self.settings.model_copy(update=places)


class Recorder:
    """Records the plan and the outcomes of a batch."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.states: dict[Hour, HourState] = {}

    def planned(self, actions: Sequence[Action]) -> None:
        """Record the plan."""
        self.actions = list(actions)
        self.states = {action.hour: action.state for action in actions if action.state}

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Record nothing."""

    def computing(self, hour: Hour) -> None:
        """Record nothing."""

    def finished(self, outcome: HourOutcome) -> None:
        """Record an outcome."""
        self.states[outcome.hour] = outcome.state


def run_batch(settings: Settings) -> Recorder:
    recorder = Recorder()
    run_hours(HOURS, settings, recorder)
    return recorder


def run_report(hour: Hour, settings: Settings) -> HourState:
    try:
        return run_hour(hour, settings).state
    except NotPublishedError:
        return HourState.NOT_PUBLISHED
    except SourceError:
        if not settings.offline:
            raise
        return HourState.FAILED


def lawful(action: Action) -> set[HourState]:
    """Return the states that a plan allows an hour to end in."""
    match action.kind:
        case ActionKind.MAKE:
            return {HourState.MADE}
        case ActionKind.VERIFY:
            return {HourState.MADE, HourState.UNCHANGED}
    assert action.state
    return {action.state}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@hypothesis.given(before=states_before)
@hypothesis.settings(
    max_examples=hypothesis.settings.get_profile("test").max_examples // 6,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
def test_dry_run_announces_what_report_and_batch_do(shared_server: Server, before: Before) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), shared_server, before)
        lake_before = tree(world.folder / "lake")
        shared_server.requests.clear()
        if before.remote and {"offline", "check_source"} <= before.asked.keys():
            for work in (plan_batch, run_hours):
                with pytest.raises(SourceError, match="offline"):
                    work(HOURS, world.settings)
            assert (tree(world.folder / "lake"), shared_server.requests) == (lake_before, [])
            return
        announced = plan_batch(HOURS, world.settings)
        assert tree(world.folder / "lake") == lake_before

        batch_settings = world.copy("batch")
        batch = run_batch(batch_settings)
        assert batch.actions == announced
        report_settings = world.copy("report")
        reported = {hour: run_report(hour, report_settings) for hour in HOURS}
        for action in announced:
            assert batch.states[action.hour] in lawful(action), action
        assert reported == batch.states
        for settings in (batch_settings, report_settings):
            settled = settings.model_copy(update={"force": False, "refresh_dump": False})
            settled_hours = [hour for hour in HOURS if reported[hour] in {HourState.MADE, HourState.UNCHANGED}]
            assert {action.kind for action in plan_batch(settled_hours, settled)} <= {ActionKind.NONE}
        assert not (shared_server.requests and "offline" in before.asked)


@hypothesis.given(
    before=states_before.filter(
        lambda before: not before.remote or ("refresh_dump" in before.asked and "offline" not in before.asked)
    )
)
@hypothesis.settings(
    max_examples=hypothesis.settings.get_profile("test").max_examples // 6,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.filter_too_much,
    ],
)
def test_no_run_leaves_an_outdated_report(shared_server: Server, before: Before) -> None:
    before = Before(before.remote, before.hours, remembers=True, changed=before.changed, asked=before.asked)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), shared_server, before)
        states = run_batch(world.settings).states
        for hour, one in zip(HOURS, before.hours, strict=True):
            if one.source is None or states[hour] is HourState.NOT_PUBLISHED:
                continue
            fresh = world.settings.model_copy(update={"output": f"{folder}/fresh", "cache_dir": Path(folder) / "other"})
            run_hour(hour, fresh)
            found, wanted = Lake(world.settings.output).read(hour), Lake(fresh.output).read(hour)
            assert found.top_pages.equals(wanted.top_pages)
            assert found.domains.equals(wanted.domains)


def test_touched_dump_is_announced_once_and_then_known(tmp_path: Path, shared_server: Server) -> None:
    one = HourBefore("first", "later", "first", "", cached=True)
    world = World(tmp_path, shared_server, Before(False, (one, one), remembers=True, changed={}, asked={}))
    assert {(action.kind, action.reason) for action in plan_batch(HOURS, world.settings)} == {
        (ActionKind.VERIFY, "the dump's time has changed")
    }
    assert set(run_batch(world.settings).states.values()) == {HourState.UNCHANGED}
    assert {action.kind for action in plan_batch(HOURS, world.settings)} == {ActionKind.NONE}
    shutil.rmtree(world.settings.cache_dir)
    assert set(run_batch(world.settings).states.values()) == {HourState.UNCHANGED}


def test_lake_of_before_without_a_memory_is_verified_once(tmp_path: Path, shared_server: Server) -> None:
    one = HourBefore("first", "as before", "first", "", cached=False)
    world = World(tmp_path, shared_server, Before(False, (one, one), remembers=False, changed={}, asked={}))
    assert {action.kind for action in plan_batch(HOURS, world.settings)} == {ActionKind.VERIFY}
    assert set(run_batch(world.settings).states.values()) == {HourState.UNCHANGED}
    assert {action.kind for action in plan_batch(HOURS, world.settings)} == {ActionKind.NONE}


def test_replaced_dump_of_the_same_size_and_time_is_noticed(tmp_path: Path, shared_server: Server) -> None:
    one = HourBefore("second", "as before", "first", "", cached=False)
    world = World(tmp_path, shared_server, Before(False, (one, one), remembers=True, changed={}, asked={}))
    assert [run_report(hour, world.settings) for hour in HOURS] == [HourState.MADE] * 2


def test_pipe_in_place_of_a_record_is_passed_over(tmp_path: Path, shared_server: Server) -> None:
    one = HourBefore("first", "as before", "first", "", cached=False)
    world = World(tmp_path, shared_server, Before(False, (one, one), remembers=True, changed={}, asked={}))
    records = list((world.settings.cache_dir / "verified").rglob("*.json"))
    assert len(records) == len(HOURS)
    for record in records:
        record.unlink()
        os.mkfifo(record)
    assert set(run_batch(world.settings).states.values()) == {HourState.UNCHANGED}


def test_month_that_cannot_be_listed_does_not_stop_a_report(tmp_path: Path, shared_server: Server) -> None:
    one = HourBefore("first", "as before", None, "", cached=False)
    world = World(tmp_path, shared_server, Before(False, (one, one), remembers=True, changed={}, asked={}))
    month = tmp_path / "source" / HOURS[0].month_folder
    (month / "loop").symlink_to("loop")
    os.utime(month / HOURS[1].dump_path.rpartition("/")[2], (3e11, 3e11))
    assert run_report(HOURS[0], world.settings) is HourState.MADE


def test_outdated_report_is_made_from_the_cache_without_the_server(tmp_path: Path) -> None:
    one = HourBefore("first", "as before", "first", "", cached=True)
    with Server() as server:
        world = World(tmp_path, server, Before(True, (one, one), remembers=True, changed={"top": 1}, asked={}))
    assert set(run_batch(world.settings).states.values()) == {HourState.MADE}


def test_verified_download_is_remembered_without_the_dump(tmp_path: Path, shared_server: Server) -> None:
    one = HourBefore("first", "later", "first", "", cached=False)
    before = Before(True, (one, one), remembers=True, changed={}, asked={"check_source": True})
    world = World(tmp_path, shared_server, before)
    assert set(run_batch(world.settings).states.values()) == {HourState.UNCHANGED}
    for hour in HOURS:
        Cache(world.settings.cache_dir).dump_path(hour).unlink()
    assert {action.kind for action in plan_batch(HOURS, world.settings)} == {ActionKind.NONE}
