"""The authority of the servers' tests, with clients of Acme, and users of Django."""

from __future__ import annotations

import os
from types import SimpleNamespace

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


@pytest.fixture(scope="session")
def users():
    """A database of Django with some of them."""
    from django.contrib.auth import get_user_model
    from django.db import connection

    connection.creation.create_test_db(verbosity=0)
    manager = get_user_model().objects
    yield SimpleNamespace(
        alice=manager.create_user("alice"),
        bob=manager.create_user("bob", password="bob's"),
        former=manager.create_user("former", is_active=False),
    )
    connection.creation.destroy_test_db(":memory:", verbosity=0)
