"""Choose the file system of an address."""

from __future__ import annotations

from pvtop.core.address import Address
from pvtop.storage.filesystem import FileSystem, Purpose
from pvtop.storage.local import LocalFileSystem
from pvtop.storage.remote import RemoteFileSystem


def open_filesystem(address: Address, purpose: Purpose, timeout: float) -> FileSystem:
    """Return the file system of an address. Its arguments are those of `FileSystem`."""
    local = address.absolute().local_path
    return LocalFileSystem(address, purpose, local) if local else RemoteFileSystem(address, purpose, timeout)
