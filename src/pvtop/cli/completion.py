"""Values that the shell completes, besides those that Typer knows: commands, options and their choices."""

from __future__ import annotations

import contextlib
import logging

import typer

from pvtop.core.errors import PvtopError

CALL_TIMEOUT = 2.0  # seconds for each call to the lake: nobody waits longer for a completion


def complete_domains(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the domain codes of a report that start with the text. The most viewed come first.

    The report is the one that --output, --date and --hour on the command line mean. The result is empty if there is no
    such report, or it cannot be read: a completion has no place for a message.
    """
    from pvtop.cli.hours import hour_in_lake
    from pvtop.lake.lake import Lake
    from pvtop.settings import Settings

    logging.getLogger("pvtop").setLevel(logging.CRITICAL)
    with contextlib.suppress(PvtopError):
        lake = Lake(Settings.load(output=ctx.params.get("output")).output, CALL_TIMEOUT)
        hour = hour_in_lake(lake, ctx.params.get("date"), ctx.params.get("hour"))
        if hour:
            report = lake.read(hour)
            codes = report.domains.sort("views", "domain_code", descending=[True, False]).get_column("domain_code")
            return [code for code in codes if code and code.startswith(incomplete)]
    return []
