"""The command about the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.help import GroupedCommand
from pvtop.cli.options import PRINTING, command_options
from pvtop.cli.output import Output
from pvtop.core.errors import UsageError
from pvtop.core.redaction import redacted
from pvtop.core.setting_names import not_a_setting

if TYPE_CHECKING:
    from pvtop.core.given import Given
    from pvtop.settings import Settings

app = typer.Typer(help="Show the settings.", no_args_is_help=True)

DEFAULT = "default"
NOT_SET = "(not set)"
WIDEST = 30  # characters of a value, before its place moves to the right
UNITS = {10**12: "TB", 10**9: "GB", 10**6: "MB", 10**3: "kB"}


def _names(incomplete: str) -> list[str]:
    """Return the settings that begin with what was typed so far, for the shell's completion."""
    from pvtop.settings import Settings

    return [name for name in Settings.model_fields if name.startswith(incomplete)]


@app.command(cls=GroupedCommand)
@command_options(*PRINTING)
def show(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Show only these settings.", autocompletion=_names)
    ] = None,
    *,
    settings: Settings,
    given: Mapping[str, Given],
    out: Output,
) -> None:
    """Show each setting, its value, and where the value comes from.

    Values are shown as you can write them in pvtop.toml. Secrets in addresses are not shown.

    Examples:

      pvtop config show

      pvtop config show cache_dir output
    """
    rows = {name: _row(getattr(settings, name), given.get(name)) for name in _checked(names, settings)}
    out.result(rows, _lines(rows))


def _checked(names: list[str] | None, settings: Settings) -> list[str]:
    """Return the settings to show: by default, all of them.

    Raises:
        UsageError: A name is not a setting.
    """
    known = type(settings).model_fields
    for name in names or []:
        if name not in known:
            raise UsageError(not_a_setting(name, known), remedy="list_settings")
    return names or list(known)


def _row(value: object, given: Given | None) -> dict[str, Any]:
    """Return what is shown of a setting. A default has no place."""
    return {
        "value": _written(value),
        "origin": given.origin if given else DEFAULT,
        "place": given.name if given else "",
        "line": given.line if given else None,
    }


def _written(value: object) -> object:
    """Return a value as it is written in `pvtop.toml`, without secrets. None if it is not set."""
    from pydantic import ByteSize

    from pvtop.settings import NO_CACHE_DIR, format_duration

    match value:
        case ByteSize():
            return next((f"{value // size}{unit}" for size, unit in UNITS.items() if value and not value % size), value)
        case timedelta():
            return format_duration(value)
        case None | bool() | int() | float():
            return value
        case _:
            return None if value == NO_CACHE_DIR else redacted(str(value))


def _lines(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield one line for each setting, in columns."""
    values = {name: _shown(row["value"]) for name, row in rows.items()}
    name_width, value_width = max(map(len, rows)), min(WIDEST, max(map(len, values.values())))
    for name, row in rows.items():
        place = f"{row['place']}, line {row['line']}" if row["line"] else row["place"] or row["origin"]
        yield f"{name:{name_width}}  {values[name]:{value_width}}  {place}"


def _shown(value: object) -> str:
    if value is None or value == "":
        return NOT_SET
    return str(value).lower() if isinstance(value, bool) else str(value)
