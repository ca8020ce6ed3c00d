"""Names that a server behind a proxy cannot tell apart."""

from __future__ import annotations

from itertools import product

__all__ = ["similar_names"]

_MOST_HYPHENS = 8  # 256 names; the headers of the presets have five hyphens at most


def similar_names(name: str) -> list[str]:
    """Return the other names that CGI and WSGI take for this one: with underscores for some hyphens, or for all.

    For a name with very many hyphens, the last is all there is.
    """
    first, *rest = name.split("-")
    if len(rest) > _MOST_HYPHENS:
        return [name.replace("-", "_")]
    names = (
        first + "".join(separator + part for separator, part in zip(separators, rest, strict=True))
        for separators in product("-_", repeat=len(rest))
    )
    return [other for other in names if other != name]
