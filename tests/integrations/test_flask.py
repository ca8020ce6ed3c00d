"""Flask: what its own test client, error handlers and views make of the extension."""

from __future__ import annotations

import pytest
from flask import Flask, g, jsonify
from flask.views import MethodView

from clientcert import PRESETS, ClientCertStrategy, ConfigurationError, Reject
from clientcert.integrations.flask import (
    ClientCert,
    client_cert_required,
    current_client_certificate,
    current_client_identity,
)
from clientcert.testing import proxy_headers

PROXY = {"REMOTE_ADDR": "10.0.0.5"}
SPIFFE_ID = "spiffe://cluster.local/ns/prod/sa/web"


def who():
    return [bool(current_client_certificate), g.client_user and str(g.client_user)]


@client_cert_required
def account(name):
    return {"name": name, "certificate": current_client_certificate["fingerprint256"]}


@client_cert_required
async def later():
    return {"user": g.client_user}


class Account(MethodView):
    decorators = (client_cert_required,)

    def post(self):
        return {"user": g.client_user}


def application(verify=lambda certificate: certificate["subject"]["CN"], *, required=True, source="rfc9440", **options):
    app = Flask(__name__)
    app.add_url_rule("/", view_func=who)
    app.add_url_rule("/account/<name>", view_func=account)
    app.add_url_rule("/later", view_func=later)
    app.add_url_rule("/class", view_func=Account.as_view("class"))
    strategy = ClientCertStrategy(verify, certificate_source=source, trusted_proxies=["10.0.0.5"], **options)
    ClientCert(strategy, required=required).init_app(app)
    return app


def client(*args, peer="10.0.0.5", **options):
    asked = application(*args, **options).test_client()
    asked.environ_base["REMOTE_ADDR"] = peer
    return asked


@pytest.fixture
def forwarded(pki, backend):
    return proxy_headers(PRESETS["rfc9440"], pki.acme.certificate)


def test_a_client_with_a_certificate_is_known(forwarded):
    assert client().get("/", headers=forwarded).json == [True, "alice"]


def test_a_policy_makes_the_certificate_the_user(forwarded):
    assert "CN=alice" in client(lambda certificate: True).get("/", headers=forwarded).json[1]


def test_a_client_without_one_is_answered_by_flask_with_a_challenge(backend):
    response = client().get("/")
    assert response.status_code == 401
    assert "<title>401 Unauthorized</title>" in response.text
    assert "<p>A client certificate is required.</p>" in response.text
    assert (response.headers["WWW-Authenticate"], response.headers["Cache-Control"]) == (
        "ClientCertificate",
        "no-store",
    )


@pytest.mark.parametrize("status", [401, 403, 402, 500])
def test_a_rejection_is_answered_with_its_status(forwarded, status):
    response = client(lambda _: Reject("secret", status), required=False).get("/", headers=forwarded)
    assert response.status_code == status
    assert "The client certificate is not authorized." in response.text
    assert "secret" not in response.text
    assert ("WWW-Authenticate" in response.headers) is (status == 401)
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/account/x", "/class", "/nowhere"])
def test_an_error_handler_of_the_application_makes_the_answer_and_the_challenge_stays(backend, path):
    app = application(required=False)
    app.before_request_funcs[None].append(lambda: None)
    app.register_error_handler(401, lambda error: (jsonify(error=error.description), 401))
    ClientCert(ClientCertStrategy(bool, certificate_source="rfc9440", trusted_proxies="*")).init_app(app)
    response = app.test_client().post(path)
    assert (response.status_code, response.json) == (401, {"error": "A client certificate is required."})
    assert response.headers["WWW-Authenticate"] == "ClientCertificate"


def test_nobody_gets_to_what_runs_before_a_request_or_to_a_path_that_is_not_there(backend):
    app, ran = Flask(__name__), []
    app.before_request(lambda: ran.append("before"))
    ClientCert(ClientCertStrategy(bool), app)
    assert app.test_client().get("/nowhere").status_code == 401
    assert ran == []
    assert isinstance(app.extensions["clientcert"], ClientCert)


