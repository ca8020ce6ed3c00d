"""The authority of the servers' tests, with clients of Acme."""

from __future__ import annotations

import os

import django
import pytest

from servers.conftest import PKI

# Django has one set of settings in a process: these, whatever is imported first.
os.environ["DJANGO_SETTINGS_MODULE"] = "integrations.django_project.settings"
django.setup()


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    pki = PKI(tmp_path_factory.mktemp("pki"))
    pki.acme = pki.issuer.issue(subject=[("O", "Acme, Inc."), ("CN", "alice")])
    return pki
