"""What a part of the benchmarks consists of: cases that take turns, sizes of files, counts of calls, and profiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from checks import Check
from inputs import Inputs


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a comparison.

    Attributes:
        name: The name in the results.
        command: The command. It runs in an empty folder of its own.
        check: Returns whether the answer is exact; None if there is no answer to check.
        timed: The command prints its own `seconds` as JSON, and these count instead of those of the process.
        size: The size of the input, for the charts of growth.
        lake: A lake whose files are linked into the folder of the command, as its lake. None for an empty folder.
        needs: The module that must be installed for it, empty if there is none.
        is_limited: Whether running out of memory is a result: the command has only as much as pvtop may take.
    """

    name: str
    command: Sequence[str]
    check: Check | None = None
    timed: bool = False
    size: int = 0
    lake: Path | None = None
    needs: str = ""
    is_limited: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that take turns, round by round.

    Attributes:
        title: The heading in the results.
        cases: The cases, in the order of their turns.
        rounds: The most rounds; None for as many as were asked for.
        axis: What grows from case to case; empty if nothing does.
        files: The files that the cases read. They are read once before the first round.
        note: What the input is, for the results.
    """

    title: str
    cases: Sequence[Case]
    rounds: int | None = None
    axis: str = ""
    files: Sequence[Path] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Turns:
    """Cases that take turns within one process. It prints a version, and the figures of each step, as JSON.

    Attributes:
        title: The heading in the results.
        command: The command. It runs in an empty folder of its own.
        cases: For each step of the command the name of its case.
        check: Returns whether the answers are exact.
        rounds: The most rounds; None for as many as were asked for.
        missing: What is not installed, so that nothing is measured; empty if all is there.
    """

    title: str
    command: Sequence[str]
    cases: Mapping[str, str]
    check: Check
    rounds: int | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """A command of pvtop whose listed folders and opened files are counted, in a run that is not timed.

    Attributes:
        name: The name in the results.
        command: The command.
        folders: The folders in which calls are counted, by their names in the results.
    """

    name: str
    command: Sequence[str]
    folders: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Profile:
    """A command that prints the figures of each of its steps as JSON.

    Attributes:
        title: The heading in the results.
        command: The command.
    """

    title: str
    command: Sequence[str]


@dataclass(frozen=True, slots=True)
class Size:
    """The size of some files.

    Attributes:
        name: The name in the results.
        files: The files.
    """

    name: str
    files: Sequence[Path]


Measured = Group | Turns | Size | Count | Profile
Part = Callable[[Inputs, str], Iterator[Measured]]
