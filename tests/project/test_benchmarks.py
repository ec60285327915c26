"""The benchmarks: on a tiny hour, every contender that is installed gives the one exact answer. No time is asserted."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from pvtop.core.day import Day
from pvtop.core.errors import NotInLakeError
from pvtop.lake.lake import Lake
from pvtop.lake.layout import day_path, domains_path, top_pages_path
from pvtop.transform.schemas import DAY_PAGES
from support.day_reference import day_pages, rollup
from support.days import write_day
from support.marts import FIRST, write_lake
from support.reference import page_of, reference, utf8
from support.reports import make_report
from support.samples import DATA

if TYPE_CHECKING:
    from measure import Figures

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
DAY = Day.parse("2024-08-03")
ODDITIES = b""""" A 1 0
en "plain" 2 0
en "with_\\"quotes\\"" 3 0
en "with_\\"quote" 4 0
en CR 5 7\r
en Size 1000 x
en a b 1 0
en many x 0
Wikimania 1 0
"""
PARTS = ["hour", "alternatives", "batch", "network", "growth", "reading", "day", "series", "memory", "engines"]
PARTS += ["mart", "mart-year"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run a part of the benchmarks once. Return the folder of inputs and of `results/`."""
    return run_parts(tmp_path_factory, "--only", "growth")


