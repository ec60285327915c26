"""Files that appear whole, and locks that tell what is abandoned and what is in use."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pvtop.storage.atomic import commit, open_regular, output_error, temporary_file, write_atomic
from pvtop.storage.locks import exclusive_lock, shared_lock, unlink_if_unlocked


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    with temporary_file(target) as file:
        file.write(b"x")
        assert not target.exists()
        commit(file, target)
    assert target.read_bytes() == b"x"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomic(target, b"old")
    with pytest.raises(ZeroDivisionError), temporary_file(target) as file:
        file.write(bytes(1 // 0))
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_is_not(tmp_path: Path) -> None:
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
def test_a_full_disk_has_its_own_advice(number: int, advice: tuple[str, str, str]) -> None:
    error = output_error("no", OSError(number, os.strerror(number)), "choose another folder", "output")
    assert (error.hint, error.setting, error.remedy) == advice


def test_a_folder_is_for_one_at_a_time(tmp_path: Path) -> None:
    pauses: list[float] = []

    def give_up_after_three(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise InterruptedError

    with (
        exclusive_lock(tmp_path, give_up_after_three),
        pytest.raises(InterruptedError),
        exclusive_lock(tmp_path, give_up_after_three),
    ):
        pass
    assert len(pauses) == 3
    with exclusive_lock(tmp_path, give_up_after_three):
        assert len(pauses) == 3


def test_only_a_regular_file_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OSError, match="it is not a regular file"):
            open_regular(other)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nothing")


def test_a_file_in_use_is_not_removed(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomic(target, b"x")
    with shared_lock(target):
        assert not unlink_if_unlocked(target)
    assert unlink_if_unlocked(target)
    assert unlink_if_unlocked(target)
