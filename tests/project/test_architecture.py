"""Who may import whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pvtop
from project.mutate import MUTATIONS, Mutation

PACKAGE = Path(pvtop.__file__).parent
MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}
OUTSIDE_CLI = [name for name in MODULES if not name.startswith(("cli.", "__main__"))]
HEAVY = ["aiohttp", "fsspec", "platformdirs", "polars", "pyarrow", "pydantic", "rich", "stamina"]


def imports(module: str) -> Iterator[str]:
    """Give every module that one imports, wherever the import stands."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(module: str) -> set[str]:
    """Give the packages that a module imports beside the standard library."""
    return {name.partition(".")[0] for name in imports(module)} - sys.stdlib_module_names


def loaded(module: str) -> set[str]:
    """Give the packages that a fresh interpreter has loaded once a module is imported."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split())


def test_the_ranking_is_pure() -> None:
    assert packages("transform.ranking") == {"polars", "pvtop"}
    assert {name for name in imports("transform.ranking") if name.startswith("pvtop.")} == {
        "pvtop.transform.schemas.PAGE_KEY",
        "pvtop.transform.schemas.SUM_DTYPE",
        "pvtop.transform.schemas.UNKNOWN",
    }


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name.startswith("core.")))
def test_values_and_words_need_nothing_but_python(module: str) -> None:
    assert packages(module) <= {"pvtop"}


@pytest.mark.parametrize("module", ["core.domain", "core.errors"])
def test_the_first_words_need_nobody(module: str) -> None:
    assert packages(module) == set()


def test_the_second_way_shares_nothing_with_the_first() -> None:
    assert packages("validation.recount") == {"pvtop"}
    assert {name for name in imports("validation.recount") if name.startswith("pvtop")} == {
        "pvtop.core.errors.CorruptError"
    }


@pytest.mark.parametrize("module", OUTSIDE_CLI)
def test_nothing_imports_the_command_line(module: str) -> None:
    assert not [name for name in imports(module) if name.startswith("pvtop.cli")]


@pytest.mark.parametrize("module", [name for name in OUTSIDE_CLI if name != "__init__"])
def test_the_library_names_no_option_variable_or_command(module: str) -> None:
    assert re.findall(r"--[a-z][a-z-]+|PVTOP_[A-Z]+|\bpvtop [a-z]+ -", MODULES[module].read_text()) == []


@pytest.mark.parametrize(
    "module", ["core.address", "core.domain", "core.errors", "core.hour", "storage.http", "settings", "sources.source"]
)
def test_what_comes_before_the_dump_knows_no_frames(module: str) -> None:
    assert not loaded(f"pvtop.{module}") & {"polars", "pyarrow"}


@pytest.mark.parametrize("module", ["pvtop", "pvtop.cli"])
def test_starting_up_loads_nothing_heavy(module: str) -> None:
    assert not loaded(module) & set(HEAVY)


def test_an_hour_of_folders_loads_nothing_for_the_network() -> None:
    assert not loaded("pvtop.pipeline.hour") & {"aiohttp", "fsspec", "pyarrow", "stamina"}


def test_every_name_of_the_interface_is_there() -> None:
    assert [name for name in pvtop.__all__ if getattr(pvtop, name).__name__ != name] == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule)
def test_every_mutation_fits_the_source(mutation: Mutation) -> None:
    """`make mutate`, which tries them, takes too long to be run at every change."""
    assert MODULES[mutation.module].read_text().count(mutation.old) == 1
