"""Sources: listings, and the newest hour in them. What HTTP adds is shown elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import fsspec
import pytest

from pvtop.core.errors import NotPublishedError, SourceError
from pvtop.core.hour import Hour
from pvtop.settings import Settings
from pvtop.sources.listing import Entry, parse_listing
from pvtop.sources.source import FolderSource, FsspecSource, HttpSource, Source, newest, open_source
from pvtop.storage.http import MAX_LISTING_BYTES, Client

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
FIRST = "2019-04-01T00 2019-04-01T23 2019-03-31T12"
EMPTY_MONTH = "2019/2019-05"


def test_a_listing_of_nginx_tells_names_times_and_sizes() -> None:
    assert parse_listing(NGINX) == [
        Entry("2019-04"),
        Entry("pageviews-20190401-000000.gz", 43_513_215, datetime(2019, 4, 1, 2, 51, tzinfo=UTC)),
        Entry("a-name-that-is-much-longer-than-fits-into-the-column.gz", 0, datetime(2020, 2, 29, 23, 5, tzinfo=UTC)),
    ]


def test_a_listing_of_python_tells_names() -> None:
    assert parse_listing(PYTHON) == [Entry("2019"), Entry("a b&c"), Entry("pageviews-20190401-120000.gz")]


def test_a_listing_of_a_mirror_tells_names() -> None:
    assert parse_listing(APACHE) == [Entry("pageviews-20190401-120000.gz"), Entry("2019")]


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
def test_links_that_lead_elsewhere_are_ignored(href: str) -> None:
    assert parse_listing(f'<a href="{href}">x</a>') == []


@pytest.mark.parametrize(
    "href",
    ["x.gz", "./x.gz", "/other/2019/x.gz", "https://example.org/other/2019/x.gz", "//example.org/other/2019/x.gz"],
)
def test_links_may_be_absolute_as_long_as_they_lead_into_the_folder(href: str) -> None:
    listing = f'<a href="{href}">x</a><a href="{href}/y.gz">y</a>'
    assert parse_listing(listing, "https://me:secret@example.org/other/2019/") == [Entry("x.gz")]


def test_links_into_another_folder_are_ignored() -> None:
    listing = '<a href="/other/2019/x.gz">x</a><a href="https://example.com/other/2020/x.gz">x</a>'
    assert parse_listing(listing, "https://example.org/other/2020/") == []


def test_a_name_that_is_linked_twice_is_one_entry() -> None:
    assert parse_listing('<a href="x.gz">x.gz</a> <a href="x.gz">x.gz</a>') == [Entry("x.gz")]


@pytest.mark.parametrize("size", ["41M", "1.5G", "41 MB"])
def test_a_rounded_size_is_no_size(size: str) -> None:
    assert parse_listing(f'<a href="x.gz">x.gz</a>  01-Apr-2019 02:51  {size}\n')[0].size is None


@pytest.mark.parametrize("time", ["01-Mai-2019 02:51", "31-Apr-2019 02:51", "00-000-0000 00:00"])
def test_a_time_that_cannot_be_read_is_no_time(time: str) -> None:
    assert parse_listing(f'<a href="x.gz">x.gz</a>  {time}  57\n')[0].modified is None


def test_a_link_may_hold_more_than_text() -> None:
    assert parse_listing('<a href="./x.gz"><svg></svg><span class="name">x.gz</span></a>') == [Entry("x.gz")]


@pytest.mark.parametrize(
    "unit", ["<a " * 33 + 'href="x"' * 12 + ">", '<a href="x">', '<a href="', '<a href="x">x</a>' + " " * 999 + "x"]
)
def test_a_listing_that_is_made_to_be_slow_is_read_in_the_measure_of_its_length(unit: str) -> None:
    """Such a listing took two minutes, or hours."""
    assert len(parse_listing(unit * (MAX_LISTING_BYTES // len(unit)))) <= 1
    assert parse_listing("<a " + 'href="x"' * 2_000_000 + "<") == []


def fill_folder(root: Path, hours: str) -> None:
    """Write empty dumps, and a month without any."""
    for text in hours.split():
        path = root / Hour.parse(text).dump_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / EMPTY_MONTH).mkdir(parents=True)


def fill_memory(root: str, hours: str) -> None:
    """Write the same into fsspec's memory."""
    memory = fsspec.filesystem("memory")
    for text in hours.split():
        memory.pipe_file(f"{root}/{Hour.parse(text).dump_path}", b"")
    memory.makedirs(f"{root}/{EMPTY_MONTH}")


