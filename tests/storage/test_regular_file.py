"""Opening regular files, and nothing that could block."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pvtop.storage.regular_file import is_something_else, open_regular


@pytest.fixture
def others(tmp_path: Path) -> list[Path]:
    """Make a folder, a pipe and a socket."""
    paths = [tmp_path / name for name in ("folder", "pipe", "socket")]
    paths[0].mkdir()
    os.mkfifo(paths[1])
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(paths[2]))
    return paths


@pytest.mark.parametrize("mode", ["rb", "r+b"])
def test_open_regular_refuses_everything_else_without_blocking(others: list[Path], mode: str, tmp_path: Path) -> None:
    for path in others:
        with pytest.raises(OSError, match=r"not a regular file|No such device|Is a directory"):
            open_regular(path, mode)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nothing", mode)


def test_open_regular_follows_links_to_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"x"


def test_is_something_else_accepts_files_and_free_paths(others: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert all(map(is_something_else, others))
    assert not is_something_else(tmp_path / "file")
    assert not is_something_else(tmp_path / "nothing")
