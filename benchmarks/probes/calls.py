"""Run pvtop and count its file system calls in some folders: calls.py FOLDER[:FOLDER]... [ARGUMENT]...

The last line on standard error is a JSON object: for each folder, how many folders were listed and files opened. The
counts come from audit events of Python, so they do not include files that Polars opens itself.
"""

import json
import sys

EVENTS = {"os.listdir": "listed", "os.scandir": "listed", "open": "opened"}


def main() -> None:
    """Run the command and count."""
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
