"""The backends that are there to be tested."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

_MODULES = {"rust": "clientcert._core", "python": "clientcert._fallback"}


def _found() -> dict[str, ModuleType]:
    found = {}
    for name, module in _MODULES.items():
        try:
            found[name] = import_module(module)
        except ModuleNotFoundError as error:
            # A user without a Rust toolchain tests the fallback; where the Rust core is forced, it must be there.
            if error.name != "clientcert._core" or os.environ.get("CLIENTCERT_BACKEND") == "rust":
                raise
    return found


BACKENDS = _found()
