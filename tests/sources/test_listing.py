"""Listings of folders on a web server: names, times and sizes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pvtop.core.address import Address
from pvtop.sources.listing import parse_listing
from pvtop.storage.filesystem import ListedFile
from pvtop.storage.http import MAX_LISTING_BYTES

NGINX = """\
<html>
<head><title>Index of /other/pageviews/2019/2019-04/</title></head>
<body>
<h1>Index of /other/pageviews/2019/2019-04/</h1><hr><pre><a href="../">../</a>
<a href="2019-04/">2019-04/</a>                                           01-May-2019 00:51                   -
<a href="pageviews-20190401-000000.gz">pageviews-20190401-000000.gz</a>                       01-Apr-2019 02:51            43513215
<a href="a-name-that-is-much-longer-than-fits-into-the-column.gz">a-name-that-is-much-longer-than-fits-into-the-c..&gt;</a> 29-Feb-2020 23:05                   0
</pre><hr></body>
</html>
"""  # noqa: E501 - as it is sent
PYTHON = """\
<!DOCTYPE HTML>
<html lang="en">
<body>
<h1>Directory listing for /</h1>
<hr>
<ul>
<li><a href="2019/">2019/</a></li>
<li><a href="a%20b%26c/">a b&amp;c/</a></li>
<li><a href="pageviews-20190401-120000.gz">pageviews-20190401-120000.gz</a></li>
</ul>
</body>
</html>
"""
APACHE = """\
<table id="indexlist">
<tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td><img src="/icons/back.gif" alt="[DIR]"></td><td><a href="/other/">Parent Directory</a></td><td>&nbsp;</td></tr>
<tr><td class="indexcolname"><A class='file' HREF='pageviews-20190401-120000.gz'>pageviews-201904..&gt;</A></td>
<td align="right">2019-04-01 14:51  </td><td align="right"> 41M</td></tr>
<tr><td><a rel="nofollow" href="./2019/">2019/</a></td><td align="right">2019-04-01 14:51  </td><td>  - </td></tr>
</table>
"""


def test_nginx_listing_has_names_times_and_sizes() -> None:
    assert parse_listing(NGINX) == [
        ListedFile("2019-04"),
        ListedFile("pageviews-20190401-000000.gz", 43_513_215, datetime(2019, 4, 1, 2, 51, tzinfo=UTC)),
        ListedFile(
            "a-name-that-is-much-longer-than-fits-into-the-column.gz", 0, datetime(2020, 2, 29, 23, 5, tzinfo=UTC)
        ),
    ]


def test_python_listing_has_names() -> None:
    assert parse_listing(PYTHON) == [
        ListedFile("2019"),
        ListedFile("a b&c"),
        ListedFile("pageviews-20190401-120000.gz"),
    ]


def test_apache_listing_has_names() -> None:
    assert parse_listing(APACHE) == [ListedFile("pageviews-20190401-120000.gz"), ListedFile("2019")]


@pytest.mark.parametrize(
    "href",
    [
        "https://example.org/pageviews-20190401-120000.gz",
        "//example.org/x.gz",
        "/other/pageviews/x.gz",
        "/",
        "..",
        "../",
        "../x.gz",
        ".",
        "./",
        "2019/2019-04/",
        "%2e%2e/",
        "..%2Fx.gz",
        "?C=M;O=D",
        "",
    ],
)
def test_links_out_of_the_folder_are_ignored(href: str) -> None:
    assert parse_listing(f'<a href="{href}">x</a>') == []


@pytest.mark.parametrize(
    "href",
    ["x.gz", "./x.gz", "/other/2019/x.gz", "https://example.org/other/2019/x.gz", "//example.org/other/2019/x.gz"],
)
def test_absolute_links_into_the_folder_are_read(href: str) -> None:
    listing = f'<a href="{href}">x</a><a href="{href}/y.gz">y</a>'
    assert parse_listing(listing, Address.at("https://me:secret@example.org/other/2019/")) == [ListedFile("x.gz")]


def test_links_into_another_folder_are_ignored() -> None:
    listing = '<a href="/other/2019/x.gz">x</a><a href="https://example.com/other/2020/x.gz">x</a>'
    assert parse_listing(listing, Address.at("https://example.org/other/2020/")) == []


def test_repeated_link_is_one_entry() -> None:
    assert parse_listing('<a href="x.gz">x.gz</a> <a href="x.gz">x.gz</a>') == [ListedFile("x.gz")]


@pytest.mark.parametrize("size", ["41M", "1.5G", "41 MB"])
def test_rounded_size_counts_as_unknown(size: str) -> None:
    assert parse_listing(f'<a href="x.gz">x.gz</a>  01-Apr-2019 02:51  {size}\n')[0].size is None


@pytest.mark.parametrize("time", ["01-Mai-2019 02:51", "31-Apr-2019 02:51", "00-000-0000 00:00"])
def test_unreadable_time_counts_as_unknown(time: str) -> None:
    assert parse_listing(f'<a href="x.gz">x.gz</a>  {time}  57\n')[0].modified is None


def test_link_may_contain_other_elements() -> None:
    assert parse_listing('<a href="./x.gz"><svg></svg><span class="name">x.gz</span></a>') == [ListedFile("x.gz")]


@pytest.mark.parametrize(
    "unit", ["<a " * 33 + 'href="x"' * 12 + ">", '<a href="x">', '<a href="', '<a href="x">x</a>' + " " * 999 + "x"]
)
def test_parse_listing_takes_linear_time(unit: str) -> None:
    """A slow parser needs minutes or hours for such a listing."""
    assert len(parse_listing(unit * (MAX_LISTING_BYTES // len(unit)))) <= 1


def test_parse_listing_takes_linear_time_for_a_link_without_end() -> None:
    assert parse_listing("<a " + 'href="x"' * 2_000_000 + "<") == []
