"""How results show themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from pvtop.core.day import Day
from pvtop.core.errors import SourceError
from pvtop.core.states import HourState
from pvtop.pipeline.batch import BatchResult
from pvtop.pipeline.results import DayOutcome, DaysResult, HourOutcome, HourResult
from support.reports import HOUR, PROVENANCE

RESULT = HourResult(HOUR, HourState.MADE, PROVENANCE, "lake/<text>", "lake/top_pages", "lake/domains")


def test_result_of_an_hour_shows_its_state_and_size() -> None:
    assert repr(RESULT) == "<HourResult of 2019-04-01 12:00 UTC: made, 2 domains, 4 entries>"


def test_notebook_shows_the_files_of_an_hour_escaped() -> None:
    shown = RESULT._repr_html_()
    for text in ("2019-04-01 12:00 UTC", ">made<", ">lake/&lt;text&gt;<", ">lake/top_pages<", ">lake/domains<"):
        assert text in shown
    unchanged = replace(RESULT, state=HourState.UNCHANGED)
    assert ">unchanged<" in unchanged._repr_html_()


def test_result_of_a_batch_shows_how_many_hours_are_in_each_state() -> None:
    counts = Counter({HourState.UNCHANGED: 1_020, HourState.MADE: 3, HourState.NOT_PUBLISHED: 1, HourState.FAILED: 0})
    assert repr(BatchResult(counts)) == "<BatchResult: 3 made, 1 not published, 1,020 unchanged>"
    assert repr(BatchResult()) == "<BatchResult: no hours>"


def test_notebook_shows_the_failures_of_a_batch_and_the_hours_not_published() -> None:
    result = BatchResult(layout="all dumps are in one <folder>")
    result.add(HourOutcome(HOUR, HourState.FAILED, error=SourceError("cannot read <it>")))
    for offset in (3, 1, 2):
        result.add(HourOutcome(HOUR + offset, HourState.NOT_PUBLISHED))
    shown = result._repr_html_()
    assert "Batch: 1 failed, 3 not published<br>all dumps are in one &lt;folder&gt;" in shown
    assert '>2019-04-01T12</td><td style="text-align: left">failed: cannot read &lt;it&gt;</td>' in shown
    assert '>2019-04-01T13 to 2019-04-01T15</td><td style="text-align: left">not published</td>' in shown


def test_result_of_days_shows_how_many_are_in_each_state() -> None:
    day = Day.parse("2019-04-01")
    result = DaysResult([DayOutcome(day, HourState.MADE), DayOutcome(day + 1, HourState.MADE)])
    assert repr(result) == "<DaysResult: 2 made>"
    assert repr(DaysResult()) == "<DaysResult: no days>"


def test_notebook_shows_how_each_day_ended() -> None:
    day = Day.parse("2019-04-01")
    days = [DayOutcome(day, HourState.MADE), DayOutcome(day + 1, HourState.FAILED, "no <room>")]
    for shown in (DaysResult(days)._repr_html_(), BatchResult(days=days)._repr_html_()):
        assert '>2019-04-01</td><td style="text-align: left">made</td>' in shown
        assert '>2019-04-02</td><td style="text-align: left">failed: no &lt;room&gt;</td>' in shown
    assert "Days: 1 failed, 1 made" in DaysResult(days)._repr_html_()
    assert (
        "Days: no days<br>all dumps are in one &lt;folder&gt;<"
        in DaysResult([], "all dumps are in one <folder>")._repr_html_()
    )


def test_consecutive_days_that_ended_alike_share_a_row() -> None:
    first = Day.parse("2019-03-30")
    days = [DayOutcome(first + number, HourState.NOT_PUBLISHED) for number in (0, 1, 2, 5)]
    shown = DaysResult([*days, DayOutcome(first + 6, HourState.MADE)])._repr_html_()
    for when, how in (
        ("2019-03-30 to 2019-04-01", "not published"),
        ("2019-04-04", "not published"),
        ("2019-04-05", "made"),
    ):
        assert f'>{when}</td><td style="text-align: left">{how}</td>' in shown


def test_outcomes_of_an_hour_and_a_day_show_why_they_failed() -> None:
    day = Day.parse("2019-04-01")
    assert repr(DayOutcome(day, HourState.MADE, "not in the lake")) == "<DayOutcome of 2019-04-01: made>"
    assert repr(DayOutcome(day, HourState.FAILED, "no room")) == "<DayOutcome of 2019-04-01: failed: no room>"
    failed = HourOutcome(HOUR, HourState.FAILED, error=SourceError("no room"))
    assert repr(failed) == "<HourOutcome of 2019-04-01 12:00 UTC: failed: no room>"
    assert repr(HourOutcome(HOUR, HourState.MADE, RESULT)) == "<HourOutcome of 2019-04-01 12:00 UTC: made>"


def test_notebook_shows_the_failures_of_years_in_a_short_table() -> None:
    first = Day.parse("2019-04-01")
    days = [DayOutcome(first + 2 * number, HourState.MADE) for number in range(1_000)]
    days.append(DayOutcome(first + 2_000, HourState.FAILED, "no room"))
    failures = [HourOutcome(HOUR + number, HourState.FAILED, error=SourceError("no")) for number in range(1_000)]
    gaps = [HOUR + 2 * number for number in range(1_000)]
    shown = BatchResult(failures=failures, not_published=gaps, days=days)._repr_html_()
    assert shown.count("<tr>") < 100
    for text in (
        "failed: no room",
        "and 969 more failed hours",
        "and 969 more such periods",
        "and 970 more such periods",
    ):
        assert f">{text}<" in shown
