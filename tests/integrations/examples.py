"""The applications of ``examples/``, as they are or behind a proxy, and requests to where they run."""

from __future__ import annotations

import http.client
import importlib.util
from functools import partial
from pathlib import Path
from unittest.mock import patch

import clientcert
from servers.conftest import PATIENCE

EXAMPLES = Path(__file__).parents[2] / "examples"


def load_example(framework, **strategy):
    """The module of an example, new each time; with these options for its strategy."""
    spec = importlib.util.spec_from_file_location(f"example_{framework}", EXAMPLES / framework / "app.py")
    module = importlib.util.module_from_spec(spec)
    with patch.object(clientcert, "ClientCertStrategy", partial(clientcert.ClientCertStrategy, **strategy)):
        spec.loader.exec_module(module)
    return module


def ask(port, path="/", context=None, headers=()):
    """The status, the headers and the text of the answer to one request on a connection of its own."""
    if context is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    else:
        connection = http.client.HTTPSConnection("localhost", port, timeout=PATIENCE, context=context)
    try:
        connection.putrequest("GET", path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()
