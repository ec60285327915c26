"""What `import pvtop` offers: the names, and that they are found and explained."""

from __future__ import annotations

import ast
import inspect
import pydoc
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import pvtop
from pvtop.core import errors
from support.samples import ROOT

MODULE = Path(pvtop.__file__)


def names_for_type_checkers() -> dict[str, str]:
    """Return the names that type checkers and editors read, each with its module."""
    (block,) = (node for node in ast.parse(MODULE.read_text()).body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert len(imports) == len(block.body)
    assert all(alias.asname == alias.name for node in imports for alias in node.names), "`a as a` exports a name"
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_type_checkers_and_python_have_the_same_names() -> None:
    assert names_for_type_checkers() == {name: f"pvtop.{home}" for name, home in pvtop._HOMES.items()}  # noqa: SLF001
    assert sorted(names_for_type_checkers()) == pvtop.__all__


def test_dir_lists_the_names_and_nothing_else() -> None:
    assert [name for name in dir(pvtop) if not name.startswith("__")] == sorted(pvtop.__all__)
    assert {"__all__", "__version__", "__doc__"} <= set(dir(pvtop))


@pytest.mark.parametrize("name", pvtop.__all__)
def test_name_is_imported_from_its_module(name: str) -> None:
    value = getattr(pvtop, name)
    assert (value.__module__, value.__name__) == (names_for_type_checkers()[name], name)


def test_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pvtop' has no attribute 'run_day'"):
        pvtop.run_day  # noqa: B018 - the access is what fails


def test_every_error_is_exported() -> None:
    kinds = {value for _, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == errors.__name__}
    assert kinds == {getattr(pvtop, name) for name in pvtop.__all__ if name.endswith("Error")}


def test_help_lists_every_name() -> None:
    shown = pydoc.plain(pydoc.render_doc(pvtop))
    assert [name for name in pvtop.__all__ if not re.search(rf"\b{name}\b", shown)] == []


def public_parts() -> dict[str, object]:
    """Return the public names, and the public methods and properties of the classes among them."""
    parts: dict[str, object] = {name: getattr(pvtop, name) for name in pvtop.__all__}
    for name, value in list(parts.items()):
        if isinstance(value, type) and not issubclass(value, Exception):
            of_ours = (base for base in value.__mro__ if base.__module__.startswith("pvtop."))
            members = {key: part for base in of_ours for key, part in vars(base).items() if not key.startswith("_")}
            parts |= {
                f"{name}.{key}": part
                for key, part in members.items()
                if isinstance(part, property | classmethod | staticmethod) or inspect.isfunction(part)
            }
    return parts


@pytest.mark.parametrize("name", public_parts())
def test_every_public_part_has_a_docstring(name: str) -> None:
    part = public_parts()[name]
    text = inspect.getdoc(part) or ""
    assert len(text) > 20
    assert not text.startswith(f"{name}(")  # what dataclasses write if there is none


@pytest.mark.parametrize("name", [name for name in pvtop.__all__ if inspect.isfunction(getattr(pvtop, name))])
def test_docstring_of_a_function_explains_its_arguments_its_result_and_its_errors(name: str) -> None:
    function = getattr(pvtop, name)
    text = inspect.getdoc(function) or ""
    assert [
        one for one in inspect.signature(function).parameters if not re.search(rf"^    {one}: ", text, re.MULTILINE)
    ] == []
    assert text.startswith("Return ") or "Returns:\n" in text
    assert "Raises:\n" in text


@pytest.mark.parametrize("name", [name for name in pvtop.__all__ if is_dataclass(getattr(pvtop, name))])
def test_docstring_of_a_value_explains_its_fields(name: str) -> None:
    value = getattr(pvtop, name)
    text = inspect.getdoc(value) or ""
    assert [one.name for one in fields(value) if not re.search(rf"^    {one.name}: ", text, re.MULTILINE)] == []


@pytest.mark.parametrize("name", pvtop.__all__)
def test_page_about_the_library_lists_every_name(name: str) -> None:
    assert f"`{name}" in (ROOT / "docs" / "library.md").read_text()
