"""The commands about the blacklist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from pvtop.cli.help import GroupedCommand
from pvtop.cli.options import PRINTING, command_options
from pvtop.cli.output import Output
from pvtop.core.counted import counted
from pvtop.core.escape import shorten

if TYPE_CHECKING:
    from pvtop.settings import Settings
    from pvtop.sources.blacklists import Blacklist
    from pvtop.transform.blacklist import BlacklistCounts

KNOWN = " (the public list that pvtop knows)"

app = typer.Typer(help="Describe the blacklist, or download it again.", no_args_is_help=True)


@app.command(cls=GroupedCommand)
@command_options("blacklist", "cache_dir", "offline", "contact", *PRINTING)
def info(*, settings: Settings, out: Output) -> None:
    """Describe the blacklist. Show its address, its digest, and what its lines exclude.

    The command downloads the blacklist first if it is not in the cache. An entry excludes two
    spellings of a title: as written, and percent-decoded. The command also counts the entries that can never match a
    page, such as those with a host name instead of a domain code.

    Example:

      pvtop blacklist info --blacklist ./my-blacklist
    """
    _print(settings, out)


@app.command(cls=GroupedCommand)
@command_options("blacklist", "cache_dir", "offline", "contact", *PRINTING)
def refresh(*, settings: Settings, out: Output) -> None:
    """Download the blacklist again. The cache keeps the old one until the new one is complete.

    Example:

      pvtop blacklist refresh
    """
    _print(settings.model_copy(update={"refresh_blacklist": True}), out)


def _print(settings: Settings, out: Output) -> None:
    from pvtop.pipeline.lookup import configured_blacklist

    found = configured_blacklist(settings)
    data = _data(found, found.count())
    out.result(data, _lines(data))


def _data(found: Blacklist, counts: BlacklistCounts) -> dict[str, Any]:
    from pvtop.sources.blacklists import KNOWN_SHA256

    return {
        "address": found.address,
        "sha256": found.sha256,
        "known_list": found.sha256 == KNOWN_SHA256,
        **asdict(counts),
        "duplicates": counts.entries + counts.decoded - len(found.pages),
        "spellings": len(found.pages),
        "domains": found.pages.get_column("domain_code").n_unique(),
    }


def _lines(data: dict[str, Any]) -> Iterator[str]:
    yield f"address    {data['address']}"
    yield f"sha256     {data['sha256'] or '-'}{KNOWN if data['known_list'] else ''}"
    yield (
        f"lines      {data['lines']:,}: "
        f"{counted(data['entries'], 'entry', 'entries')}, {data['untitled']:,} without a title, {data['blank']:,} blank"
    )
    yield (
        f"spellings  {data['spellings']:,}: "
        f"{data['entries']:,} as written + {data['decoded']:,} percent-decoded - {data['duplicates']:,} repeated"
    )
    yield f"domains    {data['domains']:,}"
    if count := data["written_only"]:
        yield f"not UTF-8 when decoded, so excluded only as written: {count:,}"
    for never in data["never_matching"]:
        yield f"can never match: {never['entries']:,} with {never['reason']}, such as {shorten(never['example'])!r}"
