"""The commands about the cache."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli import options
from pvtop.cli.output import Output
from pvtop.cli.streams import is_terminal
from pvtop.core.errors import CorruptError, UsageError

if TYPE_CHECKING:
    from pvtop.sources.cache import Cache, CachedDump

app = typer.Typer(help="Look after the downloads that are kept.", no_args_is_help=True)


def _open(cache_dir: str | None) -> Cache:
    from pvtop.settings import Settings
    from pvtop.sources.cache import Cache

    return Cache(Settings.load(cache_dir=cache_dir).cache_dir)


@app.command("dir")
def dir_(cache_dir: options.CacheDir = None, *, json: options.Json = False) -> None:
    """Print the cache's folder.

    Example:

      du -sh "$(pvtop cache dir)"
    """
    folder = str(_open(cache_dir).folder)
    Output(json_wanted=json).result({"folder": folder}, iter([folder]))


@app.command()
def ls(cache_dir: options.CacheDir = None, *, json: options.Json = False) -> None:
    """List the dumps in the cache, the oldest hour first.

    Example:

      pvtop cache ls
    """
    dumps = list(_open(cache_dir).dumps())
    Output(json_wanted=json).result([_data(dump) for dump in dumps], _lines(dumps))


@app.command()
def verify(
    cache_dir: options.CacheDir = None,
    *,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Read every dump in the cache to its end and compare it with what was downloaded; exit 1 where one is not.

    Example:

      pvtop cache verify
    """
    out = Output(json_wanted=json, quiet=quiet, verbose=verbose)
    found = _open(cache_dir)
    broken = list(found.damaged())
    count = sum(1 for _ in found.dumps())
    data = {"dumps": count, "broken": [{**_data(dump), "reason": reason} for dump, reason in broken]}
    out.result(data, iter([*(reason for _, reason in broken), f"{count:,} dumps, {len(broken):,} broken"]))
    if broken:
        raise CorruptError(
            f"{len(broken):,} of {count:,} cached dumps are broken",
            "pvtop report --force --refresh-dump downloads an hour again; pvtop cache prune --max-size 0 removes all",
        )


@app.command()
def prune(
    older_than: Annotated[
        timedelta | None,
        typer.Option(
            parser=options.duration,
            metavar="DURATION",
            help="Remove what was downloaded longer ago, e.g. 7d.",
        ),
    ] = None,
    max_size: Annotated[
        int | None,
        typer.Option(parser=options.size, metavar="SIZE", help="Remove the oldest downloads above this, e.g. 20GB."),
    ] = None,
    cache_dir: options.CacheDir = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Remove downloads that are old or too many, and what killed runs have left; never a file in use.

    Examples:

      pvtop cache prune --older-than 7d

      pvtop cache prune --max-size 20GB --yes
    """
    if older_than is None and max_size is None:
        raise UsageError(
            "nothing says what to remove", "give --older-than 7d or --max-size 20GB; --max-size 0 removes all"
        )
    out = Output(json_wanted=json, quiet=quiet, verbose=verbose)
    found = _open(cache_dir)
    chosen = found.prunable(older_than, max_size)
    if chosen and not dry_run and not yes:
        _confirm(chosen)
    if not dry_run:
        found.sweep()
    gone = chosen if dry_run else [dump for dump in chosen if found.remove(dump)]
    data = {"dry_run": dry_run, "removed": [_data(dump) for dump in gone]}
    out.result(data, _lines(gone, "would be removed" if dry_run else "removed"))


def _confirm(chosen: list[CachedDump]) -> None:
    """Ask before files are removed.

    Raises:
        UsageError: There is nobody to ask.
    """
    if not is_terminal(sys.stdin):
        raise UsageError("removing downloads asks first, and there is no terminal to ask on", "give --yes")
    typer.confirm(f"Remove {len(chosen):,} dumps, {_megabytes(chosen)}?", abort=True, err=True)


def _data(dump: CachedDump) -> dict[str, Any]:
    return {
        "hour": dump.hour.iso,
        "path": str(dump.path),
        "bytes": dump.bytes,
        "downloaded": f"{dump.modified:%Y-%m-%dT%H:%M:%SZ}",
    }


def _lines(dumps: list[CachedDump], what: str = "") -> Iterator[str]:
    for dump in dumps:
        yield f"{dump.hour.iso}  {dump.bytes:>13,}  {dump.modified:%Y-%m-%d %H:%M}  {dump.path}"
    yield f"{len(dumps):,} dumps, {_megabytes(dumps)} {what}".rstrip()


def _megabytes(dumps: list[CachedDump]) -> str:
    return f"{sum(dump.bytes for dump in dumps) / 1e6:,.1f} MB"
