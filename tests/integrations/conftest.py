"""The authority of the servers' tests, with clients of Acme."""

from __future__ import annotations

import pytest

from servers.conftest import PKI


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    pki = PKI(tmp_path_factory.mktemp("pki"))
    pki.acme = pki.issuer.issue(subject=[("O", "Acme, Inc."), ("CN", "alice")])
    return pki
