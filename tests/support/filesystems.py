"""File systems for tests: as pvtop opens them, and three of fsspec that are slow, fail, or never answer."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pvtop.core.address import Address
from support.disks import mounted_at

DRIP_BYTES = 70_001  # that a read of the slow file system returns at most


class _Dripping(BytesIO):
    """A file whose reads return only a part of what is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes, or all if no size is given."""
        return super().read(DRIP_BYTES if size and size > DRIP_BYTES else size)


class SlowFileSystem(MemoryFileSystem):  # type: ignore[misc]  # it ships no types
    """A file system whose files are read in small parts."""

    protocol = "slow"
    store: dict[str, Any] = {}  # noqa: RUF012 - as the base class
    pseudo_dirs = [""]  # noqa: RUF012 - as the base class

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("slow:/")))

    def open(self, path: str, mode: str = "rb", **options: object) -> Any:  # noqa: ANN401 - as the base class
        """Open a file."""
        file = super().open(path, mode, **options)
        return _Dripping(file.getvalue()) if mode == "rb" else file


class _Broken(fsspec.AbstractFileSystem):  # type: ignore[misc]  # it ships no types
    """A file system of which no call succeeds."""

    cachable = False

    def _fail(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - never returns
        raise OSError(errno.EACCES, "Access Denied")

    info = ls = find = open = pipe_file = rm_file = exists = _fail


class FailingFileSystem(_Broken):
    """A file system that refuses every call."""

    protocol = "failing"


class SilentFileSystem(_Broken):
    """A file system that does not answer before the test ends."""

    protocol = "silent"
    answers = Event()

    def _fail(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - never returns
        self.answers.wait()
        raise OSError(errno.EACCES, "too late")

    info = ls = find = open = pipe_file = rm_file = exists = _fail


@pytest.fixture
def fsspec_classes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let fsspec know these file systems."""
    monkeypatch.setattr(SilentFileSystem, "answers", Event())
    monkeypatch.setattr(SlowFileSystem, "store", {})
    monkeypatch.setattr(SlowFileSystem, "pseudo_dirs", [""])
    for kind in (SlowFileSystem, FailingFileSystem, SilentFileSystem):
        fsspec.register_implementation(kind.protocol, kind, clobber=True)
    yield
    SilentFileSystem.answers.set()


def _address(text: str) -> Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Address]]:
    return lambda _, tmp_path: contextlib.nullcontext(Address.at(text.format(name=tmp_path.name)))


@contextlib.contextmanager
def _other_disk(_: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Address]:
    (tmp_path / "lake").mkdir()
    with mounted_at(tmp_path / "lake" / "days", "-t", "tmpfs", "tmpfs"):
        yield Address.at(tmp_path / "lake")


@contextlib.contextmanager
def _s3(request: pytest.FixtureRequest, _: Path) -> Iterator[Address]:
    request.getfixturevalue("s3")
    yield Address.at("s3://bucket/lake")


WORKING: dict[str, Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Address]]] = {
    "folder": lambda _, tmp_path: contextlib.nullcontext(Address.at(tmp_path / "lake")),
    "other disk": _other_disk,
    "memory": _address("memory://{name}/lake"),
    "s3": _s3,
    "slow": _address("slow://{name}/lake"),
}
"""How to open each file system that must follow all rules. The next one is one line."""
