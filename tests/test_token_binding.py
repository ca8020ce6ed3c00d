"""Tokens and sessions that are bound to one certificate are of no use with another."""

from __future__ import annotations

import base64
import hashlib

import pytest

from clientcert import bind_session, confirm_session_binding, confirm_token_binding
from clientcert.testing import CertificateAuthority

CA = CertificateAuthority()
ALICE, SIBLING = CA.issue("alice"), CA.issue("alice")
THUMBPRINT = base64.urlsafe_b64encode(hashlib.sha256(ALICE.der).digest()).rstrip(b"=").decode()


def test_a_token_is_bound_to_exactly_this_certificate(backend):
    claims = {"sub": "alice", "cnf": {"x5t#S256": THUMBPRINT}}
    assert confirm_token_binding(claims, ALICE.certificate) is True
    assert confirm_token_binding(claims, SIBLING.certificate) is False
    assert confirm_token_binding(claims, None) is False
    assert confirm_token_binding({"cnf": {"x5t#S256": THUMBPRINT, "jkt": "other"}}, ALICE.certificate) is True


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"cnf": None},
        {"cnf": THUMBPRINT},
        {"cnf": {}},
        {"cnf": {"jkt": THUMBPRINT}},
        {"cnf": {"x5t#S256": None}},
        {"cnf": {"x5t#S256": ""}},
        {"cnf": {"x5t#S256": THUMBPRINT.encode()}},
        {"cnf": {"x5t#S256": THUMBPRINT + "="}},
        {"cnf": {"x5t#S256": THUMBPRINT.lower()}},
        {"cnf": {"x5t#S256": THUMBPRINT[:-1]}},
        {"cnf": {"x5t#S256": hashlib.sha256(ALICE.der).hexdigest()}},
        {"cnf": {"x5t#S256": "\ud800"}},
        {"x5t#S256": THUMBPRINT},
    ],
)
def test_a_token_that_does_not_say_so_is_bound_to_nothing(backend, claims):
    assert confirm_token_binding(claims, ALICE.certificate) is False


def test_a_session_is_bound_to_exactly_this_certificate(backend):
    session = {}
    assert confirm_session_binding(session, ALICE.certificate) is False
    bind_session(session, ALICE.certificate)
    assert confirm_session_binding(session, ALICE.certificate) is True
    assert confirm_session_binding(session, SIBLING.certificate) is False
    assert confirm_session_binding(session, None) is False
    assert list(session.values()) == [THUMBPRINT]
