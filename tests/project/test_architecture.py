"""Imports that import-linter cannot check, the contracts of import-linter themselves, and the table of mutations."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pvtop
from project.mutate import MUTATIONS, Mutation
from support.samples import ROOT

PACKAGE = Path(pvtop.__file__).parent
MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}
NETWORK = {"aiohttp", "fsspec"}
HEAVY = ["aiohttp", "fsspec", "platformdirs", "polars", "pyarrow", "pydantic", "rich", "stamina"]


def imports(module: str) -> Iterator[str]:
    """Yield every name that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(module: str) -> set[str]:
    """Return the packages that a module imports, without the standard library."""
    return {name.partition(".")[0] for name in imports(module)} - sys.stdlib_module_names


def loaded(module: str, then: str = "pass") -> set[str]:
    """Return the packages that a fresh interpreter has loaded after importing a module, and perhaps some more."""
    code = f"import sys, {module}; {then}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split())


def test_ranking_imports_only_polars_and_schemas() -> None:
    assert packages("transform.ranking") == {"polars", "pvtop"}
    assert {name for name in imports("transform.ranking") if name.startswith("pvtop.")} == {
        "pvtop.transform.schemas.PAGE_KEY",
        "pvtop.transform.schemas.SUM_DTYPE",
        "pvtop.transform.schemas.UNKNOWN",
    }


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name.startswith("core.")))
def test_core_imports_only_the_standard_library(module: str) -> None:
    assert packages(module) <= {"pvtop"}


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith(("__", "cli."))])
def test_library_names_no_option_variable_or_command(module: str) -> None:
    assert re.findall(r"--[a-z][a-z-]+|PVTOP_[A-Z]+|\bpvtop [a-z]+ -", MODULES[module].read_text()) == []


def test_import_of_sources_loads_no_frames() -> None:
    """A listing needs no frames, though other modules of `sources` may import them."""
    assert not loaded("pvtop.sources.source") & {"polars", "pyarrow"}


@pytest.mark.parametrize("module", ["pvtop", "pvtop.cli"])
def test_start_up_imports_no_heavy_package(module: str) -> None:
    assert not loaded(module) & set(HEAVY)


def test_import_of_run_hour_loads_no_network_package() -> None:
    assert not loaded("pvtop.pipeline.hour") & {"aiohttp", "fsspec", "pyarrow", "stamina"}


def test_hour_of_folders_loads_no_network_package(tmp_path: Path) -> None:
    places = {"source": "source", "blacklist": "blacklist"}
    given = {name: str(ROOT / "data" / place) for name, place in places.items()}
    settings = given | {"output": str(tmp_path / "lake"), "cache_dir": str(tmp_path / "cache")}
    assert not loaded("pvtop", f"pvtop.run_hour('2024-12-31T12', pvtop.Settings.load(**{settings}))") & NETWORK
    assert list((tmp_path / "lake").rglob("top_pages.parquet"))


BREAKS = {
    "upward": ("core/hour.py", "from pvtop.lake.lake import Lake", "Packages import only lower layers"),
    "circle": ("transform/schemas.py", "from pvtop.transform.dump import read_block", "No import cycles"),
    "recount": ("validation/recount.py", "import polars", "recount imports nothing that it checks"),
}


@pytest.mark.parametrize(("module", "line", "contract"), BREAKS.values(), ids=BREAKS)
def test_broken_layers_fail_the_check(module: str, line: str, contract: str, tmp_path: Path) -> None:
    """`make check` runs the contracts on the source. Here they run on a copy with one forbidden import."""
    pytest.importorskip("importlinter", reason="the wheel is tested without the linters")
    shutil.copytree(PACKAGE, tmp_path / "pvtop", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "pvtop" / module
    path.write_text(f"{path.read_text()}\n{line}\n")
    program, config = Path(sys.executable).with_name("lint-imports"), ROOT / "pyproject.toml"
    command = [str(program), "--config", str(config), "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"{contract} BROKEN", done.stdout)


def test_public_names_are_importable() -> None:
    assert [name for name in pvtop.__all__ if getattr(pvtop, name).__name__ != name] == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule)
def test_mutation_fits_the_source(mutation: Mutation) -> None:
    """`make mutate` takes too long for every change, so a misfit shows here first."""
    assert MODULES[mutation.module].read_text().count(mutation.old) == 1
