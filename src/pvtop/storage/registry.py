"""Choose the file system of an address."""

from __future__ import annotations

from pvtop.core.address import Address
from pvtop.storage.filesystem import FileSystem
from pvtop.storage.local import LocalFileSystem
from pvtop.storage.remote import RemoteFileSystem


def open_filesystem(address: Address, timeout: float) -> FileSystem:
    """Return the file system of an address.

    Args:
        address: A path, or any address that fsspec supports.
        timeout: Seconds that one call of a remote file system may take.

    Raises:
        OutputError: fsspec does not support the address.
    """
    folder = address.absolute().local_path
    return LocalFileSystem(address, timeout, folder) if folder else RemoteFileSystem(address, timeout)
