"""The commands about the blacklist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from pvtop.cli.help import GroupedCommand
from pvtop.cli.options import PRINTING, command_options
from pvtop.cli.output import Output

if TYPE_CHECKING:
    from pvtop.settings import Settings
    from pvtop.sources.blacklists import Blacklist

app = typer.Typer(help="Describe the blacklist, or download it again.", no_args_is_help=True)


@app.command(cls=GroupedCommand)
@command_options("blacklist", "cache_dir", "contact", *PRINTING)
def info(*, settings: Settings, out: Output) -> None:
    """Describe the blacklist. Show its address, digest and number of titles.

    The command downloads the blacklist first if it is not in the cache.

    Example:

      pvtop blacklist info --blacklist ./my-blacklist
    """
    _print(settings, out)


@app.command(cls=GroupedCommand)
@command_options("blacklist", "cache_dir", "contact", *PRINTING)
def refresh(*, settings: Settings, out: Output) -> None:
    """Download the blacklist again. The cache keeps the old one until the new one is complete.

    Example:

      pvtop blacklist refresh
    """
    _print(settings.model_copy(update={"refresh_blacklist": True}), out)


def _print(settings: Settings, out: Output) -> None:
    from pvtop.pipeline.lookup import configured_blacklist

    found = configured_blacklist(settings)
    out.result(_data(found), _lines(found))


def _data(found: Blacklist) -> dict[str, Any]:
    domains = found.pages.get_column("domain_code").n_unique()
    return {
        "address": found.address,
        "sha256": found.sha256,
        "spellings": len(found.pages),
        "domains": domains,
    }


def _lines(found: Blacklist) -> Iterator[str]:
    data = _data(found)
    yield f"address    {data['address']}"
    yield f"sha256     {data['sha256'] or '-'}"
    yield f"titles     {data['spellings']:,} (each as written and percent-decoded, without duplicates)"
    yield f"domains    {data['domains']:,}"
