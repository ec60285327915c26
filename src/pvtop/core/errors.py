"""Every failure that is expected, as one tree. Each carries its exit code, and a hint: what to do about it."""

from __future__ import annotations

from typing import TypeGuard


class PvtopError(Exception):
    """A failure that is explained rather than traced: `str()` is what and where, `hint` is what to do.

    Args:
        message: What went wrong, and with what.
        hint: What the user can do about it; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(PvtopError):
    """An argument, a setting or the configuration file is wrong."""

    exit_code = 2


class SourceError(PvtopError):
    """A source could not be read."""


class UnreachableError(SourceError):
    """A server did not answer, or broke off: worth another try.

    Args:
        message: What went wrong, and with what.
        hint: What the user can do about it.
        retry_after: How many seconds the server asked to be left alone, where it did.
    """

    def __init__(self, message: str, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class RangeError(UnreachableError):
    """A server does not go on where a transfer broke off: worth another try from the start."""


class NotPublishedError(SourceError):
    """The source does not hold the hour (yet)."""

    exit_code = 3


class MissingError(SourceError):
    """A file does not exist at its address."""


class CorruptError(SourceError):
    """A file is not what it should be: truncated, not gzip, empty, or of impossible content."""


class MalformedError(PvtopError):
    """More lines of a dump are malformed than the settings allow."""

    exit_code = 5


class BlacklistError(PvtopError):
    """The blacklist could not be had or is not a blacklist."""


class OutputError(PvtopError):
    """A folder or a bucket could not be written or read."""


class InvalidReportError(PvtopError):
    """Reports break the rules of what a report holds; one that was being made was not completed."""

    exit_code = 5


class NotDoneError(PvtopError):
    """The lake does not hold the hour (yet)."""

    exit_code = 3


class IncompleteError(PvtopError):
    """Some hours of a batch failed; the others are done."""

    exit_code = 4


def internal(error: Exception) -> PvtopError:
    """Tell of a failure that nobody expected."""
    hint = "this is a bug of pvtop; -v shows the traceback to report"
    return PvtopError(f"internal error: {type(error).__name__}: {error}", hint)


def is_transient(error: BaseException) -> TypeGuard[UnreachableError]:
    """Tell whether the same step may well succeed when tried again later."""
    return isinstance(error, UnreachableError)
