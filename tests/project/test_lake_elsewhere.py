"""The examples of docs/lake-elsewhere.md, on the lake that the page makes from the sample."""

from __future__ import annotations

import re
import sys
from datetime import UTC, date, timedelta
from pathlib import Path

import polars as pl
import pytest

import pvtop
from support.pages import DOCS, run

PAGE = (DOCS / "lake-elsewhere.md").read_text()
SECTIONS = dict(re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
TESTED = ["DuckDB", "Polars", "pyarrow"]
HOURS = ("2024-12-30T22", "2024-12-31T02")


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose `reports` is the lake of the page."""
    folder = tmp_path_factory.mktemp("elsewhere")
    run(["sh", "-ec", blocks(PAGE, "sh")[0]], folder)
    return folder


@pytest.fixture
def lake(folder: Path) -> pvtop.Lake:
    return pvtop.Lake(str(folder / "reports"))


def test_each_section_with_an_example_says_whether_it_is_tested() -> None:
    with_examples = {name: text for name, text in SECTIONS.items() if "```" in text}
    assert set(TESTED) < set(with_examples)
    for name, text in with_examples.items():
        assert text.strip().startswith("The tests run" if name in TESTED else "Not tested"), name


def test_contents_link_to_every_section() -> None:
    anchors = [name.lower().replace(",", "").replace(" ", "-") for name in SECTIONS]
    assert re.findall(r"\]\(#(.*?)\)", PAGE.partition("\n## ")[0]) == anchors


def test_table_has_the_columns_of_the_files(folder: Path) -> None:
    rows = re.findall(r"^\| .* \| `(.*\.parquet)` \| (.*) \|$", SECTIONS["What is where"], re.MULTILINE)
    columns: list[str] = []
    for path, cell in rows:
        columns = columns if cell == "the same" else re.findall(r"`(\w+)`", cell)
        stored = pl.read_parquet(folder / "reports" / path, hive_partitioning=False)
        assert stored.columns == columns, path
        nulls = stored.filter(pl.any_horizontal(pl.exclude("mobile_views").is_null()))
        assert len(nulls) == 0
    assert len(rows) == 7


def test_duckdb_queries_answer_as_pvtop_does(folder: Path, lake: pvtop.Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(folder)
    db = duckdb.connect()
    view, *queries = blocks(SECTIONS["DuckDB"], "sql")
    db.execute(view)
    top_3, shares, of_month, dumps = (db.execute(query).fetchall() for query in queries)
    assert db.execute("SELECT DISTINCT typeof(date), typeof(hour) FROM totals").fetchall() == [("DATE", "TINYINT")]
    reports = lake.scan_reports(*HOURS)
    of_day = reports.filter(pl.col("start").dt.date() == date(2024, 12, 30), pl.col("rank") <= 3, domain_code="en")
    counted = of_day.group_by("page_title").agg(pl.len(), pl.col("views").max()).collect()
    assert top_3 == sorted(counted.rows(), key=lambda row: (-row[1], row[0]))
    assert top_3[0][1] == 3  # stamps 22, 23 and 00
    totals = lake.scan_totals(*HOURS).select("start", "domain_code", total="views")
    led = reports.filter(rank=1).join(totals, on=["start", "domain_code"]).sort("start", "domain_code").collect()
    assert [row[:3] for row in shares] == [
        (start.replace(tzinfo=None), code, title)
        for start, code, title in led.select("start", "domain_code", "page_title").iter_rows()
    ]
    assert [row[3] for row in shares] == pytest.approx((led["views"] / led["total"]).to_list())
    month = lake.rollup("2024-12")
    assert month
    assert of_month == month.top_pages.filter(domain_code="en").select("rank", "page_title", "views").rows()
    provenances = [lake.read(hour).provenance for hour in pvtop.hour_range(*HOURS)]
    assert [sha256 for _, sha256 in dumps] == [provenance.dump_sha256 for provenance in provenances]


@pytest.mark.parametrize("section", ["Polars", "pyarrow"])
def test_program_prints_what_the_page_shows(section: str, folder: Path) -> None:
    (program,), (shown,) = (blocks(SECTIONS[section], kind) for kind in ("python", "text"))
    assert run([sys.executable, "-c", program], folder) == shown


def test_polars_program_shows_the_beginning_of_hours(lake: pvtop.Lake) -> None:
    led = lake.scan_reports(*HOURS).filter(domain_code="ja", rank=1).select("start", "page_title", "views").collect()
    (shown,) = blocks(SECTIONS["Polars"], "text")
    assert shown == "".join(f"{start.astimezone(UTC)} {title} {views}\n" for start, title, views in led.iter_rows())
    assert led.item(0, "start") == pvtop.Hour.parse(HOURS[0]).stamp - timedelta(hours=1)
