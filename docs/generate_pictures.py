"""Run the notebooks, and draw their charts for `docs/notebooks.md`. `make notebooks` runs this.

A picture ends with the digest of its chart. A picture whose chart is unchanged stays as it is, because other machines
have other fonts, and would draw it slightly differently.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = ROOT / "docs" / "pictures"
SPECIFICATION, SVG = "application/vnd.vegalite+json", "image/svg+xml"
SECONDS_A_CELL = 600

# Run before the cells of a notebook: the output of a chart then has its Vega-Lite specification, too.
KEEP_SPECIFICATIONS = f"""
import altair as alt

with alt.renderers.enable("svg"):
    draw = alt.renderers.get()
alt.renderers.register("svg", lambda chart, **options: draw(chart, **options) | {{"{SPECIFICATION}": chart}})
"""
KEEP_SPECIFICATIONS_ONLY = f"""
import altair as alt

alt.renderers.register("svg", lambda chart, **options: {{"{SPECIFICATION}": chart}})
"""


class Chart(NamedTuple):
    """A chart of a notebook.

    Attributes:
        path: The picture in `docs/`.
        specification: The chart in Vega-Lite, with its data.
        svg: The chart as this machine draws it. Empty if it was not drawn.
    """

    path: Path
    specification: dict[str, Any]
    svg: str

    @property
    def mark(self) -> str:
        """The last line of the picture, which says of which chart it is. Altair's version does not count."""
        chart = {key: value for key, value in self.specification.items() if key != "$schema"}
        text = json.dumps(chart, sort_keys=True, ensure_ascii=False)
        return f"<!-- chart {hashlib.sha256(text.encode()).hexdigest()} -->\n"

    @property
    def is_drawn(self) -> bool:
        """Whether the picture in `docs/` shows this chart."""
        return self.path.is_file() and self.path.read_text("utf-8").endswith(self.mark)


def run(notebook: Path, *, draw: bool = True) -> list[Chart]:
    """Run a notebook in its folder. Return its charts, in order.

    Args:
        notebook: The notebook.
        draw: Whether to draw its charts, which takes a second each.

    Raises:
        CellExecutionError: A cell failed.
    """
    import nbformat  # these take seconds to import, and every worker of the tests imports this module
    from nbclient import NotebookClient

    document = nbformat.read(notebook, nbformat.NO_CONVERT)
    document.cells.insert(0, nbformat.v4.new_code_cell(KEEP_SPECIFICATIONS if draw else KEEP_SPECIFICATIONS_ONLY))
    place = {"metadata": {"path": str(notebook.parent)}}
    NotebookClient(document, timeout=SECONDS_A_CELL, kernel_name="python3", resources=place).execute()
    outputs = [output.get("data", {}) for cell in document.cells for output in cell.get("outputs", [])]
    shown = [data for data in outputs if SPECIFICATION in data]
    return [
        Chart(PICTURES / f"{notebook.stem}-{number}.svg", data[SPECIFICATION], data.get(SVG, ""))
        for number, data in enumerate(shown, 1)
    ]


def main() -> None:
    """Draw the pictures whose charts have changed, and remove those that no notebook has."""
    PICTURES.mkdir(exist_ok=True)
    pictures = set(PICTURES.iterdir())
    for notebook in NOTEBOOKS:
        charts = run(notebook)
        changed = [chart for chart in charts if not chart.is_drawn]
        for chart in changed:
            chart.path.write_text(f"{chart.svg}\n{chart.mark}", "utf-8")
        pictures -= {chart.path for chart in charts}
        print(f"{notebook.relative_to(ROOT)}: {len(charts)} charts, {len(changed)} drawn anew")
    for path in pictures:
        path.unlink()


if __name__ == "__main__":
    main()
