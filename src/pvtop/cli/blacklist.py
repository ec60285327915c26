"""The commands about the blacklist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from pvtop.cli import options
from pvtop.cli.output import Output

if TYPE_CHECKING:
    from pvtop.sources.blacklists import Blacklist

app = typer.Typer(help="Look at the blacklist, or download it again.", no_args_is_help=True)


@app.command()
def info(
    blacklist: options.Blacklist = None,
    cache_dir: options.CacheDir = None,
    contact: options.Contact = None,
    *,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Tell where the blacklist comes from and how much it names; download it where it is not at hand.

    Example:

      pvtop blacklist info --blacklist ./my-blacklist
    """
    _tell(Output(json_wanted=json, quiet=quiet, verbose=verbose), blacklist, cache_dir, contact)


@app.command()
def refresh(
    blacklist: options.Blacklist = None,
    cache_dir: options.CacheDir = None,
    contact: options.Contact = None,
    *,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Download the blacklist again; the old one stays until the new one is whole.

    Example:

      pvtop blacklist refresh
    """
    _tell(Output(json_wanted=json, quiet=quiet, verbose=verbose), blacklist, cache_dir, contact, refresh=True)


def _tell(
    out: Output, address: str | None, cache_dir: object, contact: str | None, *, refresh: bool | None = None
) -> None:
    from pvtop.pipeline.hour import configured_blacklist
    from pvtop.settings import Settings

    found = configured_blacklist(
        Settings.load(blacklist=address, cache_dir=cache_dir, contact=contact, refresh_blacklist=refresh)
    )
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
    yield f"spellings  {data['spellings']:,} (each title as written and percent-decoded)"
    yield f"domains    {data['domains']:,}"
