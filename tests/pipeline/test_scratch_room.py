"""A rollup says how much scratch space it takes, and fails at once if there is too little."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from pvtop.core.day import Day
from pvtop.core.errors import OutputError
from pvtop.core.period import Period
from pvtop.core.states import HourState
from pvtop.pipeline import summing
from pvtop.pipeline.days import build_days
from pvtop.pipeline.rollup import FEW_PAGES, run_rollup
from pvtop.settings import Settings
from support.days import DAY
from support.disks import mounted_at

DAYS = [DAY + number for number in range(3)]
PERIOD = Period(DAYS[0].hours[0], DAYS[-1].hours[-1])
MANY = {"top": FEW_PAGES + 1}  # so many pages per domain are summed in scratch space
ONE_DUMP = 300_000


def publish(source: Path, days: Sequence[Day], hours: int = 1) -> None:
    """Write dumps of about `ONE_DUMP` bytes for some hours of each day. No page occurs in two of them."""
    noise = random.Random(1)
    for hour in (hour for day in days for hour in day.hours[:hours]):
        titles = sorted(f"{noise.getrandbits(160):040x}" for _ in range(12_000))
        path = source / hour.dump_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress("".join(f"en {title} 1 0\n" for title in titles).encode(), 6))


def settings_of(folder: Path, **options: object) -> Settings:
    places = {"source": str(folder / "source"), "output": str(folder / "lake"), "cache_dir": folder / "cache"}
    return Settings.load(blacklist="none", **(places | options))


def announced(caplog: pytest.LogCaptureFixture) -> list[int]:
    """Return the megabytes that were announced for a rollup."""
    said = re.findall(r"rollup of .*: needs (\d+) MB of scratch space in ", caplog.text)
    return [int(number) for number in said]


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="pvtop")


def test_scratch_space_of_all_days_is_announced_and_is_enough(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    publish(tmp_path / "source", DAYS)
    chosen = settings_of(tmp_path, cache_dir=tmp_path / "disk", **MANY)
    with mounted_at(tmp_path / "disk", "-t", "tmpfs", "-o", "size=4m", "tmpfs"):
        assert run_rollup(PERIOD, chosen).state is HourState.MADE
    assert announced(caplog) == [4]


def test_rollup_of_several_days_of_dumps_fails_at_once_if_their_sums_do_not_fit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path / "source", DAYS)
    chosen = settings_of(tmp_path, cache_dir=tmp_path / "disk", **MANY)
    with mounted_at(tmp_path / "disk", "-t", "tmpfs", "-o", "size=2m", "tmpfs"):
        assert run_rollup(Period.of_day(DAY), chosen).state is HourState.MADE
        with pytest.raises(OutputError, match="GB left, and .* are needed") as error:
            run_rollup(PERIOD, chosen)
        assert not list((tmp_path / "disk").rglob("*.arrow"))
    assert error.value.setting == "cache_dir"
    assert len(announced(caplog)) == 2


def test_rollup_of_many_day_files_fails_at_once_if_their_sums_do_not_fit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path / "source", DAYS)
    chosen = settings_of(tmp_path, cache_dir=tmp_path / "disk")
    build_days(DAYS, settings_of(tmp_path))
    with mounted_at(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs"):
        assert run_rollup(PERIOD, chosen).state is HourState.MADE
        assert announced(caplog) == []
        monkeypatch.setattr(summing, "MAX_DAYS", 1)
        with pytest.raises(OutputError, match="GB left, and .* are needed") as error:
            run_rollup(PERIOD, chosen.model_copy(update={"force": True}))
    assert error.value.setting == "cache_dir"
    assert announced(caplog) == [1]


def test_scratch_space_of_many_day_files_is_enough(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path / "source", DAYS)
    build_days(DAYS, settings_of(tmp_path))
    monkeypatch.setattr(summing, "MAX_DAYS", 1)
    with mounted_at(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1600k", "tmpfs"):
        chosen = settings_of(tmp_path, cache_dir=tmp_path / "disk")
        assert run_rollup(PERIOD, chosen).state is HourState.MADE
    assert announced(caplog) == [1]
