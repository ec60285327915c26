"""Sources in folders and fsspec file systems: listings, and the newest hour. For HTTP, see test_download.py."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from threading import Thread

import fsspec
import pytest

from pvtop.core.address import Address
from pvtop.core.errors import NotFoundError, NotPublishedError, SourceError, UnreachableError
from pvtop.core.hour import Hour
from pvtop.settings import Settings
from pvtop.sources.source import (
    FOLDERS_TO_EXPLAIN,
    SOURCE,
    SOURCE_LAYOUT,
    FolderSource,
    HttpSource,
    RemoteSource,
    Source,
    explain_layout,
    last,
    newest,
    open_source,
)
from pvtop.storage.http import MAX_LISTING_BYTES, Client
from support.server.files import File, Server

FIRST = "2019-04-01T00 2019-04-01T23 2019-03-31T12"
EMPTY_MONTH = "2019/2019-05"


def fill_folder(root: Path, hours: str) -> None:
    """Write empty dumps, and a month without any."""
    for text in hours.split():
        path = root / Hour.parse(text).dump_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / EMPTY_MONTH).mkdir(parents=True)


def fill_memory(root: str, hours: str) -> None:
    """Write empty dumps, and a month without any, into fsspec's memory."""
    memory = fsspec.filesystem("memory")
    for text in hours.split():
        memory.pipe_file(f"{root}/{Hour.parse(text).dump_path}", b"")
    memory.makedirs(f"{root}/{EMPTY_MONTH}")


