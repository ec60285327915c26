"""File systems for tests: those that pvtop opens, and some of fsspec that are odd, fail, or do not answer."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from io import BytesIO, IOBase
from pathlib import Path
from threading import Event, Thread
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pvtop.core.address import Address
from support.disks import mounted_at

DRIP_BYTES = 70_001  # the most that a read of the dripping file system returns


class _Dripping(IOBase):
    """A file with `read` and `seek` only, as in some libraries. A read may return less than asked for."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = BytesIO(content)

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        return self._content.read(size if 0 <= size < DRIP_BYTES else DRIP_BYTES)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""
        return self._content.seek(offset, whence)


class DrippingFileSystem(MemoryFileSystem):  # type: ignore[misc]  # it ships no types
    """A file system whose files are read in small parts."""

    protocol = "dripping"
    store: dict[str, Any] = {}  # noqa: RUF012 - as the base class
    pseudo_dirs = [""]  # noqa: RUF012 - as the base class

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("dripping:/")))

    def open(self, path: str, mode: str = "rb", **options: object) -> Any:  # noqa: ANN401 - as the base class
        """Open a file."""
        file = super().open(path, mode, **options)
        return _Dripping(file.getvalue()) if mode == "rb" else file


class _Broken(fsspec.AbstractFileSystem):  # type: ignore[misc]  # it ships no types
    """A file system on which every call fails."""

    cachable = False

    def _fail(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - never returns
        raise OSError(errno.EACCES, "Access Denied")

    info = ls = find = open = pipe_file = rm_file = exists = _fail


class FailingFileSystem(_Broken):
    """A file system that refuses every call."""

    protocol = "failing"


class SilentFileSystem(_Broken):
    """A file system that does not answer until the test lets it, or ends."""

    protocol = "silent"
    asked = Event()
    answers = Event()

    def _fail(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - never returns
        self.asked.set()
        self.answers.wait()
        raise OSError(errno.EACCES, "Access Denied")

    info = ls = find = open = pipe_file = rm_file = exists = _fail


class TimelessFileSystem(fsspec.AbstractFileSystem):  # type: ignore[misc]  # it ships no types
    """A file system with a file whose modification time is invalid."""

    protocol = "timeless"
    time: object = None

    def info(self, path: str, **_: object) -> dict[str, object]:
        """Return the file or the folder."""
        row = {"name": path, "size": 5, "type": "file" if path.endswith("file") else "directory"}
        return row | {"mtime": self.time}

    def ls(self, path: str, *, detail: bool = True, **_: object) -> list[Any]:
        """List the file."""
        return [self.info(f"{path}/file") if detail else f"{path}/file"]


@pytest.fixture
def fsspec_classes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register these file systems with fsspec."""
    monkeypatch.setattr(SilentFileSystem, "asked", Event())
    monkeypatch.setattr(SilentFileSystem, "answers", Event())
    monkeypatch.setattr(DrippingFileSystem, "store", {})
    monkeypatch.setattr(DrippingFileSystem, "pseudo_dirs", [""])
    for kind in (DrippingFileSystem, FailingFileSystem, SilentFileSystem, TimelessFileSystem):
        fsspec.register_implementation(kind.protocol, kind, clobber=True)
    yield
    SilentFileSystem.asked.set()
    SilentFileSystem.answers.set()


def answer_late() -> None:
    """Let the silent file system answer late, but within the time limit."""

    def answer() -> None:
        SilentFileSystem.asked.wait()
        SilentFileSystem.answers.set()

    Thread(target=answer).start()


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
    "dripping": _address("dripping://{name}/lake"),
}
"""How to open each file system that must follow all rules. To add one, add a line."""

SHOWS_PARTS = {"memory", "dripping"}
"""Those of fsspec in memory show a file while it is written."""
