"""Every file system follows the rules in `docs/architecture.md`."""

from __future__ import annotations

import contextlib
import gc
import io
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from fsspec.core import url_to_fs

from pvtop.core.address import Address
from pvtop.core.errors import OutputError, PvtopError, SourceError, UnreachableError
from pvtop.lake.failures import LAKE
from pvtop.sources.source import SOURCE
from pvtop.storage.deadline import Deadline
from pvtop.storage.filesystem import TEMPORARY_FOLDER, FileSystem, ListedFile, Purpose
from pvtop.storage.registry import open_filesystem
from support.disks import mounted_at
from support.filesystems import SHOWS_PARTS, WORKING, TimelessFileSystem, answer_late, fsspec_classes

__all__ = ["fsspec_classes"]  # a fixture

CONTENT = bytes(range(256)) * 20_000
PATH = "days/day=2024-12-30/pages.parquet"
BESIDE = "days/day=2024-12-31/pages.parquet"
LAST = "days/day=2025-01-01/pages.parquet"
UNREADABLE = Path("/proc/self/mem")  # a regular file that can be opened, but nothing is at its start

pytestmark = pytest.mark.usefixtures("fsspec_classes")


@pytest.fixture(params=WORKING)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Address]:
    """Yield the address of an empty file system."""
    with WORKING[request.param](request, tmp_path) as found:
        yield found


@pytest.fixture
def files(address: Address) -> Iterator[FileSystem]:
    """Yield the file system, opened for a lake."""
    opened = open_filesystem(address, LAKE, 20)
    opened.prepare()
    yield opened
    opened.close()


def write(files: FileSystem, path: str, content: bytes) -> None:
    with files.translate_errors("write"), files.stage(path, content) as commit:
        commit()


def write_by_another_program(address: Address, path: str, content: bytes) -> None:
    files, root = url_to_fs(str(address), use_listings_cache=False)
    files.makedirs(f"{root}/{path}".rpartition("/")[0], exist_ok=True)
    files.pipe_file(f"{root}/{path}", content)


def fail() -> None:
    raise ZeroDivisionError


def all_files(files: FileSystem) -> set[str]:
    return {*files.find("days"), *files.find(TEMPORARY_FOLDER), *files.find(f"days/{TEMPORARY_FOLDER}")}


def days_in(listing: list[ListedFile]) -> list[str]:
    return sorted(found.name for found in listing if found.name != TEMPORARY_FOLDER)


def test_missing_file_is_none_and_missing_folder_is_empty(files: FileSystem) -> None:
    assert (files.content(PATH), files.open(PATH), files.look_up(PATH)) == (None, None, None)
    assert (files.listing("days/nothing"), files.find("days/nothing")) == ([], {})
    files.remove(PATH)


def test_file_is_put_replaced_and_read_in_parts(files: FileSystem, tmp_path: Path) -> None:
    for content in (b"", b"earlier", 4 * CONTENT, CONTENT):
        (tmp_path / "local").write_bytes(content)
        files.put(PATH, tmp_path / "local")
        found = files.look_up(PATH)
        assert found is not None
        assert found.size == len(content)
    file = files.open(PATH)
    assert file is not None
    with file:
        assert file.seek(-5, io.SEEK_END) == len(CONTENT) - 5
        assert file.read() == CONTENT[-5:]
        file.seek(1_000_001)
        assert (file.read(7), file.tell()) == (CONTENT[1_000_001:1_000_008], 1_000_008)
        file.seek(0)
        assert file.read() == CONTENT
    assert files.read(PATH, lambda file: file.read(len(CONTENT) + 1)) == CONTENT, "no read is cut short"
    assert all_files(files) == set(files.find("")) == {PATH}
    files.remove(PATH)
    assert all_files(files) == set()


def test_staged_file_appears_with_its_commit(files: FileSystem) -> None:
    write(files, PATH, b"earlier")
    with files.translate_errors("write"), files.stage(PATH, b"later") as commit:
        assert files.content(PATH) == b"earlier"
        commit()
        assert files.content(PATH) == b"later"
    assert all_files(files) == {PATH}


