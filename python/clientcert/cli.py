"""The entry point of ``clientcert`` and ``python -m clientcert``. The commands are in `clientcert.commands`."""

from __future__ import annotations

import sys
from io import TextIOWrapper

__all__ = ["main"]

_EXTRA = frozenset({"click", "rich", "uvicorn", "httpx", "yaml"})  # what `clientcert[cli]` installs


def main() -> None:
    """Run the command that ``sys.argv`` names, and exit."""
    output: object = sys.stdout
    if isinstance(output, TextIOWrapper):  # a terminal need not be able to show every name
        output.reconfigure(errors="backslashreplace")
    try:
        from clientcert.commands import clientcert  # noqa: PLC0415 - its imports may be missing

        clientcert()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write("the command line needs more than the library: pip install 'clientcert[cli]'\n")
        sys.exit(2)
