"""The tables of docs/ that tests check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def failure_modes(section: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table in a section of failure-modes.md, one for each fault of the first column."""
    page = (DOCS / "failure-modes.md").read_text()
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    for line in re.findall(r"^\|( `.*)\|$", text, re.MULTILINE):
        faults, *cells = [cell.strip() for cell in line.split("|")]
        for fault in re.findall(r"`([^`]+)`", faults):
            yield fault, *cells