def test_staged_file_without_commit_leaves_nothing(files: FileSystem) -> None:
    write(files, PATH, b"earlier")
    with files.translate_errors("write"), files.stage(PATH, b"later"), files.stage(BESIDE, b"later"):
        pass
    assert files.content(PATH) == b"earlier"
    assert all_files(files) == {PATH}


def test_staged_file_is_removed_after_an_error(files: FileSystem) -> None:
    write(files, PATH, b"earlier")
    with pytest.raises(ZeroDivisionError), files.stage(PATH, b"later"), files.stage(BESIDE, b"later"):
        fail()
    assert files.content(PATH) == b"earlier"
    assert all_files(files) == {PATH}


@pytest.mark.skipif(not UNREADABLE.exists(), reason="the system has no file whose reads fail")
@pytest.mark.parametrize("address", sorted({*WORKING} - SHOWS_PARTS), indirect=True)
def test_put_that_fails_leaves_the_earlier_file(files: FileSystem) -> None:
    write(files, PATH, b"earlier")
    for path in (PATH, BESIDE):
        with pytest.raises(OutputError, match="^cannot write the lake .*: Input/output error"):
            files.put(path, UNREADABLE)
    gc.collect()  # must not complete it
    assert files.content(PATH) == b"earlier"
    assert all_files(files) == {PATH}


def test_file_set_aside_is_put_back_if_the_block_fails(files: FileSystem) -> None:
    write(files, PATH, b"earlier")

    def look_and_fail() -> None:
        assert files.look_up(PATH) is None
        write(files, PATH, b"later")
        fail()

    with pytest.raises(ZeroDivisionError), files.set_aside(PATH):
        look_and_fail()
    assert files.content(PATH) == b"earlier"
    assert all_files(files) == {PATH}


def test_failed_block_leaves_no_new_file_if_there_are_locks(files: FileSystem) -> None:
    def write_and_fail() -> None:
        write(files, PATH, b"later")
        fail()

    write(files, PATH, b"earlier")
    files.remove(PATH)
    with pytest.raises(ZeroDivisionError), files.set_aside(PATH):
        write_and_fail()
    assert files.content(PATH) == (None if files.has_locks else b"later")


def test_file_set_aside_is_gone_after_the_block(files: FileSystem) -> None:
    for path in (PATH, BESIDE):
        write(files, path, b"earlier")
    with files.translate_errors("write"), files.set_aside(PATH), files.set_aside(BESIDE):
        write(files, BESIDE, b"later")
    assert all_files(files) == {BESIDE}
    assert files.content(BESIDE) == b"later"


def test_listings_have_current_names_sizes_and_times(files: FileSystem, address: Address) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    write(files, PATH, b"1234")
    assert days_in(files.listing("days")) == ["day=2024-12-30"]
    write_by_another_program(address, BESIDE, b"12345")
    assert days_in(files.listing("days")) == ["day=2024-12-30", "day=2024-12-31"]
    assert set(files.find("days")) == {PATH, BESIDE}
    write_by_another_program(address, LAST, b"123456")
    assert set(files.find("days")) == {PATH, BESIDE, LAST}
    (listed,), looked_up, found = files.listing("days/day=2024-12-31"), files.look_up(BESIDE), files.find("days")
    assert (listed.name, listed.size) == ("pages.parquet", 5)
    assert looked_up is not None
    times = [listed.modified, looked_up.modified, found[BESIDE]]
    assert [one for one in times if one is None or one < before] == []


@pytest.mark.parametrize("time", [3e11, -(10**20), float("nan"), "yesterday", None])
def test_invalid_time_of_a_remote_file_is_none(time: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimelessFileSystem, "time", time)
    files = open_filesystem(Address.at("timeless://host/lake"), LAKE, 20)
    listed = ListedFile("file", 5)
    assert (files.look_up("days/file"), files.listing("days")) == (listed, [listed])
    assert files.find("days") == {"days/file": None}


def test_invalid_time_of_a_file_on_a_disk_is_none(tmp_path: Path) -> None:
    with mounted_at(tmp_path / "days", "-t", "tmpfs", "tmpfs"):  # others have no such times
        (tmp_path / "days/file").write_bytes(b"12345")
        os.utime(tmp_path / "days/file", (3e11, 3e11))
        files = open_filesystem(Address.at(tmp_path), LAKE, 20)
        assert (files.look_up("days/file"), files.listing("days")) == (ListedFile("file", 5), [ListedFile("file")])
        assert files.find("days") == {"days/file": None}


