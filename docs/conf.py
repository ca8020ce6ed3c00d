"""How Sphinx builds the pages: ``make docs``, which lets no warning pass.

The pages are for a code-hosting site, too: plain Markdown, in which a link is the path of a file.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings
from sphinx import addnodes

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

DOCS = Path(__file__).parent
ROOT = DOCS.parent

project = "clientcert"
author = "the authors of clientcert"
release = version = metadata.version("clientcert")
project_copyright = author

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "clientcert"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["clientcert.css"]

myst_heading_anchors = 4  # links to headings, with the names that a code-hosting site gives them

# A single backtick in a docstring is a name, and one that leads nowhere is a warning.
default_role = "any"
nitpicky = True

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "show-inheritance": False}

# What autodoc imports on the page of frameworks asks for Django's settings.
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"])
django.setup()


def setup(app: Sphinx) -> None:
    """Connect what is below."""
    app.connect("autodoc-before-process-signature", _import_names_of_types)
    app.connect("missing-reference", _name_of_others)
    app.connect("doctree-read", _without_links_out)


def _import_names_of_types(_: Sphinx, documented: Any, __: bool) -> None:  # noqa: FBT001 - an event's signature
    """Import into a module what it imports for type checkers alone, so that autodoc knows the types by their names."""
    module = sys.modules.get(getattr(documented, "__module__", ""))
    if module is not None and module.__name__.startswith(project) and module not in _complete:
        _complete.add(module)
        _run_type_checking_imports(module)


_complete: set[ModuleType] = set()


def _run_type_checking_imports(module: ModuleType) -> None:
    for statement in ast.parse(Path(str(module.__file__)).read_text("utf-8")).body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            code = compile(ast.Module(statement.body, []), str(module.__file__), "exec")
            exec(code, vars(module))  # noqa: S102 - it is ours


def _name_of_others(_: Sphinx, __: object, reference: addnodes.pending_xref, text: nodes.Node) -> nodes.Node | None:
    """Return the text of a reference to what Python or another package has, whose documentation is elsewhere.

    None, which is a warning, for a name that does not exist, and for one of this package that no page has.
    """
    module = sys.modules.get(reference.get("py:module") or "")
    return text if _is_elsewhere(reference["reftarget"], module) else None


def _is_elsewhere(name: str, module: ModuleType | None) -> bool:
    head, *rest = name.split(".")
    if head == project:
        return False
    if module is not None and head in vars(module):
        found = vars(module)[head]
        if getattr(found, "__module__", None) is not None and found.__module__.startswith(project):
            return False
    elif head in vars(builtins):
        found = vars(builtins)[head]
    else:
        try:
            found = importlib.import_module(head)
        except ModuleNotFoundError:
            return False
    for part in rest:
        if isinstance(found, ModuleType) and not hasattr(found, part):
            try:
                importlib.import_module(f"{found.__name__}.{part}")
            except ModuleNotFoundError:
                return False
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def _without_links_out(_: Sphinx, page: nodes.document) -> None:
    """Leave of links to files outside of this folder, which a code-hosting site follows, their text alone."""
    for link in list(page.findall(addnodes.download_reference)):
        link.replace_self(link.children)