@pytest.fixture(params=["folder", "memory"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    """Yield a source with the dumps of `FIRST` and an empty newest month."""
    if request.param == "folder":
        fill_folder(tmp_path / "mirror", FIRST)
        yield FolderSource(Address.at(tmp_path / "mirror"))
        return
    root = f"memory://{tmp_path.name}/mirror"
    fill_memory(root, FIRST)
    yield RemoteSource(Address.at(root), Client(Settings.load()))
    fsspec.filesystem("memory").rm(root, recursive=True)


async def test_listing_names_files_and_folders(source: Source) -> None:
    assert [entry.name for entry in await source.listing("2019/2019-03")] == ["pageviews-20190331-120000.gz"]
    assert {entry.name for entry in await source.listing("2019")} == {"2019-03", "2019-04", "2019-05"}
    assert {entry.name for entry in await source.listing("")} == {"2019"}


async def test_listing_of_a_missing_folder_is_empty(source: Source) -> None:
    assert await source.listing("2018/2018-01") == []
    assert await source.listing(EMPTY_MONTH) == []


async def test_newest_skips_an_empty_month(source: Source) -> None:
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
async def test_newest_hour_of_a_day_or_an_hour_of_the_day(
    source: Source, day: date | None, hour: int | None, found: str
) -> None:
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
async def test_newest_without_a_match_is_not_published(
    source: Source, day: date | None, hour: int | None, when: str
) -> None:
    with pytest.raises(NotPublishedError, match=f"(?m)has no dump{when}$"):
        await newest(source, day, hour)


async def test_layout_of_a_good_source_is_not_explained(source: Source) -> None:
    assert await explain_layout(source) == ""


@pytest.mark.parametrize("kind", ["folder", "memory"])
@pytest.mark.parametrize(
    ("dump", "root", "explained"),
    [
        (
            "pageviews-20190401-120000.gz",
            "",
            "found pageviews-20190401-120000.gz in the root: a source has folders like",
        ),
        (
            "2019-04/pageviews-20190401-120000.gz",
            "",
            "found 2019-04 in the root: a source has folders like 2019/2019-04/",
        ),
        ("2019/2019-04/pageviews-20190401-120000.gz", "/2019", "; use the folder above"),
        ("2019/2019-04/pageviews-20190401-120000.gz", "/2019/2019-04", "; use the folder two levels above"),
        ("other/2019/2019-04/pageviews-20190401-120000.gz", "", "found other/2019/ below the root: use "),
        ("a/b/pageviews-20190401-120000.gz", "", ""),
        ("notes.txt", "", ""),
    ],
)
async def test_other_layouts_are_explained(tmp_path: Path, kind: str, dump: str, root: str, explained: str) -> None:
    if kind == "folder":
        (tmp_path / dump).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / dump).touch()
        found = await explain_layout(FolderSource(Address.at(f"{tmp_path}{root}")))
    else:
        memory = fsspec.filesystem("memory")
        memory.pipe_file(f"/{tmp_path.name}/{dump}", b"")
        source = RemoteSource(Address.at(f"memory://{tmp_path.name}{root}"), Client(Settings.load()))
        found = await explain_layout(source)
        memory.rm(f"/{tmp_path.name}", recursive=True)
    assert explained in found
    assert bool(found) is bool(explained)


@pytest.mark.parametrize("kind", ["folder", "memory"])
async def test_folder_with_years_is_found_behind_other_names(tmp_path: Path, kind: str) -> None:
    """A file, which cannot be listed as a folder, and a folder without years come first."""
    for name in ("README.md", "a-file", "b-folder/notes", "source/2019/2019-04/pageviews-20190401-120000.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    if kind == "folder":
        found = await explain_layout(FolderSource(Address.at(tmp_path)))
    else:
        memory, root = fsspec.filesystem("memory"), f"/{tmp_path.name}"
        memory.put(f"{tmp_path}/", f"{root}/", recursive=True)
        found = await explain_layout(RemoteSource(Address.at(f"memory:/{root}"), Client(Settings.load())))
        memory.rm(root, recursive=True)
    assert "found source/2019/ below the root: use " in found


async def test_layout_is_explained_by_few_folders_and_pageviews_first(server: Server) -> None:
    names = [f"{number:03}" for number in range(FOLDERS_TO_EXPLAIN)]
    for name in names:
        server.files[f"/{name}/notes"] = File(b"")
    server.files["/pageviews/notes"] = File(b"")
    async with Client(Settings.load()) as client:
        assert await explain_layout(HttpSource(Address.at(server.url), client)) == ""
    listed = [f"/{name}/" for name in ["pageviews", *names]]
    assert [len(server.asked(path)) for path in listed] == [1] * FOLDERS_TO_EXPLAIN + [0]


async def test_layout_of_a_source_that_cannot_be_listed_is_not_explained(tmp_path: Path) -> None:
    assert await explain_layout(FolderSource(Address.at(tmp_path / "nothing"))) == ""
    assert await explain_layout(RemoteSource(Address.at("nosuch://x"), Client(Settings.load()))) == ""


async def test_newest_compares_hours_within_a_year(tmp_path: Path) -> None:
    fill_folder(tmp_path, "2018-12-31T23 2019-01-01T00")
    assert await newest(FolderSource(Address.at(tmp_path))) == Hour.parse("2019-01-01T00")


async def test_newest_ignores_other_files(tmp_path: Path) -> None:
    fill_folder(tmp_path, "2019-04-01T12")
    for name in ["projectviews-20190401-130000", "pageviews-20190401-140000.gz.part", "pageviews-20190431-150000.gz"]:
        (tmp_path / "2019/2019-04" / name).touch()
    (tmp_path / "2020-old").mkdir()
    (tmp_path / "2019/2020-01").mkdir()
    (tmp_path / "2019/2020-01/pageviews-20200101-000000.gz").touch()
    assert await newest(FolderSource(Address.at(tmp_path))) == Hour.parse("2019-04-01T12")


@pytest.mark.parametrize("month", ["9999/9999-12", "2019/2019-04"])
async def test_newest_ignores_names_that_no_dump_can_have(tmp_path: Path, month: str) -> None:
    fill_folder(tmp_path, "2019-04-01T12")
    (tmp_path / month).mkdir(parents=True, exist_ok=True)
    for name in ["pageviews-99991231-230000.gz", "pageviews-２０１９0401-130000.gz", "pageviews-20190401-1４0000.gz"]:
        (tmp_path / month / name).touch()
    assert await newest(FolderSource(Address.at(tmp_path))) == Hour.parse("2019-04-01T12")
    assert await last(FolderSource(Address.at(tmp_path)), 2) == [Hour.parse("2019-04-01T12")]


async def test_newest_of_an_empty_source_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(NotPublishedError, match=r"(?m)has no dump$"):
        await newest(FolderSource(Address.at(tmp_path)))


@pytest.mark.parametrize(("root", "reason"), [("nothing", "does not exist"), ("file", "is not a folder")])
async def test_source_that_is_not_a_folder_is_an_error(root: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match=f"{root} {reason}") as caught:
        await newest(FolderSource(Address.at(tmp_path / root)))
    assert caught.value.setting == "source"


async def test_listing_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "2019").touch()
    with pytest.raises(SourceError, match="cannot list .*: Not a directory"):
        await FolderSource(Address.at(tmp_path)).listing("2019/2019-04")


def link_to_nothing(path: Path) -> None:
    path.symlink_to(path.with_name("nothing"))


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def link_through_a_file(path: Path) -> None:
    path.with_name("file").touch()
    path.symlink_to("file/below")


async def test_month_that_is_a_link_to_nothing_is_empty(tmp_path: Path) -> None:
    link_to_nothing(tmp_path / "2019")
    source = FolderSource(Address.at(tmp_path))
    assert (await source.listing("2019"), await source.listing("2019/2019-04")) == ([], [])
    with pytest.raises(NotFoundError, match=f"^{tmp_path}/2019/index does not exist"):
        await source.text("2019/index")


@pytest.mark.parametrize(
    ("make", "reason"),
    [(link_to_itself, "Too many levels of symbolic links"), (link_through_a_file, "Not a directory")],
)
async def test_month_behind_another_broken_link_is_an_error(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path / "2019")
    source = FolderSource(Address.at(tmp_path))
    for folder in ("2019", "2019/2019-04"):
        with pytest.raises(SourceError, match=f"^cannot list {tmp_path}/{folder}: {reason}") as caught:
            await source.listing(folder)
        assert caught.value.hint == SOURCE_LAYOUT
    with pytest.raises(SourceError, match=f"^cannot read {tmp_path}/2019/index: {reason}"):
        await source.text("2019/index")


def test_time_out_of_a_disk_is_temporary_for_a_file_and_an_error_for_a_folder() -> None:
    reason, address = "Connection timed out", Address.at("/mirror/2019")
    timeout = TimeoutError(errno.ETIMEDOUT, reason)
    listing = SOURCE.error(timeout, "list", address, reason)
    assert (listing.args[0], listing.hint) == (f"cannot list {address}: {reason}", SOURCE_LAYOUT)
    assert not isinstance(listing, UnreachableError)
    assert isinstance(SOURCE.error(timeout, "read", address, reason), UnreachableError)


async def test_missing_archive_is_an_empty_folder(tmp_path: Path) -> None:
    source = RemoteSource(Address.at(f"zip://::{tmp_path}/nothing.zip"), Client(Settings.load()))
    assert await source.listing("2019") == []
    with pytest.raises(NotFoundError):
        await source.text("index")


async def test_refused_thread_is_an_error_of_the_source(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", refuse)
    with pytest.raises(SourceError, match="^cannot read .*/2019/index: can't start new thread"):
        await source.text("2019/index")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="the system has no device that is endless")
async def test_text_of_a_device_folder_or_pipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("device", "folder", "pipe"):
        with pytest.raises(SourceError, match=f"cannot read .*{name}: it is not a regular file"):
            await FolderSource(Address.at(tmp_path)).text(name)


async def test_too_long_text_is_refused(tmp_path: Path) -> None:
    for size, name in ((MAX_LISTING_BYTES, "longest"), (MAX_LISTING_BYTES + 1, "longer")):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    client = Client(Settings.load())
    for source in (FolderSource(Address.at(tmp_path)), RemoteSource(Address.at(f"local://{tmp_path}"), client)):
        assert len(await source.text("longest")) == MAX_LISTING_BYTES
        with pytest.raises(SourceError, match="longer is too long for a listing"):
            await source.text("longer")


async def test_broken_link_does_not_hide_other_dumps(tmp_path: Path) -> None:
    fill_folder(tmp_path, "2019-04-01T12")
    (tmp_path / "2019/2019-04/.pageviews-20190401-130000.gz.tmp").symlink_to("nowhere")
    assert await newest(FolderSource(Address.at(tmp_path))) == Hour.parse("2019-04-01T12")


async def test_listing_has_exact_sizes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    memory = fsspec.filesystem("memory")
    memory.pipe_file(f"/{tmp_path.name}/a", b"12345")
    listings = [
        await FolderSource(Address.at(tmp_path)).listing(""),
        await RemoteSource(Address.at(f"memory://{tmp_path.name}"), Client(Settings.load())).listing(""),
    ]
    assert [[(entry.name, entry.size) for entry in listing] for listing in listings] == [[("a", 5)], [("a", 5)]]
    memory.rm(f"/{tmp_path.name}", recursive=True)


async def test_unknown_protocol_is_a_source_error() -> None:
    with pytest.raises(SourceError, match="cannot read nosuch://x/2019: Protocol not known"):
        await RemoteSource(Address.at("nosuch://x"), Client(Settings.load())).listing("2019")


@pytest.mark.parametrize(
    ("root", "kind"),
    [
        ("data/source", FolderSource),
        ("file:///srv/mirror", FolderSource),
        ("https://example.org/pageviews", HttpSource),
        ("s3://bucket/pageviews", RemoteSource),
    ],
)
def test_open_source_chooses_by_address(root: str, kind: type[Source]) -> None:
    source = open_source(Address.at(root), Client(Settings.load()))
    assert isinstance(source, kind)
    assert source.root == Address.at(root)
