"""Turn failures of the file system of a lake into errors with a message and advice."""

from __future__ import annotations

from pvtop.core.address import Address
from pvtop.core.errors import OutputError
from pvtop.storage.atomic import output_error
from pvtop.storage.filesystem import BrokenLinkError, Purpose
from pvtop.storage.regular_file import NOT_A_FOLDER, NOT_REGULAR


def _lake_error(error: Exception, verb: str, lake: Address, reason: str) -> OutputError:
    message = f"cannot {'read' if verb == 'list' else verb} the lake {lake}: {reason}"
    match error:
        case BrokenLinkError():
            hint = "create that folder or mount its disk, or choose another lake"
            return OutputError(f"the lake {lake}: {error.strerror}", hint, setting="output")
        case ImportError():
            return OutputError(message, "install that package; for S3, install pvtop with its extra named s3")
        case TimeoutError():
            return OutputError(message, "try again later, or raise the time limit", setting="read_timeout")
    in_the_way = getattr(error, "strerror", None) in {NOT_REGULAR, NOT_A_FOLDER}
    what_to_do = "remove it" if in_the_way else "check its permissions and credentials"
    return output_error(message, error, f"{what_to_do}, or choose another one", "output")


LAKE = Purpose(_lake_error, absent=(FileNotFoundError, IsADirectoryError), refuses_broken_links=True)
