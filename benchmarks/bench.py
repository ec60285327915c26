"""Measure pvtop and its alternatives in turns, and write the results.

    python benchmarks/bench.py                            all parts, five rounds
    python benchmarks/bench.py --only hour --rounds 9     one part; the results of the others stay
    python benchmarks/bench.py --scale small --rounds 1   tiny inputs, to check that everything works

Writes `results.json`, `RESULTS.md` and the charts. Ends with exit code 1 if an answer was wrong or a command failed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from textwrap import shorten
from typing import Any

import chart
import goals
import pvtop
import results
from cases import Case, Count, Group, Profile, Size, Turns
from checks import Check
from commands import CONTENDERS, LAKE, environment, probe
from inputs import HERE, SCALES, Given, Inputs, link_all
from measure import Figures, measure
from parts import PARTS

RAISED = re.compile(r"[\w.]+(?:Error|Exception): ")  # the line of an exception, as Python prints it


def main() -> int:
    """Measure the chosen parts and write all result files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (5)")
    parser.add_argument("--scale", choices=SCALES, default="full", help="how large the inputs are (full)")
    parser.add_argument("--work", type=Path, help="folder for the inputs, some 30 GB; they are kept")
    parser.add_argument("--day", type=Path, help="source that has the dumps of the day; made by default")
    parser.add_argument("--week", type=Path, help="source that has the dumps of the week; made by default")
    parser.add_argument("--results", type=Path, default=HERE, help="folder for the results")
    parser.add_argument(
        "--python",
        type=os.path.abspath,
        default=sys.executable,
        help="path of the Python interpreter that has the contenders installed",
    )
    args = parser.parse_args()
    work = (args.work or Path(tempfile.gettempdir()) / "pvtop-bench" / args.scale).absolute()
    for folder in (work, args.results):
        folder.mkdir(parents=True, exist_ok=True)
    given = Given(args.day and args.day.absolute(), args.week and args.week.absolute())
    inputs, installed = Inputs(work, SCALES[args.scale], given), versions(args.python)
    path = args.results / "results.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    for name in [args.only] if args.only else PARTS:
        found[name] = run_part(name, inputs, args.python, args.rounds, installed)
        found = {part: found[part] for part in PARTS if part in found}
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        for file, content in {"RESULTS.md": results.page(found), **chart.pictures(found)}.items():
            (args.results / file).write_text(content)
    all_cases = [case for part in found.values() for case in goals.cases(part)]
    wrong = [case["name"] for case in all_cases if goals.is_wrong(case) and not goals.is_out_of_memory(case)]
    if wrong:
        print(f"wrong or failed: {', '.join(wrong)}", file=sys.stderr)
    return bool(wrong)


def run_part(name: str, inputs: Inputs, python: str, rounds: int, installed: dict[str, str]) -> dict[str, Any]:
    """Measure one part. Return its results, with the date and the machine."""
    part: dict[str, Any] = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load": os.getloadavg()[0],
        "machine": machine(),
        "versions": installed,
        "groups": [],
        "sizes": [],
        "profiles": [],
        "counts": [],
    }
    for one in PARTS[name](inputs, python):
        if isinstance(one, Group):
            part["groups"].append(run_group(one, inputs.work, installed, rounds))
        elif isinstance(one, Turns):
            part["groups"].append(run_turns(one, inputs.work, rounds))
        elif isinstance(one, Size):
            part["sizes"].append({"name": one.name, "bytes": sum(path.stat().st_size for path in one.files)})
        elif isinstance(one, Profile):
            part["profiles"].append({"title": one.title, "steps": run_profile(one, inputs.work, rounds)})
        else:
            part["counts"] += count_calls(one, inputs.work)
    return part


def run_group(group: Group, work: Path, installed: dict[str, str], rounds: int) -> dict[str, Any]:
    """Measure the cases of a group in turns. Reads their files once before, so that the disk takes no part."""
    cases = [case for case in group.cases if case.needs in {"", *installed}]
    found = {case.name: new_result(case.name, case.check, case.size, is_limited=case.is_limited) for case in cases}
    for path in group.files:
        read_once(path)
    for number in range(min(rounds, group.rounds or rounds)):
        for case in cases:
            print(f"{group.title}, round {number + 1}: {case.name}", file=sys.stderr)
            add(found[case.name], case, work)
    absent = [case.name for case in group.cases if case not in cases]
    described = {"title": group.title, "note": group.note, "axis": group.axis}
    return {**described, "cases": list(found.values()), "not_installed": absent}


