"""Replace several files of the lake, so that readers never see a mix of old and new ones as complete."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from pvtop.storage.filesystem import FileSystem


def replace_files(
    filesystem: FileSystem, files: Mapping[str, bytes], check: Callable[[], object], obsolete: str | None = None
) -> None:
    """Write files. If a step fails, the earlier files are put back.

    Args:
        filesystem: Where the files are.
        files: The content of each file, by path. The last one is the marker: if it exists, the others do, too.
        check: Called right before any file is changed. On this machine, the marker is locked against other runs during
            the call. If it raises, no file is changed.
        obsolete: A file to remove.

    Raises:
        OutputError: A file cannot be written.
    """
    marker = list(files)[-1]
    with filesystem.translate_errors("write"), contextlib.ExitStack() as stack:
        commits = [stack.enter_context(filesystem.stage(path, content)) for path, content in files.items()]
        # Without the lock, two runs with different settings could mix their files.
        stack.enter_context(filesystem.exclusive_lock(marker))
        check()
        if obsolete:
            filesystem.remove(obsolete)
        for path in reversed(list(files)):  # the marker first: nothing is made until all its files are in place
            stack.enter_context(filesystem.set_aside(path))
        for commit in commits:
            commit()