def test_where_it_is_optional_a_client_without_one_is_a_stranger(forwarded):
    asked = client(required=False)
    assert asked.get("/").json == [False, None]
    assert asked.get("/", headers=forwarded).json == [True, "alice"]
    assert client(required=False, peer="10.0.0.6").get("/", headers=forwarded).status_code == 401
    malformed = forwarded | {"Client-Cert": ":QQ==:"}
    assert asked.get("/", headers=malformed).status_code == 401


def test_where_it_is_optional_a_view_may_require_it(pki, forwarded):
    asked = client(required=False)
    for refused in (asked.get("/account/x"), asked.get("/later"), asked.post("/class")):
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "ClientCertificate")
        assert "A client certificate is required." in refused.text
    fingerprint = pki.acme.certificate["fingerprint256"]
    assert asked.get("/account/x", headers=forwarded).json == {"name": "x", "certificate": fingerprint}
    assert asked.post("/class", headers=forwarded).json == {"user": "alice"}


def test_an_async_view_may_require_it(forwarded):
    assert client(required=False).get("/later", headers=forwarded).json == {"user": "alice"}


def test_an_identity_without_a_certificate_is_one(backend):
    app = application(
        lambda identity: identity.spiffe_id, source="istio", accept_forwarded_identity=True, required=False
    )
    app.add_url_rule("/identity", view_func=lambda: [bool(current_client_certificate), str(current_client_identity)])
    value = f'By=spiffe://cluster.local/ns/x/sa/y;Hash={"ab" * 32};Subject="";URI={SPIFFE_ID}'
    headers = {"X-Forwarded-Client-Cert": value}
    asked = app.test_client()
    assert asked.get("/", headers=headers, environ_base=PROXY).json == [False, SPIFFE_ID]
    assert asked.get("/identity", headers=headers, environ_base=PROXY).json[0] is False
    assert "ab" * 32 in asked.get("/identity", headers=headers, environ_base=PROXY).json[1]


def test_nothing_of_a_request_is_left_for_the_next_one_in_the_same_context(forwarded):
    app = application(required=False)
    app.register_error_handler(401, lambda error: ([g.client_user], 401))
    with app.app_context():
        asked = app.test_client()
        assert asked.get("/", headers=forwarded, environ_base=PROXY).json == [True, "alice"]
        assert asked.get("/", headers=forwarded).json == [None]
        assert asked.get("/", headers=forwarded, environ_base=PROXY).json == [True, "alice"]
        assert asked.get("/", environ_base=PROXY).json == [False, None]


def test_nothing_of_an_outer_layer_is_left(backend):
    outer = {"clientcert.certificate": "forged", "clientcert.user": "admin", "clientcert.refusal": None}
    assert client(required=False).get("/", environ_overrides=outer).json == [False, None]
    assert client(required=False).get("/account/x", environ_overrides=outer).status_code == 401


def test_what_verify_raises_propagates(forwarded):
    def verify(certificate):
        raise LookupError("the directory is down")

    app = application(verify)
    app.testing = True
    with pytest.raises(LookupError, match="the directory is down"):
        app.test_client().get("/", headers=forwarded, environ_base=PROXY)


@pytest.mark.parametrize("used", ["/", "/account/x"])
def test_without_the_extension_nobody_is_known(used):
    app = Flask(__name__)
    app.testing = True
    app.add_url_rule("/", view_func=who)
    app.add_url_rule("/account/<name>", view_func=account)
    with pytest.raises(ConfigurationError, match=r"put ClientCert\(strategy, app\) around the application"):
        app.test_client().get(used)


def test_outside_of_a_request_there_is_no_certificate():
    with application().app_context(), pytest.raises(RuntimeError, match="outside of request context"):
        current_client_certificate["subject"]


def test_callbacks_and_hooks_get_the_environ(forwarded):
    def verify(environ, certificate):
        assert environ["clientcert.certificate"] is certificate
        return environ["PATH_INFO"]

    assert client(verify, pass_request=True).get("/", headers=forwarded).json == [True, "/"]


async def async_verify(certificate):
    return True


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": lambda certificate: True}, "takes a strategy"),
        ({"strategy": ClientCertStrategy(async_verify)}, "WSGI cannot await"),
        ({"strategy": ClientCertStrategy(bool), "tls_source": "auto"}, "tls_source must be one of"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_construction(options, message):
    with pytest.raises(ConfigurationError, match=message):
        ClientCert(**options)
