"""YAML with the line of each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from clientcert.proxy_config.danger import UnreadableConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MarkedMapping", "mappings", "read"]


class MarkedMapping(dict[str, Any]):
    """A mapping that knows on which line each of its keys is, and on which it begins."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def mapping(self, *path: str) -> MarkedMapping:
        """Return what is there under these keys, one below the other; an empty mapping if that is no mapping."""
        found: Any = self
        for key in path:
            found = found.get(key) if isinstance(found, MarkedMapping) else None
        return found if isinstance(found, MarkedMapping) else MarkedMapping(self.line)


def read(text: str) -> list[Any]:
    """Return the documents: mappings, lists, and texts, for scalars are left as they are written."""
    try:
        # What was seen, by identity, for each document anew: the nodes of the last one are gone.
        return [_value(node, {}) for node in yaml.compose_all(text, yaml.SafeLoader) if node is not None]
    except RecursionError:
        raise UnreadableConfigurationError("too deep") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f"line {mark.line + 1}: "
        raise UnreadableConfigurationError(f"{where}not YAML") from None


def mappings(value: Any) -> Iterator[MarkedMapping]:
    """Yield every mapping in a document, from the outside to the inside, each once."""
    seen: set[int] = set()
    waiting: list[Any] = [value]
    while waiting:
        found: MarkedMapping | list[Any] | str = waiting.pop(0)
        if id(found) in seen:
            continue
        if isinstance(found, MarkedMapping):
            seen.add(id(found))
            yield found
            waiting.extend(found.values())
        elif isinstance(found, list):
            seen.add(id(found))
            waiting.extend(found)


def _value(node: yaml.Node, seen: dict[int, Any]) -> Any:
    """Build what a node means. An alias is the same object again, so that no document is larger than its text."""
    if id(node) in seen:
        return seen[id(node)]
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        mapping = seen[id(node)] = MarkedMapping(line)
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                mapping.lines[key.value] = key.start_mark.line + 1
                mapping[key.value] = _value(value, seen)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        items: list[Any] = []
        seen[id(node)] = items
        items.extend(_value(item, seen) for item in node.value)
        return items
    return node.value
