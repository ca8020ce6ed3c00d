"""Where references lead, in docstrings, in signatures and in the pages; and what is above what: a part of ``conf.py``.

A name of this package leads to its place in the reference; without one, it is a warning. A name of Python or of another
package is text, for nothing is fetched while the pages are built; it must exist. A link to a file outside of this
folder, which a code-hosting site follows, is text, too. A code-hosting site lists the pages of a folder beside its
README; here, the README of a folder is the page above them.
"""

from __future__ import annotations

import ast
import builtins
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sphinx import addnodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.nodes import make_refnode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.domains.python import PythonDomain
    from sphinx.environment import BuildEnvironment

_PACKAGE = "clientcert"
_FOLDER = Path(__file__).parent


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect what is below to Sphinx."""
    app.connect("builder-inited", _forget_overloads)
    app.connect("source-read", _above_its_folder)
    app.connect("autodoc-before-process-signature", _know_types)
    app.connect("autodoc-process-docstring", _without_default_of_fields)
    app.connect("object-description-transform", _without_abstract)
    app.connect("missing-reference", _resolved)
    app.connect("doctree-read", _without_links_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# The names in signatures.


def _forget_overloads(_: Sphinx) -> None:
    """Show the constructor that runs, with each option: its overloads are a dozen, and for type checkers alone."""
    analyzer = ModuleAnalyzer.for_module("clientcert.strategy")
    analyzer.analyze()
    del analyzer.overloads["ClientCertStrategy.__init__"]


def _without_abstract(_: Sphinx, __: str, ___: str, content: addnodes.desc_content) -> None:
    """Say of no member that it is abstract: that is for those who implement it, and here are those who call it."""
    for annotation in list(content.parent.findall(addnodes.desc_annotation)):
        for keyword in list(annotation.findall(addnodes.desc_sig_keyword)):
            if keyword.astext() in {"abstract", "abstractmethod"}:
                annotation.remove(annotation[annotation.index(keyword) + 1])
                annotation.remove(keyword)
        if not annotation.children:
            annotation.parent.remove(annotation)


_complete: set[ModuleType] = set()


def _know_types(_: Sphinx, documented: Any, __: bool) -> None:  # noqa: FBT001 - what Sphinx calls it with
    """Give a module the names that it has for type checkers alone, so that its annotations can be evaluated."""
    module = sys.modules.get(getattr(documented, "__module__", None) or "")
    if module is None or module in _complete or not _is_ours(module.__name__):
        return
    _complete.add(module)
    for statement in ast.parse(Path(str(module.__file__)).read_text("utf-8")).body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            for part in statement.body:
                _run(part, module)


def _run(statement: ast.stmt, module: ModuleType) -> None:
    code = compile(ast.Module([statement], []), str(module.__file__), "exec")
    try:
        exec(code, vars(module))  # noqa: S102 - it is ours
    except TypeError:  # an alias of a type that is generic in its stub alone
        if not isinstance(statement, ast.Assign):
            raise
        vars(module).update((name.id, Any) for name in statement.targets if isinstance(name, ast.Name))


def _without_default_of_fields(_: Sphinx, __: str, ___: str, ____: object, _____: object, lines: list[str]) -> None:
    """Remove what `collections.namedtuple` says of a field, which is its number."""
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()


# References to names.


def _resolved(
    app: Sphinx, env: BuildEnvironment, reference: addnodes.pending_xref, text: nodes.Element
) -> nodes.Element | None:
    """Return what a reference becomes that Sphinx cannot follow, or None, which is a warning."""
    name = reference["reftarget"].removesuffix("()")
    domain: PythonDomain = env.domains.python_domain
    # A name of ours by itself, or by the module in which it is written, where the reference has it by another.
    found = dict(domain.find_obj(env, None, None, name.rpartition(".")[2], None, searchmode=1))
    module = sys.modules.get(reference.get("py:module") or "")
    meant = list(_meant(name, module))
    for full_name, entry in found.items():
        if not meant or any(one is other for one in meant for other in _meant(full_name, None)):
            return make_refnode(app.builder, reference["refdoc"], entry.docname, entry.node_id, text, full_name)
    return text if any(not _is_documented_here(one, name, module) for one in meant) else None


def _meant(name: str, module: ModuleType | None) -> Iterator[object]:
    """Yield what ``name`` is: in the module, in Python, or by its import path."""
    head, *rest = name.split(".")
    for place in (module, builtins):
        if place is not None and hasattr(place, head):
            yield from _attribute(getattr(place, head), rest)
    try:
        top = import_module(head)
    except ImportError:
        return
    yield from _attribute(top, rest)


def _attribute(found: object, path: list[str]) -> Iterator[object]:
    for part in path:
        if isinstance(found, ModuleType) and not hasattr(found, part):
            try:
                import_module(f"{found.__name__}.{part}")
            except ImportError:
                return
        if not hasattr(found, part):
            return
        found = getattr(found, part)
    yield found


def _is_documented_here(found: object, name: str, module: ModuleType | None) -> bool:
    """Return whether the reference must have a place: classes and functions of ours, and what a module names public."""
    if isinstance(found, ModuleType):
        return _is_ours(found.__name__)
    if isinstance(found, type) or callable(found):
        return _is_ours(getattr(found, "__module__", None) or "")
    return module is not None and name in getattr(module, "__all__", ())


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == _PACKAGE


# Pages and files.


def _above_its_folder(_: Sphinx, page: str, text: list[str]) -> None:
    """Put the pages of a folder below its README, in the navigation."""
    if page.endswith("/README"):
        text[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


def _without_links_out(_: Sphinx, page: nodes.document) -> None:
    """Leave of links to files outside of this folder their text."""
    folder = Path(page["source"]).parent
    for link in list(page.findall(addnodes.pending_xref)):
        if link["reftype"] != "myst":
            continue
        path = (folder / link["reftarget"]).resolve()
        is_there = path.exists() or path.with_name(f"{path.name}.md").exists()
        if is_there and not path.is_relative_to(_FOLDER):
            link.replace_self(link.children)
    for link in list(page.findall(addnodes.download_reference)):
        link.replace_self(link.children)