@pytest.fixture(scope="module")
def all_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run all parts of the benchmarks once, in about a minute. Return the folder of inputs and of `results/`."""
    return run_parts(tmp_path_factory)


def run_parts(tmp_path_factory: pytest.TempPathFactory, *chosen: str) -> Path:
    """Run benchmarks on inputs of a few rows. Return the folder of inputs and of `results/`."""
    folder = tmp_path_factory.mktemp("benchmarks")
    places = ["--work", str(folder), "--results", str(folder / "results")]
    contenders = ["--python", os.path.relpath(sys.executable)]  # as `make bench` names it
    command = [sys.executable, str(BENCHMARKS / "bench.py"), "--scale", "small", "--rounds", "1", *places, *contenders]
    done = subprocess.run([*command, *chosen], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module", autouse=True)
def _modules() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield


def groups(work: Path) -> Iterator[dict[str, Any]]:
    for part in json.loads((work / "results" / "results.json").read_text()).values():
        yield from part["groups"]


def test_cases_of_a_part_give_exact_answers(work: Path) -> None:
    check_answers(work, set())


@pytest.mark.long
def test_all_parts_give_exact_answers(all_work: Path) -> None:
    gzip_of_a_day, typer = "gzip -dc of the 24 dumps to nowhere", 'python -c "import typer"'
    check_answers(all_work, {"gzip -dc to nowhere", gzip_of_a_day, "bare transfer", "pvtop --help", typer})


def check_answers(work: Path, without_answer: set[str]) -> None:
    """Check that every case gave the exact answer, except those that have none."""
    cases = [case for group in groups(work) for case in group["cases"]]
    assert {case["name"] for case in cases if case["exact"] is None} == without_answer
    assert [case for case in cases if case["exact"] is False or case["failure"] or not case["seconds"]] == []


@pytest.mark.long
def test_results_name_every_contender(all_work: Path) -> None:
    from commands import CONTENDERS

    compared = [group for group in groups(all_work) if "heap, plain Python" in map(_name, group["cases"])]
    assert len(compared) == 2
    for group in compared:
        assert {*map(_name, group["cases"]), *group["not_installed"]} >= set(CONTENDERS)
    page = (all_work / "results" / "RESULTS.md").read_text()
    assert page.count("| not installed |") == sum(len(group["not_installed"]) for group in groups(all_work))


def _name(case: dict[str, Any]) -> str:
    return str(case["name"])


def without_figure(work: Path) -> set[str]:
    """Return the goals whose figure is not in the results."""
    from goals import GOALS

    found = json.loads((work / "results" / "results.json").read_text())
    return {goal.figure for goal in GOALS if not goal.measured(found)}


def has_engines(work: Path) -> bool:
    names = {_name(case) for group in groups(work) for case in group["cases"]}
    return bool({"DuckDB", "ClickHouse (chdb)"} & names)


def test_goals_find_their_figures(work: Path) -> None:
    from goals import GOALS

    figures = {goal.figure for goal in GOALS} - without_figure(work)
    assert figures == {"twice the rows: time", "twice the rows: memory"}


@pytest.mark.long
def test_goals_find_their_figures_in_all_parts(all_work: Path) -> None:
    from goals import GOALS

    assert list(json.loads((all_work / "results" / "results.json").read_text())) == PARTS
    expected = {goal.figure for goal in GOALS if goal.figure.startswith(("PostgreSQL:", "MariaDB:"))}  # too slow here
    if not has_engines(all_work):
        expected |= {goal.figure for goal in GOALS if "faster of DuckDB" in goal.figure or "with DuckDB" in goal.figure}
    assert without_figure(all_work) == expected


def shapes(work: Path, picture: str) -> list[str]:
    """Return the kinds of the elements of a chart."""
    chart = ET.parse(work / "results" / picture).getroot()  # noqa: S314 - it is ours
    return [element.tag.rpartition("}")[2] for element in chart.iter()]


def test_lines_of_a_chart_show_every_case(work: Path) -> None:
    assert shapes(work, "growth.svg").count("circle") == 2 * sum(len(group["cases"]) for group in groups(work))


@pytest.mark.long
def test_bars_of_a_chart_show_every_case(all_work: Path) -> None:
    (drawn,) = [group for group in groups(all_work) if group["title"] == "The alternatives"]
    assert shapes(all_work, "alternatives.svg").count("rect") == 1 + 2 * len(drawn["cases"])


@pytest.mark.parametrize("script", ["with_heap.py", "with_pruned_heap.py"])
def test_benchmark_reference_follows_the_rules(tmp_path: Path, script: str) -> None:
    from inputs import SCALES, Given, Inputs

    dump, blacklist = Inputs(tmp_path, SCALES["small"], Given()).sample(), DATA / "blacklist"
    answer = tmp_path / "answer.parquet"
    subprocess.run([sys.executable, BENCHMARKS / "contenders" / script, dump, blacklist, answer], check=True)
    expected = reference(gzip.decompress(dump.read_bytes()), blacklist.read_bytes())
    assert len(expected.malformed) == 8
    assert pl.read_parquet(answer).rows() == expected.top_pages


def lines_of_hours(source: Path) -> list[list[bytes]]:
    """Return the lines of each dump of a source."""
    return [gzip.decompress(path.read_bytes()).splitlines() for path in sorted(source.rglob("*.gz"))]


def test_generated_days_are_drawn_from_one_population(tmp_path: Path) -> None:
    from generate_day import Population, write

    start = datetime(2024, 8, 3, tzinfo=UTC)
    for name, seed, hours in (("day", 1, 24), ("two hours", 1, 2), ("another", 2, 2)):
        write(Population(400, 12, seed), start, hours, tmp_path / name)
    stamps = [f"pageviews-20240803-{hour:02}0000.gz" for hour in range(1, 24)] + ["pageviews-20240804-000000.gz"]
    assert sorted(path.name for path in (tmp_path / "day").rglob("*.*")) == stamps
    found = lines_of_hours(tmp_path / "day")
    assert found[:2] == lines_of_hours(tmp_path / "two hours") != lines_of_hours(tmp_path / "another")

    rows = [page for page in map(page_of, chain.from_iterable(found)) if page is not None]
    assert len(rows) == sum(map(len, found)) == pytest.approx(24 * 400, rel=0.15)
    assert 4 < len(rows) / len({(row.code, row.title) for row in rows}) < 6
    assert 0.5 < sum(row.views == 1 for row in rows) / len(rows) < 0.8
    for lines in found:
        keys = [(page.code, page.title) for page in map(page_of, lines) if page is not None]
        assert keys == sorted({*keys}, key=lambda key: (utf8(key[0]), utf8(key[1])))


@pytest.mark.parametrize("rate", [0.5, 4.0, 15.9, 16.0, 1000.0])
def test_generated_counts_follow_poisson(rate: float) -> None:
    from generate_day import poisson
    from generate_hour import uniform

    rng = random.Random(1)
    draws = uniform(100_000, rng)
    draws = draws.filter(draws >= math.exp(-rate))
    zeros = pl.zeros(100_000 - len(draws), dtype=pl.Int64, eager=True)
    views = pl.concat([poisson(pl.repeat(rate, len(draws), eager=True), draws, rng), zeros])
    assert views.mean() == pytest.approx(rate, rel=0.02)
    assert views.var() == pytest.approx(rate, rel=0.04)


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write the dumps of a day of few pages; one hour has lines with every oddity."""
    from generate_day import Population, write

    source = tmp_path_factory.mktemp("day")
    write(Population(200, 12), datetime(2024, 8, 3, tzinfo=UTC), 24, source)
    paths = sorted(source.rglob("*.gz"))
    lines = gzip.decompress(paths[0].read_bytes()) + ODDITIES
    paths[0].write_bytes(gzip.compress(b"".join(sorted(lines.splitlines(keepends=True)))))
    return paths


