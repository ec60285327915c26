"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pvtop.storage.atomic import broken_link, commit, open_regular, output_error, temporary_file, write_atomic


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


def test_open_regular_refuses_folders_and_pipes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OSError, match="it is not a regular file"):
            open_regular(other)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nothing")


def test_broken_link_is_found_along_a_path(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name, target in (("good", "folder"), ("broken", "nothing"), ("loop", "loop")):
        (tmp_path / name).symlink_to(target)
    for name in ("folder", "folder/a/b", "good", "good/a", "missing/a"):
        assert broken_link(tmp_path / name) is None
    for name in ("broken", "broken/a/b"):
        assert broken_link(tmp_path / name) == tmp_path / "broken"
    assert broken_link(tmp_path / "loop" / "a") == tmp_path / "loop"
