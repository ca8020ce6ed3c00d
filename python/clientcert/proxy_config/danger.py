"""What a check finds in a configuration."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Danger", "UnreadableConfigurationError"]


class Danger(NamedTuple):
    """One setting by which a client may be taken for another, or is not verified, or is not seen at all."""

    line: int
    setting: str
    reason: str


class UnreadableConfigurationError(ValueError):
    """The text is not what it is taken for. The message says where."""
