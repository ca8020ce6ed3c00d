"""What a backend hands out of a certificate: its values, none of which can be changed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast

__all__ = ["Attributes", "GeneralName", "GeneralNameKind", "Values", "frozen", "plain"]

GeneralNameKind = Literal["dns", "uri", "email", "ip", "dir_name", "registered_id", "other_name"]

Attributes = tuple[tuple[str, str], ...]
"""The attributes of a distinguished name in certificate order: dotted OID and decoded value.

A value that is no string (a BIT STRING, say) is ``#`` and its DER in hexadecimal (RFC 4514, section 2.4).
"""


class Values(tuple[str, ...]):
    """An immutable list: a tuple that also equals the list of its items.

    Node.js has arrays where an attribute or a key usage occurs more than once; code written for them compares with
    lists.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, list):
            return super().__eq__(tuple(cast("list[object]", other)))
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()


class GeneralName(NamedTuple):
    """One subject alternative name (RFC 5280, section 4.2.1.6), with its kind.

    ``value`` is text for ``dns``, ``uri``, ``email`` and ``registered_id`` (a dotted OID), the canonical text of the
    address for ``ip``, the attributes of the name for ``dir_name``, and ``(type-id, DER of the value)`` for
    ``other_name``.
    """

    kind: GeneralNameKind
    value: str | Attributes | tuple[str, bytes]


def frozen(value: dict[str, Any] | tuple[str, ...] | str | bytes | int | None) -> Any:
    """Return the value of a field as users get it: a dict as a read-only mapping, a tuple as `Values`."""
    if type(value) is dict:
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    return Values(value) if type(value) is tuple else value


def plain(value: Mapping[str, Any] | tuple[Any, ...] | list[Any] | str | bytes | int) -> Any:
    """Return a value with each mapping in it as a new dict, each tuple and list as a new list."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value
