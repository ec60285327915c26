"""Walking folders, and telling disks apart."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pvtop.storage.folders import broken_link, mount_of, walk_files
from support.disks import mounted_at
from support.open_files import files_left


def test_walk_files_follows_links_to_folders_but_not_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "file").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (tmp_path / "a" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "a" / "deep" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "itself").symlink_to("itself")
    (tmp_path / "a" / "nowhere").symlink_to("nothing")
    os.mkfifo(tmp_path / "a" / "pipe")
    os.utime(tmp_path / "elsewhere" / "file", (5, 5))
    found = dict(walk_files(tmp_path / "a", "root/"))
    assert sorted(found) == ["root/deep/file", "root/link/file"]
    assert found["root/link/file"] == datetime.fromtimestamp(5, UTC)


def test_walk_files_ends_if_two_folders_link_to_each_other(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "link").symlink_to(f"../{other}")
        (tmp_path / name / "file").touch()
    assert {name for name, _ in walk_files(tmp_path)} == {"a/file", "b/file", "a/link/file", "b/link/file"}


def test_walk_files_of_a_missing_folder_is_empty(tmp_path: Path) -> None:
    assert not list(walk_files(tmp_path / "nothing"))
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        list(walk_files(tmp_path / "file"))


def test_mount_of_differs_for_another_disk(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert mount_of(tmp_path / "folder") == mount_of(tmp_path)
    with mounted_at(tmp_path / "disk", "-t", "tmpfs", "tmpfs"):
        assert mount_of(tmp_path / "disk") != mount_of(tmp_path)


def test_mount_of_differs_for_a_folder_that_is_mounted_twice(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with mounted_at(tmp_path / "again", "--bind", str(tmp_path / "folder")):
        assert mount_of(tmp_path / "again") != mount_of(tmp_path / "folder")


def test_mount_of_fails_if_too_many_files_are_open(tmp_path: Path) -> None:
    """The folder can be opened, but not the file that names its mount."""
    with files_left(1), pytest.raises(OSError, match="Too many open files") as caught:
        mount_of(tmp_path)
    assert "fdinfo" in str(caught.value)
    with files_left(2):
        found = mount_of(tmp_path)
    assert found == mount_of(tmp_path)


def test_broken_link_is_found_along_a_path(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name, target in (("good", "folder"), ("broken", "nothing"), ("loop", "loop")):
        (tmp_path / name).symlink_to(target)
    for name in ("folder", "folder/a/b", "good", "good/a", "missing/a"):
        assert broken_link(tmp_path / name) is None
    for name in ("broken", "broken/a/b"):
        assert broken_link(tmp_path / name) == tmp_path / "broken"
    assert broken_link(tmp_path / "loop" / "a") == tmp_path / "loop"