def test_lock_excludes_other_runs_from_its_path_until_its_block_ends(files: FileSystem, address: Address) -> None:
    other = open_filesystem(address, LAKE, 20)
    other.close()  # else it would wait
    expected = pytest.raises(InterruptedError) if files.has_locks else contextlib.nullcontext()
    with files.exclusive_lock(PATH), other.exclusive_lock(BESIDE), expected, other.exclusive_lock(PATH):
        pass
    with other.exclusive_lock(PATH):
        pass


def test_empty_path_is_the_root_even_if_the_root_is_a_file(files: FileSystem, address: Address) -> None:
    write(files, PATH, CONTENT)
    file = open_filesystem(address / PATH, SOURCE, 20)
    found = file.look_up("")
    assert found is not None
    assert (file.content(""), found.size) == (CONTENT, len(CONTENT))
    with contextlib.suppress(SourceError):  # a file has no listing, or one of itself
        assert file.listing("") == [found]
    folder = files.look_up("days")  # may find folders, or not
    assert folder is None or folder.name == "days"
    assert days_in(open_filesystem(address / "days", SOURCE, 20).listing("")) == ["day=2024-12-30"]


# File systems that fail.


CALLS: dict[str, tuple[str, Callable[[FileSystem, Path], object]]] = {  # the verb of the message, and the call
    "prepare": ("write", lambda files, _: files.prepare()),
    "read": ("read", lambda files, _: files.content(PATH)),
    "open": ("read", lambda files, _: files.open(PATH)),
    "look_up": ("read", lambda files, _: files.look_up(PATH)),
    "listing": ("read", lambda files, _: files.listing("days")),
    "find": ("read", lambda files, _: files.find("days")),
    "stage": ("write", lambda files, _: write(files, PATH, b"")),
    "put": ("write", lambda files, local: files.put(PATH, local)),
    "remove": ("write", lambda files, _: files.remove(PATH)),
}
REASONS = {
    "failing": "Access Denied",
    "slow": "Access Denied",
    "silent": "it did not answer in time",
    "closed": "it was interrupted",
    "folder": "File name too long",  # root's rights do not help
}
Broken = tuple[Callable[[Purpose], FileSystem], str]  # what opens it, and the reason of its failures


@pytest.fixture(params=REASONS)
def broken(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broken:
    """Return a file system on which every call fails."""
    kind = cast("str", request.param)
    protocol = "silent" if kind in {"silent", "slow"} else "failing"
    address = Address.at(tmp_path / ("x" * 256) if kind == "folder" else f"{protocol}://user:verysecret@host/lake")

    def opened(purpose: Purpose) -> FileSystem:
        files = open_filesystem(address, purpose, 20)
        if kind == "silent":
            monkeypatch.setattr(files, "_deadline", Deadline(0.01))
        if kind == "slow":
            answer_late()
        if kind == "closed":
            files.close()
        return files

    return opened, REASONS[kind]


@pytest.mark.parametrize("call", CALLS)
def test_failure_is_an_error_of_the_lake(broken: Broken, call: str, tmp_path: Path) -> None:
    (tmp_path / "local").touch()
    files, (verb, step) = broken[0](LAKE), CALLS[call]
    with pytest.raises(OutputError, match=f"^cannot {verb} the lake {files.address}: .*{broken[1]}") as caught:
        step(files, tmp_path / "local")
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize("call", ["read", "open", "look_up", "listing"])
def test_failure_is_an_error_of_the_source(broken: Broken, call: str, tmp_path: Path) -> None:
    files = broken[0](SOURCE)
    with pytest.raises(SourceError, match=f" {files.address}|^{files.address}") as caught:
        CALLS[call][1](files, tmp_path)
    assert isinstance(caught.value, UnreachableError) is (broken[1] == REASONS["silent"])
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize("purpose", [LAKE, SOURCE])
def test_unknown_protocol_is_an_error_of_the_purpose(purpose: Purpose) -> None:
    with pytest.raises(PvtopError, match="nosuch://host/lake: Protocol not known"):
        open_filesystem(Address.at("nosuch://host/lake"), purpose, 20)
