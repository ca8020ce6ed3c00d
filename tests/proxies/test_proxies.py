"""Real proxies with the configurations that ``proxy-config`` prints, in front of real servers, and what clients try.

What becomes of each request is compared with the table in docs/proxies/requests.md, too: with ``WRITE_MATRIX`` in the
environment, the table is written instead.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
from collections import defaultdict

import pytest

from backends import BACKENDS
from clientcert import _backend
from clientcert.testing import proxy_headers
from proxies import matrix
from proxies.chain import Chain
from proxies.programs import COMMANDS, PROXIES, must_be_installed
from proxies.scenarios import SCENARIOS

SERVERS = [(kind, backend) for kind in ("uvicorn", "gunicorn") for backend in BACKENDS]


def all_must_be_installed(title) -> None:
    for name in PROXIES[title]:
        _, (program, *_) = COMMANDS[name]
        must_be_installed(program)


@pytest.fixture(
    scope="module",
    params=[(title, required, server) for title in PROXIES for required in (True, False) for server in SERVERS],
    ids=lambda param: f"{param[0]}-{'required' if param[1] else 'optional'}-{'-'.join(param[2])}",
)
def chain(request, pki, servers, tmp_path_factory):
    title, required, server = request.param
    all_must_be_installed(title)
    with Chain(title, servers[server], pki, tmp_path_factory.mktemp("proxy"), required=required) as running:
        yield running


@pytest.fixture(scope="session")
def documented():
    """The table of the documentation; or one that is made in this run, and written at its end."""
    if "WRITE_MATRIX" not in os.environ:
        yield matrix.read()
        return
    made: matrix.Outcomes = defaultdict(dict)
    yield made
    matrix.write(made)


def sha256(issued) -> str:
    return hashlib.sha256(issued.der).hexdigest()


def happened(chain, pki, scenario) -> str:
    """What became of a request, in words; AssertionError if that must never be."""
    client = scenario.client and getattr(pki, scenario.client)
    lines = scenario.forge(list(proxy_headers(chain.preset, pki.victim.certificate).items())) if scenario.forge else []
    try:
        with chain.connect(
            client, server_name=scenario.server_name, version=scenario.version, resume=scenario.resumed
        ) as connection:
            answer = connection.ask(lines, trailers=scenario.trailers)
            resumed = connection.resumed
    except (ssl.SSLError, ConnectionError, http.client.BadStatusLine):
        return "no connection"
    if answer.decision is None:
        assert answer.status >= 400
        return f"{answer.status} of the proxy"
    if answer.decision != "accepted":
        assert answer.status == 401
        return f"`{answer.decision}`"
    assert answer.status == 200
    assert answer.certificate != sha256(pki.victim)
    assert client is not None
    assert answer.certificate == sha256(client)
    return "identified, not resumed" if scenario.resumed and not resumed else "identified"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.description)
def test_a_client_is_identified_or_refused_and_never_taken_for_another(chain, pki, documented, scenario):
    outcome = happened(chain, pki, scenario)
    if scenario.expected == "identified":
        assert outcome.startswith("identified"), chain.logs
    elif scenario.expected == "refused":
        assert not outcome.startswith("identified"), chain.logs
    key = ("required" if chain.required else "optional", scenario.description)
    if "WRITE_MATRIX" in os.environ:
        matrix.add(documented, key, chain.title, chain.server.kind, outcome)
    else:
        assert matrix.documents(documented, key, chain.title, chain.server.kind, outcome)


def test_each_request_on_a_connection_is_judged_alone(chain, pki):
    forged = list(proxy_headers(chain.preset, pki.victim.certificate).items())
    with chain.connect(pki.leaf) as first, chain.connect(pki.chained) as second:
        for lines in ([], forged, [], forged, []):
            assert first.ask(lines).certificate == sha256(pki.leaf)
            assert second.ask(lines).certificate == sha256(pki.chained)


# What is there of the chain, after a full handshake and on a session that is resumed.
CHAIN_IS_FORWARDED = {
    "nginx": (False, False),
    "HAProxy": (True, False),
    "Apache": (False, False),
    "Caddy": (False, False),
    "Traefik": (True, True),
    "Envoy": (False, False),
    "two Envoys": (False, False),
}


@pytest.mark.parametrize("resume", [False, True], ids=["", "resumed"])
def test_the_chain_of_a_client_arrives_where_the_proxy_forwards_it(chain, pki, resume):
    forwarded = CHAIN_IS_FORWARDED[chain.title][resume]
    with chain.connect(pki.deep, resume=resume) as connection:
        assert connection.resumed == (resume and chain.title != "Caddy")
        answer = connection.ask(with_chain=True)
    assert answer.certificate == sha256(pki.deep)
    issuers = tuple(hashlib.sha256(der).hexdigest() for der in pki.deep.intermediates)
    assert answer.issuers == (issuers if forwarded else ())


@pytest.fixture(scope="module")
def inner(pki, servers, tmp_path_factory):
    """The second of two Envoys, where somebody reaches it directly."""
    all_must_be_installed("two Envoys")
    directory = tmp_path_factory.mktemp("proxy")
    with Chain("two Envoys", servers["uvicorn", _backend.backend], pki, directory, required=True) as running:
        yield running


@pytest.mark.parametrize("who", ["leaf", "other_proxy", None])
def test_the_inner_of_two_proxies_lets_in_nobody_but_the_edge(inner, pki, who):
    lines = proxy_headers(inner.preset, pki.victim.certificate).items()
    with (
        pytest.raises((ssl.SSLError, ConnectionError, http.client.BadStatusLine)),
        inner.connect(who and getattr(pki, who), hop=1) as connection,
    ):
        connection.ask(lines)
    with inner.connect(pki.edge, hop=1) as connection:
        assert connection.ask(lines).certificate == sha256(pki.victim)


def test_traefik_removes_a_forged_header_also_from_those_whose_headers_it_believes(pki, servers, tmp_path):
    all_must_be_installed("Traefik")
    server = servers["uvicorn", _backend.backend]
    believing = ["--entryPoints.websecure.forwardedHeaders.insecure=true"]
    with Chain("Traefik", server, pki, tmp_path, required=False, options=believing) as chain:
        lines = proxy_headers(chain.preset, pki.victim.certificate).items()
        with chain.connect(None) as connection:
            assert connection.ask(lines).decision == "header_missing_or_malformed"
        with chain.connect(pki.leaf) as connection:
            assert connection.ask(lines).certificate == sha256(pki.leaf)


def test_the_table_has_a_row_for_each_scenario_and_a_column_for_each_proxy():
    documented = matrix.read()
    assert list(documented) == [(mode, scenario.description) for mode in matrix.HEADINGS for scenario in SCENARIOS]
    assert all(list(row) == list(PROXIES) for row in documented.values())
    assert "not measured" not in matrix.PAGE.read_text("utf-8")
