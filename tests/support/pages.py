"""The tables and examples of docs/ that tests check."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.samples import ROOT

DOCS = ROOT / "docs"


def failure_modes(section: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table in a section of failure-modes.md, one for each fault of the first column."""
    page = (DOCS / "failure-modes.md").read_text()
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    for line in re.findall(r"^\|( `.*)\|$", text, re.MULTILINE):
        faults, *cells = [cell.strip() for cell in line.split("|")]
        for fault in re.findall(r"`([^`]+)`", faults):
            yield fault, *cells


def run(command: list[str], folder: Path) -> str:
    """Run a command in a folder that has the sample. Return what it prints.

    Raises:
        CalledProcessError: It failed.
    """
    if not (folder / "data").exists():
        (folder / "data").symlink_to(ROOT / "data")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout
