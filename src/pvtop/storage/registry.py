"""Choose the file system of an address."""

from __future__ import annotations

from pvtop.core.address import absolute, local_path
from pvtop.storage.filesystem import FileSystem
from pvtop.storage.local import LocalFileSystem
from pvtop.storage.remote import RemoteFileSystem


def open_filesystem(address: str, timeout: float) -> FileSystem:
    """Return the file system of an address.

    Args:
        address: A path, or any address that fsspec supports.
        timeout: Seconds that one call of a remote file system may take.

    Raises:
        OutputError: fsspec does not support the address.
    """
    folder = local_path(address)
    return LocalFileSystem(address, timeout, absolute(folder)) if folder else RemoteFileSystem(address, timeout)