@pytest.fixture(scope="module")
def answers(dumps: list[Path]) -> Path:
    """Compute the reference of the day without a page; give its folder."""
    folder = dumps[0].parent / "answers"
    blacklist = dumps[0].with_name("blacklist")
    blacklist.write_text("en Main_Page\n")
    subprocess.run([sys.executable, BENCHMARKS / "reference_day.py", blacklist, folder, *dumps], check=True)
    return folder


def test_reference_of_a_day_follows_the_rules(dumps: list[Path], answers: Path) -> None:
    inflated = [gzip.decompress(dump.read_bytes()) for dump in dumps]
    expected = rollup(inflated, {("en", "Main_Page")})
    assert pl.read_parquet(answers / "top_pages.parquet").rows() == [row[:4] for row in expected.top_pages]
    assert pl.read_parquet(answers / "domains.parquet").rows() == expected.domains
    deep = rollup(inflated, {("en", "Main_Page")}, top=1_000)
    assert pl.read_parquet(answers / "most_viewed.parquet").rows() == [row[:4] for row in deep.top_pages]

    pages = day_pages(inflated)
    drawn = {page[:2]: page[3:] for page in pages}
    for of, *page, hours, counts in pl.read_parquet(answers / "drawn.parquet").iter_rows():
        assert of in {"all", "largest"}
        assert drawn[tuple(page)] == (hours, counts)
    facts = json.loads((answers / "day.json").read_text())
    assert (facts["rows"], facts["pages"]) == (sum(len(page.counts) for page in pages), len(pages))
    assert facts["page_title"] == sum(len(utf8(page.page_title)) for page in pages)


def printing(text: str) -> Figures:
    """Return the figures of a command that printed a text."""
    from measure import Figures

    return Figures(seconds=0, cpu=0, peak=0, code=0, stdout=text, stderr="")


def test_check_of_a_day_file_notices_a_wrong_count(dumps: list[Path], answers: Path, tmp_path: Path) -> None:
    from day_checks import is_day_file

    pages = pl.DataFrame(day_pages([gzip.decompress(dump.read_bytes()) for dump in dumps]), DAY_PAGES, orient="row")
    check, figures = is_day_file(DAY, answers), printing("")
    path = tmp_path / "lake" / day_path(DAY)
    path.parent.mkdir(parents=True)
    pages.write_parquet(path)
    assert check(tmp_path, figures)
    for wrong in (pl.col("counts").list.reverse(), pl.col("start_hours").list.reverse(), pl.col("views") + 1):
        pages.with_columns(wrong).write_parquet(path)
        assert not check(tmp_path, figures)
    pages.head(-1).write_parquet(path)
    assert not check(tmp_path, figures)


def test_check_of_a_series_notices_a_wrong_count(answers: Path) -> None:
    from day_checks import prints_series, series_of

    pages = pl.read_parquet(answers / "drawn.parquet").head(2)
    check = prints_series(pages, [DAY])
    text = io.StringIO()
    rows = [["start", "domain_code", "page_title", "views"], *series_of(pages, [DAY])]
    csv.writer(text).writerows(rows)
    printed = text.getvalue()
    assert check(answers, printing(printed))
    assert not check(answers, printing(printed.replace(",0\r", ",1\r", 1)))
    assert not check(answers, printing("\r\n".join(printed.splitlines()[:-1])))


def test_check_of_marts_notices_a_wrong_row(tmp_path: Path) -> None:
    from mart_checks import MARTS, are_reports, naive

    hours = [FIRST, FIRST + 1]
    lake = write_lake(tmp_path / "lake", hours)
    rows = pl.concat(
        lake.read(hour).top_pages.select(pl.lit(naive(hour)).alias("datehour"), pl.all()) for hour in hours
    )
    check, views = are_reports(tmp_path / "lake", hours), rows.get_column("views").sum()
    copied = printing(json.dumps({"bare": [len(rows), views]}))
    for name in MARTS:
        rows.reverse().write_parquet(tmp_path / name)
    assert check(tmp_path, copied)
    assert not check(tmp_path, printing(json.dumps({"bare": [len(rows), views + 1]})))
    for name in MARTS:
        for wrong in (rows.head(-1), rows.with_columns(pl.col("views") + 1), pl.concat([rows, rows.head(1)])):
            wrong.write_parquet(tmp_path / name)
            assert not check(tmp_path, copied)
        rows.write_parquet(tmp_path / name)