@pytest.fixture(params=["folder", "memory"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    """Give a source with the dumps of `FIRST`, and an empty newest month."""
    if request.param == "folder":
        fill_folder(tmp_path / "mirror", FIRST)
        yield FolderSource(str(tmp_path / "mirror"))
        return
    root = f"memory://{tmp_path.name}/mirror"
    fill_memory(root, FIRST)
    yield FsspecSource(root, Client(Settings.load()))
    fsspec.filesystem("memory").rm(root, recursive=True)


async def test_listings(source: Source) -> None:
    assert [entry.name for entry in await source.listing("2019/2019-03")] == ["pageviews-20190331-120000.gz"]
    assert {entry.name for entry in await source.listing("2019")} == {"2019-03", "2019-04", "2019-05"}
    assert {entry.name for entry in await source.listing("")} == {"2019"}


async def test_a_folder_that_is_not_there_is_empty(source: Source) -> None:
    assert await source.listing("2018/2018-01") == []
    assert await source.listing(EMPTY_MONTH) == []


async def test_newest_passes_over_an_empty_month(source: Source) -> None:
    assert await newest(source) == Hour.parse("2019-04-01T23")


@pytest.mark.parametrize(
    ("day", "hour", "found"),
    [
        (date(2019, 4, 1), None, "2019-04-01T23"),
        (date(2019, 3, 31), None, "2019-03-31T12"),
        (None, 0, "2019-04-01T00"),
        (None, 12, "2019-03-31T12"),
        (date(2019, 4, 1), 0, "2019-04-01T00"),
    ],
)
async def test_newest_of_a_day_or_at_an_hour(source: Source, day: date | None, hour: int | None, found: str) -> None:
    assert await newest(source, day, hour) == Hour.parse(found)


@pytest.mark.parametrize(
    ("day", "hour", "when"),
    [
        (date(2019, 4, 2), None, " of 2019-04-02"),
        (date(2021, 1, 1), None, " of 2021-01-01"),
        (None, 5, " at hour 5"),
        (date(2019, 3, 31), 0, " of 2019-03-31 at hour 0"),
    ],
)
async def test_nothing_of_the_kind(source: Source, day: date | None, hour: int | None, when: str) -> None:
    with pytest.raises(NotPublishedError, match=f"(?m)has no dump{when}$"):
        await newest(source, day, hour)


async def test_newest_by_time_and_not_by_year_alone(tmp_path: Path) -> None:
    fill_folder(tmp_path, "2018-12-31T23 2019-01-01T00")
    assert await newest(FolderSource(str(tmp_path))) == Hour.parse("2019-01-01T00")


async def test_newest_looks_at_dumps_alone(tmp_path: Path) -> None:
    fill_folder(tmp_path, "2019-04-01T12")
    for name in ["projectviews-20190401-130000", "pageviews-20190401-140000.gz.part", "pageviews-20190431-150000.gz"]:
        (tmp_path / "2019/2019-04" / name).touch()
    (tmp_path / "2020-old").mkdir()
    (tmp_path / "2019/2020-01").mkdir()
    (tmp_path / "2019/2020-01/pageviews-20200101-000000.gz").touch()
    assert await newest(FolderSource(str(tmp_path))) == Hour.parse("2019-04-01T12")


async def test_an_empty_source_has_published_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotPublishedError, match=r"(?m)has no dump$"):
        await newest(FolderSource(str(tmp_path)))


@pytest.mark.parametrize(("root", "reason"), [("nothing", "does not exist"), ("file", "is not a folder")])
async def test_a_source_that_is_not_a_folder_is_refused(root: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match=f"{root} {reason}") as caught:
        await newest(FolderSource(str(tmp_path / root)))
    assert caught.value.setting == "source"


async def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "2019").touch()
    with pytest.raises(SourceError, match="cannot list .*: Not a directory"):
        await FolderSource(str(tmp_path)).listing("2019/2019-04")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="the system has no device that is endless")
async def test_texts_that_are_no_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("device", "folder", "pipe"):
        with pytest.raises(SourceError, match=f"cannot read .*{name}: it is not a regular file"):
            await FolderSource(str(tmp_path)).text(name)


async def test_texts_that_are_longer_than_a_listing_are_refused(tmp_path: Path) -> None:
    for size, name in ((MAX_LISTING_BYTES, "longest"), (MAX_LISTING_BYTES + 1, "longer")):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    client = Client(Settings.load())
    for source in (FolderSource(str(tmp_path)), FsspecSource(f"local://{tmp_path}", client)):
        assert len(await source.text("longest")) == MAX_LISTING_BYTES
        with pytest.raises(SourceError, match="longer is too long for a listing"):
            await source.text("longer")


async def test_a_broken_link_hides_no_dump(tmp_path: Path) -> None:
    fill_folder(tmp_path, "2019-04-01T12")
    (tmp_path / "2019/2019-04/.pageviews-20190401-130000.gz.tmp").symlink_to("nowhere")
    assert await newest(FolderSource(str(tmp_path))) == Hour.parse("2019-04-01T12")


async def test_sizes_are_exact(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    memory = fsspec.filesystem("memory")
    memory.pipe_file(f"/{tmp_path.name}/a", b"12345")
    listings = [
        await FolderSource(str(tmp_path)).listing(""),
        await FsspecSource(f"memory://{tmp_path.name}", Client(Settings.load())).listing(""),
    ]
    assert [[(entry.name, entry.size) for entry in listing] for listing in listings] == [[("a", 5)], [("a", 5)]]
    memory.rm(f"/{tmp_path.name}", recursive=True)


async def test_a_protocol_unheard_of() -> None:
    with pytest.raises(SourceError, match="cannot read nosuch://x/2019: Protocol not known"):
        await FsspecSource("nosuch://x", Client(Settings.load())).listing("2019")


@pytest.mark.parametrize(
    ("root", "kind"),
    [
        ("data/source", FolderSource),
        ("file:///srv/mirror", FolderSource),
        ("https://example.org/pageviews", HttpSource),
        ("s3://bucket/pageviews", FsspecSource),
    ],
)
def test_the_address_tells_the_kind_of_source(root: str, kind: type[Source]) -> None:
    source = open_source(root, Client(Settings.load()))
    assert isinstance(source, kind)
    assert source.root == root
