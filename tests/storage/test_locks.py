"""Locks: one writer at a time, and files in use that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvtop.storage.atomic import write_atomic
from pvtop.storage.locks import exclusive_lock, shared_lock, unlink_if_unlocked


def test_exclusive_lock_admits_one_at_a_time(tmp_path: Path) -> None:
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


def test_unlink_if_unlocked_keeps_a_file_in_use(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomic(target, b"x")
    with shared_lock(target):
        assert not unlink_if_unlocked(target)
    assert unlink_if_unlocked(target)
    assert unlink_if_unlocked(target)
