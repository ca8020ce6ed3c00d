"""Picks the Rust extension or the pure-Python fallback, once, for everyone."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from clientcert.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["backend", "core"]


def _select(wanted: str) -> tuple[Literal["rust", "python"], ModuleType]:
    if wanted not in {"auto", "rust", "python"}:
        raise ConfigurationError("CLIENTCERT_BACKEND must be 'auto', 'rust' or 'python'")
    if wanted != "python":
        try:
            return "rust", import_module("clientcert._core")
        except ModuleNotFoundError as error:
            # Only an extension that is not there may be replaced: one that does not load is a broken installation.
            if wanted == "rust" or error.name != "clientcert._core":
                raise
    return "python", import_module("clientcert._fallback")


backend, core = _select(os.environ.get("CLIENTCERT_BACKEND", "auto"))
