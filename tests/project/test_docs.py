"""The examples, snippets, links and tables of the documents."""

from __future__ import annotations

import re
import sys
import tomllib
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

import pvtop
from support.pages import run

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()
COMMANDS = re.compile(r"^\$ (?!make )(.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)
EXAMPLES = [
    (page.name, command, output)
    for page in PAGES
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for command, output in COMMANDS.findall(block)
    if "OPTIONS" not in command and "COMMAND" not in command
]
PASTED = re.findall(r"^```sh\n(.*?)^```(?:\n+```text\n(.*?)^```)?", README, re.MULTILINE | re.DOTALL)
DAYS = (ROOT / "docs" / "days.md").read_text()
LIBRARY = (ROOT / "docs" / "library.md").read_text()
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_pages_contain_examples() -> None:
    assert "sanity-checks.md" in {page for page, *_ in EXAMPLES}
    assert [commands for commands, output in PASTED if output]
    assert SNIPPETS


def test_readme_is_short() -> None:
    assert len(README.splitlines()) < 200


def test_blocks_of_the_readme_can_be_pasted() -> None:
    assert PASTED[0] == ("make demo\n", "")
    assert "```console" not in README
    assert not [commands for commands, _ in PASTED if re.search(r"(?m)^[$>] ", commands)]


def test_readme_shows_what_its_commands_print(tmp_path: Path) -> None:
    demo = re.search(r"^demo:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert demo
    printed = run(["sh", "-ec", demo[1].replace("$(BIN)/", "")], tmp_path)
    shown = re.search(r"^```text\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert shown
    assert shown[1] in printed
    for commands, output in PASTED:
        if output:
            assert run(["sh", "-ec", commands], tmp_path) == output


def test_examples_print_what_the_pages_show(tmp_path: Path) -> None:
    for page, command, output in EXAMPLES:
        assert run(["sh", "-c", command], tmp_path) == output, f"{page}: {command}"


@pytest.mark.skipif(not find_spec("altair"), reason="the extra notebooks is not installed")
def test_plot_of_the_readme_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the environment take the place of Wikimedia."""
    monkeypatch.setenv("PVTOP_SOURCE", str(ROOT / "data" / "source"))
    monkeypatch.setenv("PVTOP_BLACKLIST", str(ROOT / "data" / "blacklist"))
    (snippet,) = SNIPPETS
    run([sys.executable, "-c", snippet], tmp_path)
    assert (tmp_path / "views.png").read_bytes().startswith(b"\x89PNG")


def test_page_about_the_library_is_a_program_that_prints_what_the_page_shows(tmp_path: Path) -> None:
    program, shown = (
        re.findall(rf"^```{kind}\n(.*?)^```", LIBRARY, re.MULTILINE | re.DOTALL) for kind in ("python", "text")
    )
    assert run([sys.executable, "-c", "\n".join(program)], tmp_path) == "".join(shown)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Return a folder whose `reports` is a lake with the report of an hour and the day file of a day."""
    settings = pvtop.Settings.load(
        source=str(ROOT / "data" / "source"), blacklist="none", output=str(tmp_path / "reports")
    )
    pvtop.run_hour("2024-12-30T06", settings)
    pvtop.build_days("2024-12-30", settings)
    return tmp_path


def test_page_about_day_files_reads_one_with_polars(reports: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", DAYS, re.MULTILINE | re.DOTALL)
    assert "shape: (7, 3)" in run([sys.executable, "-c", program], reports)


def test_queries_of_the_pages_run_in_duckdb(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(reports)
    (by_hour,), (leaders,) = (
        re.findall(r"^```sql\n(.*?)^```", page, re.MULTILINE | re.DOTALL) for page in (DAYS, LIBRARY)
    )
    day = pvtop.read_series("en:Climate", "2024-12-30", pvtop.Settings.load(output="reports")).frame
    viewed = day.filter(pl.col("views") > 0).select("start", "views").rows()
    wanted = [(date(2024, 12, 30), start.hour, views) for start, views in viewed]
    db = duckdb.connect()  # the one that the module shares may have an unfinished result of another test
    assert db.sql(by_hour).fetchall() == wanted
    (most,) = pvtop.Lake("reports").read("2024-12-30T06").top_pages.filter(domain_code="en", rank=1).rows()
    found = db.sql(leaders.replace("2024-08-01", "2024-12-01").replace("2024-08-31", "2024-12-31")).fetchall()
    assert found == [(most[2], 1, most[3])]
    db.close()


def test_links_between_pages_resolve() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "data" / "README.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_architecture_page_links_to_every_decision() -> None:
    contents, _, decisions = (ROOT / "docs" / "architecture.md").read_text().partition("\n## ")
    headings = re.findall(r"^### (.*)$", decisions, re.MULTILINE)
    assert re.findall(r"^  - \[(.*)\]\(#.*\)$", contents, re.MULTILINE) == headings
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert re.findall(r"^  - \[.*\]\(#(.*)\)$", contents, re.MULTILINE) == anchors


def test_map_lists_every_module() -> None:
    package = ROOT / "src" / "pvtop"
    modules = {str(path.relative_to(package).with_suffix("")) for path in package.rglob("*.py")}
    described = {name for name in modules if not name.endswith("/__init__") or name == "cli/__init__"}
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert sorted(re.findall(r"^\| `([\w/]+)` \|", page, re.MULTILINE)) == sorted(described)


def test_settings_page_lists_every_setting() -> None:
    from pvtop.settings import Settings

    page = (ROOT / "docs" / "settings.md").read_text()
    assert [name for name in Settings.model_fields if f"`{name}`" not in page] == []


def test_help_names_a_page_that_is_installed() -> None:
    from pvtop.cli import EPILOG

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for page, installed in wheel["shared-data"].items():
        assert (ROOT / page).is_file()
        assert installed == f"share/doc/pvtop/{Path(page).name}"
    assert wheel["shared-data"]["docs/cli.md"] in EPILOG


def test_every_target_of_the_makefile_has_a_help_text() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets
    helped = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert sorted(targets[1].split()) == sorted(helped)
