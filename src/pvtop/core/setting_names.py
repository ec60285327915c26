"""The names of settings: in the environment, and when they are mistyped."""

from __future__ import annotations

import os
from collections.abc import Collection

from pvtop.core.escape import shorten
from pvtop.core.redaction import redacted

PREFIX = "PVTOP_"


def variable(setting: str) -> str:
    """Return the name of a setting in the environment, in capitals with a prefix."""
    return f"{PREFIX}{setting.upper()}"


def unknown_variables(settings: Collection[str]) -> list[str]:
    """Return the variables that look like settings but are none. An empty variable counts as not set."""
    known = {variable(name) for name in settings}
    return sorted(name for name, value in os.environ.items() if name.startswith(PREFIX) and value and name not in known)


def not_a_setting(name: str, settings: Collection[str]) -> str:
    """Return the message about a name that is not a setting. It names the nearest setting."""
    like = nearest(name, settings)
    return f"{shorten(redacted(name))} is not a setting{f', did you mean {like}?' if like else ''}"


def nearest(name: str, names: Collection[str]) -> str | None:
    """Return the name that is most like a mistyped one, or None if none is."""
    import difflib

    return next(iter(difflib.get_close_matches(name, names, 1)), None)
