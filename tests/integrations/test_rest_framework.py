"""Django REST framework: its views and permissions, with and without our middleware of Django."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from rest_framework.authentication import SessionAuthentication
from rest_framework.test import APIClient

from clientcert import PRESETS, ClientCertStrategy, Reject
from clientcert.hooks import drain
from clientcert.integrations.rest_framework import ClientCertAuthentication
from clientcert.testing import proxy_headers
from integrations.django_project.urls import Numbers

MIDDLEWARE = "clientcert.integrations.django.middleware.ClientCertMiddleware"


@pytest.fixture(params=[[], [MIDDLEWARE]], ids=["alone", "with the middleware"])
def client(backend, request, users):
    """Make a client of the proxy, for a site with this verify."""
    overrides = []

    def client(verify=lambda certificate: certificate["subject"]["CN"], *, peer="10.0.0.5", **settings):
        strategy = ClientCertStrategy(
            verify, certificate_source="rfc9440", trusted_proxies=["10.0.0.5"], **settings.pop("options", {})
        )
        settings = {"CLIENT_CERT_REQUIRED": False, "MIDDLEWARE": request.param} | settings
        overrides.append(override_settings(CLIENT_CERT_STRATEGY=strategy, **settings))
        overrides[-1].enable()
        return APIClient(REMOTE_ADDR=peer)

    yield client
    for override in reversed(overrides):
        override.disable()


@pytest.fixture
def forwarded(pki):
    return proxy_headers(PRESETS["rfc9440"], pki.acme.certificate)


def test_a_client_with_a_certificate_is_the_user_of_its_name(client, forwarded):
    asked = client()
    assert asked.get("/numbers", headers=forwarded).json() == ["alice", "alice"]
    assert asked.get("/anybody", headers=forwarded).json() == ["alice", False]


def test_a_client_without_one_is_nobody_until_a_permission_asks(client):
    asked = client()
    assert asked.get("/anybody").json() == ["", True]
    response = asked.get("/numbers")
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "ClientCertificate")
    assert response.json() == {"detail": "Authentication credentials were not provided."}


@pytest.mark.parametrize("path", ["/numbers", "/anybody"])
@pytest.mark.parametrize("headers", [{"Client-Cert": ":QQ==:"}, {"Client-Cert-Chain": ":QQ==:"}])
def test_a_certificate_that_is_rejected_is_refused_whatever_the_permission(client, path, headers):
    response = client(options={"include_chain": True}).get(path, headers=headers)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "ClientCertificate")


def test_nobody_but_the_proxy_is_believed(client, forwarded):
    assert client(peer="10.0.0.6").get("/anybody", headers=forwarded).status_code == 401


@pytest.mark.parametrize("status", [401, 403, 418, 500])
def test_a_rejection_has_its_status_and_rest_frameworks_form(client, forwarded, status):
    response = client(lambda _: Reject("secret", status), MIDDLEWARE=[]).get("/anybody", headers=forwarded)
    assert response.status_code == status
    assert response.json() == {"detail": "The client certificate is not authorized."}
    assert ("WWW-Authenticate" in response.headers) is (status == 401)


def test_a_certificate_without_a_user_is_refused(client, pki):
    headers = proxy_headers(PRESETS["rfc9440"], pki.issuer.issue("nobody").certificate)
    assert client().get("/anybody", headers=headers).status_code == 401


def test_each_request_is_authenticated_once(client, forwarded):
    asked = []

    def verify(certificate):
        asked.append(certificate)
        return "alice"

    assert client(verify).get("/numbers", headers=forwarded).status_code == 200
    assert len(asked) == 1


def test_a_request_without_a_certificate_is_decided_once(client):
    decided = []
    options = {"on_rejected": lambda *heard: decided.append(heard)}
    asked = client(options=options)
    assert asked.get("/numbers").status_code == 401
    drain()
    assert len(decided) == 1


def test_behind_another_class_the_answer_is_403(client, forwarded, monkeypatch):
    classes = (SessionAuthentication, ClientCertAuthentication)
    monkeypatch.setattr(Numbers, "authentication_classes", classes)
    asked = client()
    assert asked.get("/anybody", headers=forwarded).json()[0] == "alice"
    assert asked.get("/numbers").status_code == 403


def test_without_the_backend_there_is_no_user(client, forwarded):
    asked = client(AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"])
    with pytest.raises(ImproperlyConfigured, match="wants a ClientCertBackend in AUTHENTICATION_BACKENDS"):
        asked.get("/numbers", headers=forwarded)
