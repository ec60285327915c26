"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pvtop.core.errors import OutputError
from pvtop.storage.atomic import commit, output_error, set_aside, temporary_file, write_atomic


def test_commit_makes_the_file_appear_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    with temporary_file(target) as file:
        file.write(b"x")
        assert not target.exists()
        commit(file, target)
    assert target.read_bytes() == b"x"
    assert list(target.parent.iterdir()) == [target]


def test_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomic(target, b"old")
    with pytest.raises(ZeroDivisionError), temporary_file(target) as file:
        file.write(bytes(1 // 0))
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_temporary_file_removes_abandoned_files_only(tmp_path: Path) -> None:
    target, abandoned = tmp_path / "file", tmp_path / ".file.0123abcd.tmp"
    abandoned.touch()
    with temporary_file(target) as one:
        assert not abandoned.exists()
        with temporary_file(target) as other:
            commit(other, target)
        assert Path(one.name).exists()
        commit(one, target)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, ("free some space", "", "prune_cache")),
        (errno.EDQUOT, ("free some space", "", "prune_cache")),
        (errno.EFBIG, ("raise the limit on the size of files (ulimit -f), or use another disk", "", "")),
        (errno.EACCES, ("choose another folder", "output", "")),
    ],
)
def test_output_error_has_advice_for_a_full_disk(number: int, advice: tuple[str, str, str]) -> None:
    error = output_error("no", OSError(number, os.strerror(number)), "choose another folder", "output")
    assert (error.hint, error.setting, error.remedy) == advice


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Write a file that is to be replaced."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def write_and_fail(target: Path) -> None:
    """Write a new file while the old one is set aside, then fail."""
    with set_aside(target, target.parent):
        write_atomic(target, b"new")
        raise ZeroDivisionError


def test_set_aside_removes_the_file_if_the_block_succeeds(old: Path, tmp_path: Path) -> None:
    with set_aside(old, tmp_path):
        assert not old.exists()
        old.write_bytes(b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]


def test_set_aside_puts_the_file_back_if_the_block_fails(old: Path, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_fail(old)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_set_aside_removes_a_new_file_if_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_fail(tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_file_that_is_set_aside_is_not_removed_as_abandoned(old: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_fail(old)
    assert old.read_bytes() == b"old"


def test_file_that_cannot_be_put_back_is_named(old: Path, tmp_path: Path) -> None:
    def put_a_folder_in_its_place() -> None:
        with set_aside(old, tmp_path):
            old.mkdir()
            raise ZeroDivisionError

    with pytest.raises(OutputError, match=f"cannot put {old} back: ") as caught:
        put_a_folder_in_its_place()
    (kept,) = tmp_path.glob(".*.tmp")
    assert caught.value.hint == f"the earlier file is {kept}; rename it"
    assert kept.read_bytes() == b"old"
