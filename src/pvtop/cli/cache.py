"""The commands about the cache."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.help import GroupedCommand
from pvtop.cli.hints import naming
from pvtop.cli.options import PRINTING, command_options
from pvtop.cli.output import Output
from pvtop.cli.streams import is_terminal
from pvtop.core.counted import counted
from pvtop.core.errors import CorruptError, UsageError

if TYPE_CHECKING:
    from pvtop.settings import Settings
    from pvtop.sources.cache import Cache, CachedDump

app = typer.Typer(help="List, verify and remove cached downloads.", no_args_is_help=True)

DUMP_COLUMNS = ("hour", "path", "bytes", "downloaded")


def _duration(text: str) -> timedelta:
    """Parse a duration such as `7d`."""
    from pvtop.settings import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} {error}") from None


def _size(text: str) -> int:
    """Parse a size such as `20GB`."""
    from pydantic import TypeAdapter, ValidationError

    from pvtop.settings import Size

    try:
        return TypeAdapter[int](Size).validate_python(text)
    except ValidationError:
        raise typer.BadParameter(f"{text!r} must be a size such as 20GB, 500MB or 1GiB") from None


def _open(settings: Settings) -> Cache:
    """Return the cache.

    Raises:
        OutputError: There is no cache folder.
    """
    from pvtop.settings import NO_CACHE_DIR
    from pvtop.sources.cache import Cache
    from pvtop.sources.facts import no_cache_folder

    if settings.cache_dir == NO_CACHE_DIR:
        raise no_cache_folder()
    return Cache(settings.cache_dir)


@app.command("dir", cls=GroupedCommand)
@command_options("cache_dir", "json")
def dir_(*, settings: Settings, out: Output) -> None:
    """Print the path of the cache folder.

    Example:

      du -sh "$(pvtop cache dir)"
    """
    folder = str(_open(settings).folder)
    out.result({"folder": folder}, iter([folder]))


@app.command(cls=GroupedCommand)
@command_options("cache_dir", "json", "csv")
def ls(*, settings: Settings, out: Output) -> None:
    """List the cached dumps, oldest hour first.

    Example:

      pvtop cache ls
    """
    dumps = list(_open(settings).dumps())
    rows = [_data(dump) for dump in dumps]
    out.result(rows, _lines(dumps), [DUMP_COLUMNS, *(list(row.values()) for row in rows)])


@app.command(cls=GroupedCommand)
@command_options("cache_dir", *PRINTING)
def verify(*, settings: Settings, out: Output) -> None:
    """Check every cached dump.

    The command reads each dump fully and compares its digest with the one recorded at download.

    The exit code is 1 if a dump is damaged.

    Example:

      pvtop cache verify
    """
    from pvtop.cli.progress import waiting

    found = _open(settings)
    count = sum(1 for _ in found.dumps())
    with waiting(out, f"verifying {counted(count, 'dump')}"):
        broken = list(found.damaged())
    data = {"dumps": count, "broken": [{**_data(dump), "reason": reason} for dump, reason in broken]}
    out.result(data, iter([*(reason for _, reason in broken), f"{counted(count, 'dump')}, {len(broken):,} broken"]))
    if broken:
        raise CorruptError(
            f"{len(broken):,} of {counted(count, 'cached dump')} {'is' if len(broken) == 1 else 'are'} broken",
            f"download one again: pvtop report {naming(broken[0][0].hour.iso)} --force --refresh-dump; "
            "or remove all dumps: pvtop cache prune --max-size 0",
        )


@app.command(cls=GroupedCommand)
@command_options("cache_dir", *PRINTING)
def prune(
    older_than: Annotated[
        timedelta | None,
        typer.Option(
            parser=_duration,
            metavar="DURATION",
            help="Remove dumps that were downloaded longer ago than DURATION, e.g. 7d.",
        ),
    ] = None,
    max_size: Annotated[
        int | None,
        typer.Option(
            parser=_size,
            metavar="SIZE",
            help="Remove the oldest downloads until the cache takes at most SIZE, e.g. 20GB.",
        ),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be removed, and remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
    settings: Settings,
    out: Output,
) -> None:
    """Remove old downloads.

    Use --older-than to remove downloads by age, or --max-size to remove the oldest until the cache is small enough.

    Files in use are never removed. Temporary files left by killed runs are also removed.

    Examples:

      pvtop cache prune --older-than 7d

      pvtop cache prune --max-size 20GB --yes
    """
    if older_than is None and max_size is None:
        raise UsageError(
            "no limit given",
            "give --older-than 7d or --max-size 20GB; --max-size 0 removes all",
        )
    found = _open(settings)
    chosen = found.prunable(older_than, max_size)
    if chosen and not dry_run and not yes:
        _confirm(chosen)
    if not dry_run:
        found.sweep()
    gone = chosen if dry_run else [dump for dump in chosen if found.remove(dump)]
    data = {"dry_run": dry_run, "removed": [_data(dump) for dump in gone]}
    out.result(data, _lines(gone, "would be removed" if dry_run else "removed"))


def _confirm(chosen: list[CachedDump]) -> None:
    """Ask the user to confirm the removal of files.

    Raises:
        UsageError: stdin is not a terminal.
    """
    if not is_terminal(sys.stdin):
        raise UsageError(
            "cannot ask before removing downloads: stdin is not a terminal", "add --yes to remove them without asking"
        )
    typer.confirm(f"Remove {counted(len(chosen), 'dump')}, {_megabytes(chosen)}?", abort=True, err=True)


def _data(dump: CachedDump) -> dict[str, Any]:
    values = dump.hour.iso, str(dump.path), dump.bytes, f"{dump.modified:%Y-%m-%dT%H:%M:%SZ}"
    return dict(zip(DUMP_COLUMNS, values, strict=True))


def _lines(dumps: list[CachedDump], what: str = "") -> Iterator[str]:
    for dump in dumps:
        yield f"{dump.hour.iso}  {dump.bytes:>13,}  {dump.modified:%Y-%m-%d %H:%M}  {dump.path}"
    yield f"{counted(len(dumps), 'dump')}, {_megabytes(dumps)} {what}".rstrip()


def _megabytes(dumps: list[CachedDump]) -> str:
    return f"{sum(dump.bytes for dump in dumps) / 1e6:,.1f} MB"