def test_check_of_a_year_notices_a_wrong_row_and_a_wrong_answer(tmp_path: Path) -> None:
    from mart_checks import digest, is_year, naive

    pages = [("de", 1, "X", 9), ("en", 1, "B", 5), ("en", 2, "a", 5), ("en", 3, "Ä", 1)]
    Lake(str(tmp_path)).write(make_report(pages, hour=FIRST))
    report, hours = tmp_path / top_pages_path(FIRST), [FIRST, FIRST + 1, FIRST + 2]
    check = is_year([report] * 3, hours, "en", hours[:2])

    def with_digests(*digests: tuple[int, str]) -> None:
        rows = [(naive(hour), *found) for hour, found in zip(hours, digests, strict=True)]
        pl.DataFrame(rows, schema=["datehour", "pages", "digest"], orient="row").write_parquet(
            tmp_path / "hours.parquet"
        )

    right, answer = digest(report), [["B", 10], ["a", 10], ["Ä", 2]]
    with_digests(right, right, right)
    assert check(tmp_path, printing(json.dumps({"rows": answer})))
    assert not check(tmp_path, printing(json.dumps({"rows": answer[::-1]})))
    with_digests(right, right, (right[0], "0"))
    assert not check(tmp_path, printing(json.dumps({"rows": answer})))


def test_copy_of_a_day_file_has_another_date(tmp_path: Path) -> None:
    from day_inputs import copy_day

    views, copied = {("en", "A"): {0: 1, 23: 2}}, Day.parse("2024-06-30")
    original = write_day(tmp_path / "original", DAY, views)
    copy_day(original, copied, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == write_day(tmp_path / "expected", copied, views).read_bytes()


def test_copy_of_a_report_is_that_of_another_hour(tmp_path: Path) -> None:
    from inputs import copy_report

    original, copied = make_report(hour=FIRST), FIRST + 1_000
    lakes = [Lake(str(tmp_path / name)) for name in ("original", "copies")]
    lakes[0].write(original)
    for path_of in (top_pages_path, domains_path):
        copy_report(tmp_path / "original" / path_of(FIRST), copied, tmp_path / "copies" / path_of(copied))
    assert lakes[1].read(copied).top_pages.equals(original.top_pages)
    with pytest.raises(NotInLakeError):
        lakes[1].read(FIRST)


def test_reference_of_a_day_refuses_codes_that_are_not_sorted(tmp_path: Path) -> None:
    from reference_day import hours_of_domains

    dump = tmp_path / "dump.gz"
    dump.write_bytes(gzip.compress(b"en A 1 0\nde A 1 0\nen B 1 0\n"))
    with pytest.raises(ValueError, match="must be sorted"):
        list(hours_of_domains([dump]))


def test_wrong_answers_and_failures_are_reported(tmp_path: Path) -> None:
    from bench import add, new_result
    from cases import Case
    from checks import answers

    schema = {"domain_code": pl.String, "rank": pl.UInt32, "page_title": pl.String, "views": pl.Int64}
    files = {}
    for name, title in {"right": "A", "wrong": "B"}.items():
        files[name] = tmp_path / name
        pl.DataFrame([("en", 1, title, 5)], schema=schema, orient="row").write_parquet(files[name])
    files["other types"] = tmp_path / "other"
    pl.read_parquet(files["right"]).with_columns(pl.col("rank").cast(pl.Int64)).write_parquet(files["other types"])
    outcomes = {}
    for name, file in files.items():
        case = Case(name, ["cp", str(file), "answer.parquet"], answers(files["right"]))
        outcomes[name] = new_result(case.name, case.check)
        add(outcomes[name], case, tmp_path)
    assert [outcomes[name]["exact"] for name in ("right", "wrong")] == [True, False]
    assert outcomes["other types"]["failure"]
    case = Case("fails", ["sh", "-c", "echo no; echo reason >&2; echo '  hint' >&2; exit 3"])
    outcome = new_result(case.name, case.check)
    add(outcome, case, tmp_path)
    assert (outcome["failure"], outcome["seconds"]) == ("reason", [])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in files.values())


