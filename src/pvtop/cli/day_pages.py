"""What `movers` and `spikes` share: their options, which wikis are meant, and how a page is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.output import cut
from pvtop.cli.selection import LARGEST, matching_codes
from pvtop.core.domain import Domain
from pvtop.core.escape import printable

if TYPE_CHECKING:
    import polars as pl
    from rich.text import Text

    from pvtop.core.day import Day
    from pvtop.lake.lake import Lake

FINDING = ("blacklist", "cache_dir", "offline", "keep_unknown", "output", "contact")

Count = Annotated[
    int, typer.Option("-n", min=1, max=1_000_000, metavar="N", help="Pages in all, or of each wiki with --domain.")
]
MinViews = Annotated[int, typer.Option("--min-views", min=1, metavar="N", help="Minimum views of a page on the day.")]


def chosen_wikis(lake: Lake, day: Day, names: Sequence[str] | None) -> list[str] | None:
    """Return the codes of the wikis that --domain means, in the order of the names. None if it is not given.

    A name of the desktop or the mobile site means both.

    Raises:
        UsageError: A name fits no domain of the day.
        OutputError: The lake cannot be read.
    """
    if not names:
        return None
    with lake.day_file(day) as file:
        pages = dict(file.provenance.domains) if file else {}
    if not pages:  # the search itself explains that there is no day file
        return []
    wikis = {code: Domain.of(code).merged_code for code in pages}
    known = sorted(pages.keys() | {wiki for wiki in wikis.values() if Domain.of(wiki).merged_code == wiki})
    largest = sorted(pages, key=lambda code: (-pages[code], code))[:LARGEST]
    chosen = matching_codes(names, known, day, largest)
    return list(dict.fromkeys(wikis.get(code, code) for code in chosen))


def by_wiki(pages: pl.DataFrame, wikis: Collection[str] | None) -> Iterator[list[dict[str, Any]]]:
    """Yield the pages of each wiki in its turn, or all pages at once if they are ranked together."""
    if wikis is None:
        yield pages.to_dicts()
    else:
        yield from (pages.filter(domain_code=wiki).to_dicts() for wiki in wikis)


def page_lines(
    groups: Iterator[list[dict[str, Any]]],
    header: str,
    numbers: Callable[[dict[str, Any]], tuple[str, str]],
    width: int | None,
) -> Iterator[str | Text]:
    """Yield a header and a line for each page. A blank line parts the wikis.

    Args:
        groups: The pages of each wiki.
        header: The names of the columns before the page.
        numbers: Returns what stands before a page: its numbers, and its views over time as blocks.
        width: The columns of the terminal that stdout is, None if it is none.
    """
    from rich.text import Text

    for pages in filter(None, groups):
        yield ""
        yield cut(Text(f"{header}page", style="bold"), width)
        for page in pages:
            before, blocks = numbers(page)
            line = Text(before).append(blocks, style="cyan").append("  ")
            yield cut(line.append_text(_linked(page, width)), width)


def _linked(page: dict[str, Any], width: int | None) -> Text:
    """Return a page as `series` takes it. On a terminal, it is a link."""
    from rich.style import Style
    from rich.text import Text

    domain = Domain.of(page["domain_code"])
    link = None if width is None else domain.page_address(page["page_title"])
    return Text(printable(f"{domain.label}:{page['page_title']}"), Style(link=link))
