"""How movers and spikes show themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pvtop.core.day import Day
from pvtop.pipeline.found_pages import PAGES_SHOWN
from pvtop.pipeline.movers import find_movers, find_spikes
from pvtop.settings import Settings
from support.days import DAY, write_day

BUSY = {14: 900, 15: 99, 16: 1}


def cells(*texts: str) -> str:
    """Return cells of a table as notebooks show them, numbers on the right."""
    sides = ["right" if text[0].isdigit() and ":" not in text else "left" for text in texts]
    return "".join(f'<td style="text-align: {side}">{text}</td>' for side, text in zip(sides, texts, strict=True))


def blocks(text: str) -> str:
    return f'<td style="text-align: left; white-space: pre">{text}</td>'


def test_notebook_shows_each_mover_with_the_numbers_that_say_why(settings: Settings) -> None:
    lake = Path(settings.output)
    write_day(lake, DAY + -2, {("en", "A?"): {1: 250}})
    write_day(lake, DAY, {("en", "A?"): BUSY, ("en.m", "A?"): {1: 250}, ("x.y", "<b>"): BUSY}, missing=[23])
    found = find_movers(DAY, settings, against=3)
    assert repr(found) == "<Movers of 2024-12-30: 2 pages, 23 hours against 24 hours of 1 earlier day>"
    shown = found._repr_html_()
    assert "Movers of 2024-12-30: 2 pages, 23 hours against 24 hours of 1 earlier day" in shown
    assert "<br>No day file, so left out: 2024-12-27, 2024-12-29<br>1 hour without data: 2024-12-31T00<" in shown
    page = '<td style="text-align: left"><a href="https://en.wikipedia.org/wiki/A%3F">en:A?</a></td>'
    assert f"{page}{cells('1,250', '20 %', '240', '5.2x', '771')}{blocks(' ▃ █')}</tr>" in shown
    assert f"{cells('1', 'x.y:&lt;b&gt;', '1,000', '-', '0', 'new', '1,429')}{blocks(' ▁ █')}</tr>" in shown


def test_notebook_shows_each_spike_with_the_numbers_that_say_why(settings: Settings) -> None:
    lake = Path(settings.output)
    write_day(lake, DAY, {("en", "A"): BUSY, ("en.m", "A"): {14: 100, 0: 100}, ("", "B"): BUSY}, missing=[23])
    found = find_spikes(DAY, settings)
    assert repr(found) == "<Spikes of 2024-12-30: 2 pages, 23 hours>"
    shown = found._repr_html_()
    assert "Spikes of 2024-12-30: 2 pages, 23 hours<br>1 hour without data: 2024-12-31T00<" in shown
    page = '<td style="text-align: left"><a href="https://en.wikipedia.org/wiki/A">en:A</a></td>'
    day = f"▂{'▁' * 13}█▂▂{'▁' * 6} "
    assert f"{page}{cells('14:00 to 15:00', '1,000', '83 %', '10 %', '1,200', '17 %')}{blocks(day)}</tr>" in shown
    assert cells("2", '""'.replace('"', "&quot;") + ":B", "14:00 to 15:00", "900", "90 %", "-", "1,000", "-") in shown


def test_notebook_shows_the_first_pages_and_how_many_more_there_are(settings: Settings) -> None:
    pages = {("en", f"Page_{number}"): {7: 500 + number} for number in range(PAGES_SHOWN + 2)}
    write_day(Path(settings.output), DAY + -1, {("en", "B"): {1: 1}})
    write_day(Path(settings.output), DAY, pages)
    for found in (find_movers(DAY, settings), find_spikes(DAY, settings)):
        shown = found._repr_html_()
        assert shown.count("<a href") == PAGES_SHOWN
        assert ">and 2 more pages<" in shown


def test_notebook_shows_no_columns_if_nothing_was_found(settings: Settings) -> None:
    for offset in (-1, 0):
        write_day(Path(settings.output), DAY + offset, {("en", "B"): {1: 1}})
    for found in (find_movers(DAY, settings), find_spikes(DAY, settings)):
        assert ": 0 pages, 24 hours" in found._repr_html_()
        assert "<td" not in found._repr_html_()
        assert "<th" not in found._repr_html_()


def test_notebook_names_the_known_issues_of_the_days(settings: Settings) -> None:
    write_day(Path(settings.output), DAY, {("en", "A"): BUSY})
    lossy = Day.parse("2021-07-01")
    assert "2 to 8 % of the views were lost" in replace(find_spikes(DAY, settings), day=lossy)._repr_html_()