def test_reported_reason_is_the_exception_and_not_the_advice_after_it() -> None:
    from bench import reason

    raised = "Traceback (most recent call last):\n  File\nduckdb.OutOfMemoryException: Out of Memory Error: no room\n"
    assert reason(raised + "\nPossible solutions:\nSee also") == raised.splitlines()[-1]
    assert reason("reading\nlast line\n  hint\n") == "last line"
    assert reason("") == ""


@pytest.mark.parametrize(
    ("is_limited", "failure", "failures", "ratios"),
    [
        (True, "Out of Memory Error: no room", 2, [math.inf]),
        (True, "Query memory limit exceeded", 2, [math.inf]),
        (True, "Query memory limit exceeded", 1, [2]),
        (True, "No such file", 2, []),
        (False, "Query memory limit exceeded", 2, []),
    ],
)
def test_ratio_is_infinite_if_all_contenders_run_out_of_the_memory_of_their_limit(
    is_limited: bool, failure: str, failures: int, ratios: list[float]
) -> None:
    from goals import fastest

    def case(name: str, seconds: float, failure: str = "") -> dict[str, Any]:
        taken = [] if failure else [seconds]
        return {"name": name, "seconds": taken, "exact": True, "failure": failure, "is_limited": is_limited}

    cases = [case("ours", 3), *(case(name, 6, failure * (number < failures)) for number, name in enumerate("ab"))]
    assert fastest("engines", ["a", "b"], "ours")({"engines": {"groups": [{"cases": cases}]}}) == ratios


def test_turns_are_reported_for_each_case(tmp_path: Path) -> None:
    from bench import run_turns
    from cases import Turns

    figures = {"seconds": 1.5, "cpu": 1.0, "peak": 10.0}
    printed = json.dumps({"version": "Some 1", "steps": {"first": figures, "second": figures}})
    names = {"first": "A", "second": "B"}

    def outcome(script: str, *, exact: bool = True, missing: str = "") -> dict[str, Any]:
        command = ["sh", "-c", script, "sh", printed]
        return run_turns(Turns("Title", command, names, lambda *_: exact, missing=missing), tmp_path, 2)

    right, wrong, failed = outcome('echo "$1"'), outcome('echo "$1"', exact=False), outcome("echo reason >&2; exit 3")
    assert (right["note"], [*map(_name, right["cases"])]) == ("Some 1.", ["A", "B"])
    assert [(case["seconds"], case["exact"], case["failure"]) for case in right["cases"]] == [
        ([1.5, 1.5], True, "")
    ] * 2
    assert [case["exact"] for case in wrong["cases"]] == [False] * 2
    assert [(case["seconds"], case["failure"]) for case in failed["cases"]] == [([], "reason")] * 2
    absent = outcome("exit 3", missing="Some (apt-get install some)")
    assert (absent["cases"], absent["not_installed"], absent["note"]) == ([], ["A", "B"], "Some (apt-get install some)")


def test_peak_memory_is_that_of_the_process_alone(tmp_path: Path) -> None:
    from measure import measure

    here = b"x" * 200_000_000
    small, large = (
        measure([sys.executable, "-c", f"b'x' * {size}"], tmp_path, {"PYTHONOPTIMIZE": ""}).peak
        for size in (1, len(here))
    )
    assert small < 100_000_000
    assert large > 200_000_000


@pytest.mark.parametrize(
    ("more", "value", "expected"),
    [
        (False, 0.5, "aim reached"),
        (False, 1.0, "aim reached"),
        (False, 1.5, "must kept"),
        (False, 2.1, "**missed**"),
        (True, 3.0, "aim reached"),
        (True, 1.5, "**missed**"),
        (True, 2.0, "must kept"),
    ],
)
def test_missed_goal_is_called_missed(more: bool, value: float, expected: str) -> None:
    from goals import Goal, verdict

    must, aim = (2, 3) if more else (2, 1)
    assert verdict(Goal("", must, aim, lambda _: [], more=more), value) == expected


def test_chart_is_drawn_if_every_case_failed() -> None:
    from chart import lines

    failed = {"name": "1 hour", "size": 1, "seconds": [], "cpu": [], "peak": [], "exact": True, "failure": "reason"}
    chart = ET.fromstring(lines([{"title": "Hours", "axis": "hours", "cases": [failed]}]))  # noqa: S314 - it is ours
    assert "seconds by hours" in [element.text for element in chart.iter()]
