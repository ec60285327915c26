"""The notebooks: stored without outputs, run in a kernel of their own, and shown as they are in `docs/`."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generate_pictures import NOTEBOOKS, PICTURES, run
from support.samples import ROOT

if TYPE_CHECKING:
    from nbformat import NotebookNode

PAGE = (ROOT / "docs" / "notebooks.md").read_text()
LARGEST = 100_000
"""Bytes of a picture: enough for 150 marks."""

RUN_ALWAYS = {"1-first-look", "4-a-month-exactly", "6-from-the-mart"}
"""Notebooks that `make test` runs. `make test-long` runs the others."""

pytestmark = pytest.mark.skipif(not find_spec("altair"), reason="the extra notebooks is not installed")


def cells(notebook: Path, kind: str) -> list[NotebookNode]:
    import nbformat  # takes seconds, and every worker imports this module

    document = nbformat.read(notebook, nbformat.NO_CONVERT)
    nbformat.validate(document)
    return [cell for cell in document.cells if cell.cell_type == kind]


def files() -> set[Path]:
    return {path for part in ("data", "docs", "notebooks") for path in (ROOT / part).rglob("*")}


def test_there_are_six_notebooks_and_the_page_links_to_each() -> None:
    assert re.findall(r"\]\(\.\./notebooks/(.*?)\)", PAGE) == [path.name for path in NOTEBOOKS]
    assert len(NOTEBOOKS) == 6


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_without_outputs(notebook: Path) -> None:
    stored = [(cell.outputs, cell.execution_count, cell.metadata) for cell in cells(notebook, "code")]
    assert stored == [([], None, {})] * len(stored)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_imports_of_pvtop_only_what_it_offers(notebook: Path) -> None:
    code = "\n".join(cell.source for cell in cells(notebook, "code"))
    assert re.findall(r"^.*\b(?:import|from) pvtop.*$", code, re.MULTILINE) == ["import pvtop"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_alternates_short_text_and_short_cells(notebook: Path) -> None:
    texts, code = ([cell.source for cell in cells(notebook, kind)] for kind in ("markdown", "code"))
    assert texts[0].startswith("# ")
    assert "made up" in texts[0]
    assert max(text.count("\n") for text in texts) < 20
    assert max(text.count("\n") for text in code) < 30
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", "\n".join(texts)):
        assert (notebook.parent / target).is_file()


@pytest.mark.parametrize(
    "notebook",
    [pytest.param(path, marks=[] if path.stem in RUN_ALWAYS else pytest.mark.long, id=path.stem) for path in NOTEBOOKS],
)
def test_notebook_runs_offline_and_its_charts_are_those_of_the_pictures(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pictures themselves depend on the fonts of a machine, so the charts are compared.

    Only the first notebook also draws its charts.
    """
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setenv("PVTOP_OFFLINE", "true")
    before = files()
    charts = run(notebook, draw=notebook == NOTEBOOKS[0])
    assert all(chart.svg.startswith("<svg") is (notebook == NOTEBOOKS[0]) for chart in charts)
    assert [chart.path.name for chart in charts if not chart.is_drawn] == [], "make notebooks"
    assert {chart.path for chart in charts} == set(PICTURES.glob(f"{notebook.stem}-*.svg"))
    assert files() == before
    assert list(scratch.iterdir()) == []


def test_page_shows_every_picture() -> None:
    assert re.findall(r"!\[[^]]+\]\(pictures/(.*?)\)", PAGE) == sorted(path.name for path in PICTURES.iterdir())


@pytest.mark.parametrize("picture", sorted(PICTURES.iterdir()), ids=lambda path: path.stem)
def test_picture_is_small_and_has_fonts_that_every_machine_has(picture: Path) -> None:
    assert picture.stat().st_size < LARGEST
    assert set(re.findall(r'font-family="(.*?)"', picture.read_text("utf-8"))) == {"sans-serif"}