def read_once(path: Path) -> None:
    """Read a file, so that it is in the memory of the system."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


def new_result(name: str, check: Check | None, size: int = 0, *, is_limited: bool = False) -> dict[str, Any]:
    """Return the result of a case before its first round."""
    figures: dict[str, list[float]] = {"seconds": [], "cpu": [], "peak": []}
    exact = None if check is None else True
    return {"name": name, "size": size, **figures, "exact": exact, "failure": "", "is_limited": is_limited}


def add(result: dict[str, Any], case: Case, work: Path) -> None:
    """Run a case once in a new folder. Add its figures to the result, and whether its answer was exact."""
    with tempfile.TemporaryDirectory(dir=work, prefix="run-") as folder:
        if case.lake:
            link_all(case.lake, Path(folder) / LAKE)
        figures = measure(case.command, Path(folder), environment())
        exact, failure = judged(case.check, Path(folder), figures)
    if failure:
        result["failure"] = failure
        return
    result["exact"] = result["exact"] and exact
    result["seconds"].append(json.loads(figures.stdout)["seconds"] if case.timed else figures.seconds)
    result["cpu"].append(figures.cpu)
    result["peak"].append(figures.peak)


def judged(check: Check | None, folder: Path, figures: Figures) -> tuple[bool, str]:
    """Return whether an answer is exact, and why the command or the check failed; empty if they did not."""
    if figures.code:
        return False, shorten(reason(figures.stderr) or f"exit code {figures.code}", 100)
    try:
        return check is None or check(folder, figures), ""
    except Exception as error:  # noqa: BLE001 - whatever a check raises, the other cases are still measured
        return False, shorten(str(error) or type(error).__name__, 100)


def reason(stderr: str) -> str:
    """Return the line of the last exception, or the last line if there is none. Some exceptions end with advice."""
    messages = [line for line in stderr.splitlines() if line.strip() and not line.startswith(" ")]
    raised = [line for line in messages if RAISED.match(line)]
    return next(reversed(raised or messages), "")


def run_turns(turns: Turns, work: Path, rounds: int) -> dict[str, Any]:
    """Run a process whose steps are cases, round by round. Return the cases as a group."""
    found = {} if turns.missing else {step: new_result(name, turns.check) for step, name in turns.cases.items()}
    versions: dict[str, None] = {}
    for number in range(min(rounds, turns.rounds or rounds) if found else 0):
        print(f"{turns.title}, round {number + 1}", file=sys.stderr)
        versions |= dict.fromkeys(add_turns(found, turns, work))
    described = {"title": turns.title, "note": f"{', '.join(versions)}." if versions else turns.missing, "axis": ""}
    absent = [*turns.cases.values()] if turns.missing else []
    return {**described, "cases": list(found.values()), "not_installed": absent}


def add_turns(found: dict[str, dict[str, Any]], turns: Turns, work: Path) -> list[str]:
    """Run the process once in a new folder. Add the figures of each step to its case. Return the version it prints."""
    with tempfile.TemporaryDirectory(dir=work, prefix="run-") as folder:
        figures = measure(turns.command, Path(folder), environment())
        exact, failure = judged(turns.check, Path(folder), figures)
    printed = {} if failure else json.loads(figures.stdout)
    for step, result in found.items():
        result["failure"] = failure or result["failure"]
        result["exact"] = result["exact"] and (exact or bool(failure))
        for field, value in printed.get("steps", {}).get(step, {}).items():
            result[field].append(value)
    return [printed["version"]] if printed else []


def run_profile(profile: Profile, work: Path, rounds: int) -> list[dict[str, Any]]:
    """Run a profile. Return the figures of each step, round by round."""
    runs = []
    for number in range(rounds):
        print(f"{profile.title}, round {number + 1}", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=work, prefix="run-") as folder:
            figures = measure(profile.command, Path(folder), environment())
        if figures.code:
            sys.exit(figures.stderr)
        runs.append(json.loads(figures.stdout))
    return [
        {"name": steps[0]["name"], **{field: [step[field] for step in steps] for field in ("seconds", "peak")}}
        for steps in zip(*runs, strict=True)
    ]


def count_calls(count: Count, work: Path) -> list[dict[str, Any]]:
    """Run pvtop and count its file system calls. Return one result for each folder."""
    figures = measure(
        probe("calls.py", ":".join(map(str, count.folders.values())), *count.command[1:]), work, environment()
    )
    counted = json.loads(figures.stderr.splitlines()[-1])
    return [{"name": count.name, "folder": name, **counted[str(folder)]} for name, folder in count.folders.items()]


def machine() -> dict[str, str]:
    """Return processor, cores, memory and system of this machine."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": f"{os.cpu_count()} cores",
        "memory": f"{memory / 1e9:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
    }


def versions(python: str) -> dict[str, str]:
    """Return the versions of everything that takes part. A contender that is not installed is missing.

    The commit is that of the checkout that pvtop is imported from, which another environment may have elsewhere.

    This also imports each contender once, so that its files are in memory in the first round, too.
    """
    found = {name: version(name) for name in ("pvtop", "polars", "pyarrow")}
    found |= {"python": platform.python_version(), "gzip": printed_version(["gzip", "--version"])}
    found |= {
        "sort": printed_version(["sort", "--version"]),
        "commit": printed_version(["git", "-C", str(Path(pvtop.__file__).parent), "describe", "--always", "--dirty"]),
    }
    for module in dict.fromkeys(module for module, _ in CONTENDERS.values()):
        if printed := printed_version([python, "-c", f"import {module}; print({module}.__version__)"]):
            found[module] = printed
    return found


def printed_version(command: Sequence[str]) -> str:
    """Return the version that a command prints: the last word of its first line. Return an empty string if it fails."""
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout.partition("\n")[0].rpartition(" ")[2]


if __name__ == "__main__":
    sys.exit(main())
