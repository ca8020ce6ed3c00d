"""How Sphinx builds the pages: ``make docs``, which lets no warning pass, into ``target/docs``.

The pages are for a code-hosting site, too: plain Markdown, in which a link is the path of a file.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import django
from django.conf import settings
from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

sys.path.insert(0, str(Path(__file__).parent))  # for `references`

project = "clientcert"
author = "the authors of clientcert"
release = version = metadata.version("clientcert")

extensions = ["myst_parser", "sphinx.ext.autodoc", "references"]

html_theme = "furo"
html_title = "clientcert"
html_show_copyright = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["clientcert.css"]

myst_heading_anchors = 4  # a link to a heading has the name that a code-hosting site gives it

lexers["haproxy"] = TextLexer()  # of which Pygments knows nothing

# What is in single backticks in a docstring is a name. One that leads nowhere is a warning.
default_role = "any"
nitpicky = True

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
maximum_signature_line_length = 100  # a longer one has a line for each parameter

# autodoc imports the integrations of Django, which ask for settings.
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"])
django.setup()
