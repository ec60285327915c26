"""Locks: one writer at a time, and files in use that stay."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from pvtop.core.errors import OutputError
from pvtop.storage import locks
from pvtop.storage.atomic import temporary_file, write_atomic
from pvtop.storage.locks import exclusive_lock, shared_lock, unlink_if_unlocked

flock = fcntl.flock


def give_up(_: float) -> None:
    """End a wait for a lock."""
    raise InterruptedError


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass before a wait counts as long."""
    monkeypatch.setattr(locks, "MAX_WAIT", -1.0)


@pytest.fixture
def locked_elsewhere(tmp_path: Path) -> Iterator[Path]:
    """Let another program lock a file."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with path.open("r+b") as file:
        flock(file, fcntl.LOCK_EX)
        yield path


def test_exclusive_lock_admits_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with exclusive_lock(path, give_up), pytest.raises(InterruptedError), exclusive_lock(path, give_up):
        pass
    with exclusive_lock(path, give_up):
        assert path.exists()
    assert not path.exists()


def test_exclusive_lock_of_a_lock_file_that_was_removed_is_taken_again(tmp_path: Path) -> None:
    """A run that waits has opened the file that the run before it removes."""
    path = tmp_path / "lock"
    first = exclusive_lock(path, give_up)
    first.__enter__()

    def end_first(_: float) -> None:
        first.__exit__(None, None, None)

    with exclusive_lock(path, end_first), pytest.raises(InterruptedError), exclusive_lock(path, give_up):
        pass


def test_lock_file_that_is_removed_at_any_moment_is_made_again(tmp_path: Path) -> None:
    """As by a run that takes it for abandoned."""
    path, done = tmp_path / "lock", Event()

    def remove() -> None:
        while not done.is_set():
            unlink_if_unlocked(path)

    with ThreadPoolExecutor() as others:
        others.submit(remove)
        for _ in range(300):
            with exclusive_lock(path, lambda _: None):
                assert path.exists()
        done.set()


@pytest.mark.usefixtures("impatient")
def test_wait_for_another_run_goes_on_and_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, sleeps = tmp_path / "lock", count()

    def give_up_later(_: float) -> None:
        if next(sleeps) == 5:
            raise InterruptedError

    caplog.set_level(logging.INFO)
    with exclusive_lock(path, give_up), pytest.raises(InterruptedError), exclusive_lock(path, give_up_later):
        pass
    (record,) = caplog.records
    assert f"waiting for another run of pvtop (process {os.getpid()} on " in record.getMessage()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("content", ["", "x", "999999999 HOST", "x HOST"])
def test_wait_for_another_program_ends_and_names_the_file(locked_elsewhere: Path, content: str) -> None:
    locked_elsewhere.write_text(content.replace("HOST", os.uname().nodename))
    with pytest.raises(OutputError, match=f"{locked_elsewhere} is locked by another program"):
        exclusive_lock(locked_elsewhere, lambda _: None).__enter__()
    with pytest.raises(OutputError, match=f"{locked_elsewhere} is locked by another program"):
        shared_lock(locked_elsewhere).__enter__()


def test_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    program = (
        "import sys, os, pathlib; from pvtop.storage.locks import exclusive_lock\n"
        "lock = exclusive_lock(pathlib.Path(sys.argv[1]), print); lock.__enter__(); os._exit(9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / "lock")], check=False)
    assert killed.returncode == 9
    assert (tmp_path / "lock").exists()
    with exclusive_lock(tmp_path / "lock", give_up):
        pass
    assert not (tmp_path / "lock").exists()


def test_unlink_if_unlocked_keeps_a_file_in_use(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomic(target, b"x")
    with shared_lock(target):
        assert not unlink_if_unlocked(target)
    assert unlink_if_unlocked(target)
    assert unlink_if_unlocked(target)


def test_unlink_if_unlocked_keeps_what_is_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "pipe", tmp_path / "folder"):
        assert not unlink_if_unlocked(path)
        assert path.exists()


@pytest.fixture
def nfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the operating system lock as Linux does on NFS: an exclusive lock needs a file that is open for writing."""

    def locks_like_nfs(file: int, kind: int) -> None:
        access = fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE
        if access == (os.O_RDONLY if kind & fcntl.LOCK_EX else os.O_WRONLY):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(file, kind)

    monkeypatch.setattr(fcntl, "flock", locks_like_nfs)


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the operating system refuse all locks."""

    def refuse(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)
    locks._warn_about_missing_locks.cache_clear()  # noqa: SLF001 - it warns once in a process


@pytest.mark.usefixtures("nfs")
def test_locks_work_on_nfs(tmp_path: Path) -> None:
    path, target = tmp_path / "lock", tmp_path / "file"
    with exclusive_lock(path, give_up), pytest.raises(InterruptedError), exclusive_lock(path, give_up):
        pass
    with temporary_file(target) as file:
        assert not unlink_if_unlocked(Path(file.name))
    write_atomic(target, b"x")
    with shared_lock(target):
        assert not unlink_if_unlocked(target)
    assert unlink_if_unlocked(target)


@pytest.mark.usefixtures("no_locks")
def test_file_system_without_locks_is_used_with_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, target = tmp_path / "lock", tmp_path / "file"
    with exclusive_lock(path, give_up):
        write_atomic(target, b"x")
    with shared_lock(target):
        pass
    assert sorted(tmp_path.iterdir()) == [target]
    (record,) = caplog.records
    assert "a file system has no locks: two runs at once may mix the files" in record.getMessage()


@pytest.mark.usefixtures("no_locks")
def test_without_locks_only_an_idle_temporary_file_is_removed(tmp_path: Path) -> None:
    old, new = tmp_path / ".file.1.tmp", tmp_path / ".file.2.tmp"
    for path in (old, new):
        path.touch()
    os.utime(old, (5, 5))
    write_atomic(tmp_path / "file", b"x")
    assert not old.exists()
    assert new.exists()
    assert unlink_if_unlocked(new)


def test_failure_to_lock_a_temporary_file_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write_atomic(tmp_path / "file", b"x")
    assert not list(tmp_path.iterdir())
