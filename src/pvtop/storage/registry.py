"""The file system of an address."""

from __future__ import annotations

from pvtop.core.address import local_path
from pvtop.storage.filesystem import FileSystem
from pvtop.storage.local import LocalFileSystem
from pvtop.storage.remote import RemoteFileSystem


def open_filesystem(address: str, timeout: float) -> FileSystem:
    """Make the store of an address: a path, or any address that fsspec knows.

    Raises:
        OutputError: No such file system is known.
    """
    folder = local_path(address)
    return LocalFileSystem(address, timeout, folder.absolute()) if folder else RemoteFileSystem(address, timeout)
