"""The command `batch`."""

from __future__ import annotations

import json

import pytest

from pvtop.transform.report import RULES_VERSION
from support.samples import DATA, Command

BATCH = ("batch", "--source", DATA / "source", "--blacklist", "none", "--output", "lake")


def test_batch_with_gaps_names_them_and_exits_0(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*BATCH, "--start", "2025-01-01T01", "--end", "2025-01-01T03", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["not_published"] == ["2025-01-01T02", "2025-01-01T03"]


def test_batch_exits_3_if_none_of_its_hours_is_published(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*BATCH, "--start", "2025-01-01T02", "--end", "2025-01-01T03")
    assert done.returncode == 3
    assert "pvtop: none of the hours is published\n" in done.stderr


def test_batch_makes_24_hours_by_default(pvtop_in_process: Command) -> None:
    planned = json.loads(pvtop_in_process(*BATCH, "--dry-run", "--json").stdout)
    assert 1 < len(planned) <= 24
    assert planned[-1]["hour"] == "2025-01-01T01"


def test_dry_run_names_the_rules_if_a_report_is_from_an_earlier_version(
    pvtop_in_process: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = ("--start", "2025-01-01T01")
    with monkeypatch.context() as earlier:
        earlier.setattr("pvtop.pipeline.compute.RULES_VERSION", RULES_VERSION - 1)
        assert pvtop_in_process(*BATCH, *hour).returncode == 0
    planned = json.loads(pvtop_in_process(*BATCH, *hour, "--dry-run", "--json").stdout)
    assert [(one["action"], one["reason"]) for one in planned] == [("make", "made by other rules")]
    assert pvtop_in_process(*BATCH, *hour).stdout == "1 hour: 1 made\n"
    assert pvtop_in_process(*BATCH, *hour).stdout == "1 hour: 1 unchanged\n"
