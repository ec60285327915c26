"""Run pvtop and count what it asks the file system for below some folders: calls.py FOLDER[:FOLDER]... [ARGUMENT]...

The counts go to standard error as JSON, in its last line: for each folder, folders that are listed and files that are
opened. They are Python's own audit events, so what Polars reads for itself is not among them.
"""

import json
import sys

EVENTS = {"os.listdir": "listed", "os.scandir": "listed", "open": "opened"}


def main() -> None:
    """Count while the command runs."""
    counts = {folder: dict.fromkeys(EVENTS.values(), 0) for folder in sys.argv.pop(1).split(":")}

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event in EVENTS:
            for folder, counted in counts.items():
                if f"{arguments[0]}/".startswith(f"{folder}/"):
                    counted[EVENTS[event]] += 1

    from pvtop.cli import main as pvtop

    sys.addaudithook(count)
    try:
        pvtop()
    finally:
        print(json.dumps(counts), file=sys.stderr)


if __name__ == "__main__":
    main()
