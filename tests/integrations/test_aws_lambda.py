"""AWS Lambda: events as AWS documents them, of API Gateway in both formats and of a load balancer in both forms."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from clientcert import PRESETS, ClientCertStrategy, ConfigurationError, Reject
from clientcert.integrations.aws_lambda import LambdaRequest, with_client_certificate
from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import proxy_headers
from integrations.examples import load_example

HEADER = "X-Amzn-Mtls-Clientcert-Leaf"
REQUIRED = "A client certificate is required.\n"


def client_cert(issued):
    """What API Gateway says of a client; the strings beside the certificate are its own."""
    return {
        "clientCertPem": issued.pem,
        "subjectDN": "CN=somebody else",
        "issuerDN": "CN=Example issuer",
        "serialNumber": "a1:a1:a1:a1",
        "validity": {"notBefore": "May 28 12:30:02 2019 GMT", "notAfter": "Aug  5 09:36:04 2021 GMT"},
    }


def rest_api(issued=None, **headers):
    identity = {"sourceIp": "192.0.2.1", "userAgent": "agent"}
    return {
        "resource": "/account",
        "path": "/account",
        "httpMethod": "GET",
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "requestContext": {"identity": identity | ({"clientCert": client_cert(issued)} if issued else {})},
        "body": None,
        "isBase64Encoded": False,
    }


def http_api_1(issued=None, **headers):
    return {"version": "1.0", **rest_api(issued, **headers)}


def http_api_2(issued=None, **headers):
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/account",
        "headers": {name.lower(): ",".join(values) for name, values in headers.items()},
        "requestContext": {
            "authentication": {"clientCert": client_cert(issued)} if issued else None,
            "http": {"method": "GET", "path": "/account", "sourceIp": "192.0.2.1"},
        },
        "isBase64Encoded": False,
    }


ELB = {"requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1"}}}


def alb(**headers):
    last = {name.lower(): values[-1] for name, values in headers.items()}
    return {**ELB, "httpMethod": "GET", "path": "/account", "headers": last, "body": "", "isBase64Encoded": False}


def alb_multi_value(**headers):
    event = alb() | {"multiValueHeaders": {name.lower(): values for name, values in headers.items()}}
    del event["headers"]
    return event


API_GATEWAY = [rest_api, http_api_1, http_api_2]
ALB = [alb, alb_multi_value]


def by_name(certificate):
    return certificate["subject"]["CN"]


def who(event, context):
    certificate = event["client_certificate"]
    return certificate and by_name(certificate), event["client_user"], event["client_identity"]


def behind_alb(verify=by_name, **options):
    return ClientCertStrategy(verify, certificate_source="aws-alb-verify", trusted_proxies="*", **options)


def ask(event, strategy=None, invoker="api-gateway", handler=who, **options):
    decorate = with_client_certificate(strategy or ClientCertStrategy(by_name), invoker=invoker, **options)
    return decorate(handler)(copy.deepcopy(event), "the context")


def forwarded(issued):
    """The headers that a load balancer sets, as events have them."""
    headers = proxy_headers(PRESETS["aws-alb-verify"], issued.certificate)
    return {name: [value] for name, value in headers.items()}


# API Gateway


@pytest.mark.parametrize("event", API_GATEWAY)
def test_the_certificate_is_the_one_that_api_gateway_has_verified(backend, pki, event):
    assert ask(event(pki.alice)) == ("alice", "alice", None)


@pytest.mark.parametrize("event", API_GATEWAY)
def test_without_a_certificate_the_answer_is_a_refusal_in_the_shape_of_the_event(backend, event):
    answer = ask(event(), handler=None)
    headers = answer.pop("headers", None) or {name: value for name, (value,) in answer.pop("multiValueHeaders").items()}
    assert answer == {"statusCode": 401, "body": REQUIRED, "isBase64Encoded": False}
    assert (headers["www-authenticate"], headers["cache-control"]) == ("ClientCertificate", "no-store")


def test_multi_value_headers_are_answered_with_those(backend):
    assert {event.__name__: "multiValueHeaders" in ask(event(), handler=None) for event in API_GATEWAY} == {
        "rest_api": True,
        "http_api_1": True,
        "http_api_2": False,
    }


@pytest.mark.parametrize("event", API_GATEWAY)
def test_where_it_is_optional_an_event_without_a_certificate_goes_on_and_a_rejected_one_does_not(backend, pki, event):
    assert ask(event(), required=False) == (None, None, None)
    assert ask(event(pki.expired), required=False)["statusCode"] == 401
    assert ask(event(pki.alice), ClientCertStrategy(lambda _: Reject(status=403)), required=False)["statusCode"] == 403


@pytest.mark.parametrize("pem", [None, "", "damaged", 7])
@pytest.mark.parametrize("event", API_GATEWAY)
def test_a_certificate_that_cannot_be_read_is_a_server_error(backend, pki, event, pem):
    damaged = event(pki.alice)
    context = damaged["requestContext"]
    (context.get("authentication") or context["identity"])["clientCert"]["clientCertPem"] = pem
    assert ask(damaged, required=False)["statusCode"] == 500


@pytest.mark.parametrize("event", API_GATEWAY)
def test_two_certificates_or_an_empty_entry_are_a_server_error(backend, pki, event):
    for entry in ({"clientCertPem": pki.alice.pem * 2}, {}):
        damaged = event(pki.alice)
        context = damaged["requestContext"]
        (context.get("authentication") or context["identity"])["clientCert"] = entry
        assert ask(damaged, required=False)["statusCode"] == 500


@pytest.mark.parametrize("event", API_GATEWAY)
def test_headers_that_a_client_writes_are_no_certificate(backend, pki, event):
    headers = forwarded(pki.alice)
    assert ask(event(**headers), required=False) == (None, None, None)
    with pytest.raises(ConfigurationError, match="not one of alb"):
        ask(event(**headers), behind_alb(), invoker="alb")


@pytest.mark.parametrize("event", API_GATEWAY)
def test_what_stands_in_the_event_before_does_not_survive(backend, event):
    forged = event() | {
        "client_certificate": {"subject": {"CN": "admin"}},
        "client_user": "admin",
        "client_identity": 1,
    }
    assert ask(forged, required=False) == (None, None, None)


@pytest.mark.parametrize("event", API_GATEWAY)
def test_the_peer_is_what_connected_to_api_gateway(event):
    assert LambdaRequest(event(), "api-gateway").peer == TransportPeer("ip", "192.0.2.1", authoritative=True)


def test_repeated_lines_are_apart_where_the_event_has_them_apart():
    headers = {"X-A": ["1", "2"], "X_A": ["3"]}
    for event, invoker in ((rest_api, "api-gateway"), (alb_multi_value, "alb")):
        request = LambdaRequest(event(**headers), invoker)
        assert list(request.header_lines({b"x-a"})) == [(b"x-a", b"1"), (b"x-a", b"2"), (b"x_a", b"3")]
        assert request.preserves_names
    for event, invoker in ((http_api_2, "api-gateway"), (alb, "alb")):
        assert not LambdaRequest(event(**headers), invoker).preserves_names


# A load balancer


@pytest.mark.parametrize("event", ALB)
def test_the_header_of_a_load_balancer_is_read(backend, pki, event):
    assert ask(event(**forwarded(pki.alice)), behind_alb(), "alb") == ("alice", "alice", None)


def test_a_load_balancer_is_answered_in_its_shape(backend):
    answer = ask(alb(), behind_alb(), "alb", handler=None)
    assert (answer["statusCode"], answer["statusDescription"]) == (401, "401 Unauthorized")
    assert answer["headers"]["content-type"] == "text/plain; charset=utf-8"
    answer = ask(alb_multi_value(), behind_alb(), "alb", handler=None)
    assert answer["multiValueHeaders"]["content-type"] == ["text/plain; charset=utf-8"]
    assert "headers" not in answer


def test_a_doubled_header_is_refused_where_the_event_shows_it(backend, pki):
    headers = forwarded(pki.alice)
    answer = ask(alb_multi_value(**headers | {HEADER: headers[HEADER] * 2}), behind_alb(), "alb", handler=None)
    assert answer["body"] == "The request has ambiguous headers.\n"
    answer = ask(alb(**headers, **{HEADER.replace("-", "_"): headers[HEADER]}), behind_alb(), "alb", handler=None)
    assert answer["body"] == "The request has ambiguous headers.\n"


@pytest.mark.parametrize("event", ALB)
def test_a_load_balancer_has_no_address_and_no_connection(backend, pki, event):
    request = LambdaRequest(event(), "alb")
    assert (request.peer, request.tls()) == (TransportPeer("unknown"), None)
    strategy = ClientCertStrategy(by_name, certificate_source="aws-alb-verify", trusted_proxies=["10.0.0.0/8"])
    answer = ask(event(**forwarded(pki.alice)), strategy, "alb", handler=None)
    assert answer["body"] == "The request did not come through a trusted proxy.\n"


@pytest.mark.parametrize("name", ["x-amzn-mtls-\udcffclientcert-leaf", "\u212a"])
def test_text_that_no_header_can_have_is_none(backend, name):
    assert ask(alb(**{name: ["\ud800"]}), behind_alb(), "alb", required=False) == (None, None, None)


@pytest.mark.parametrize("event", ALB)
def test_an_event_of_a_load_balancer_is_none_of_api_gateway(backend, pki, event):
    forged = event(**forwarded(pki.alice))
    with pytest.raises(ConfigurationError, match="not one of api-gateway"):
        ask(forged)


@pytest.mark.parametrize(("invoker", "strategy"), [("api-gateway", None), ("alb", behind_alb())])
@pytest.mark.parametrize(
    "event", [{}, {"requestContext": None}, {"version": "2.0", "requestContext": {"identity": {}}}, {"Records": []}]
)
def test_an_event_of_another_kind_is_an_error(backend, event, invoker, strategy):
    with pytest.raises(ConfigurationError, match="another trigger"):
        ask(event, strategy, invoker)


# The decorator


def test_a_name_that_is_forwarded_is_an_identity(backend):
    strategy = ClientCertStrategy(
        lambda identity: identity.spiffe_id,
        certificate_source="istio",
        accept_forwarded_identity=True,
        trusted_proxies=["192.0.2.1"],
    )
    name = "spiffe://cluster.local/ns/prod/sa/web"
    xfcc = f'By=spiffe://cluster.local/ns/prod/sa/api;Hash={"9c" * 32};Subject="";URI={name}'
    certificate, user, identity = ask(rest_api(**{"X-Forwarded-Client-Cert": [xfcc]}), strategy)
    assert (certificate, user, identity.spiffe_id) == (None, name, name)


def test_callbacks_get_the_event_with_the_certificate(backend, pki):
    def verify(event, certificate):
        assert event["client_certificate"] is certificate
        return f"{event['path']} {by_name(certificate)}"

    assert ask(rest_api(pki.alice), ClientCertStrategy(verify, pass_request=True))[1] == "/account alice"


def test_hooks_have_run_before_lambda_freezes_the_process(backend, pki):
    release, heard = threading.Event(), []

    def on_authenticated(certificate, event):
        release.wait()
        heard.append(by_name(certificate))

    def handler(event, context):
        release.set()  # the hook does not hold up the handler
        raise LookupError("the directory is down")

    with pytest.raises(LookupError):
        ask(rest_api(pki.alice), ClientCertStrategy(by_name, on_authenticated=on_authenticated), handler=handler)
    assert heard == ["alice"]


def test_a_decorator_takes_a_plain_strategy_and_an_invoker():
    async def verify(certificate):
        return True

    with pytest.raises(ConfigurationError, match="cannot await"):
        with_client_certificate(ClientCertStrategy(verify), invoker="alb")
    with pytest.raises(ConfigurationError, match="takes a strategy"):
        with_client_certificate(by_name, invoker="alb")
    with pytest.raises(ConfigurationError, match="'api-gateway', 'alb'"):
        with_client_certificate(behind_alb(), invoker="apigw")


def test_a_strategy_that_reads_no_header_is_refused_for_a_load_balancer():
    with pytest.raises(ConfigurationError, match='certificate_source="aws-alb-verify"'):
        with_client_certificate(ClientCertStrategy(by_name), invoker="alb")


def test_a_strategy_that_believes_any_header_is_refused_for_an_api_gateway():
    anyone = ClientCertStrategy(by_name, certificate_source="aws-alb-verify", trusted_proxies="*")
    with pytest.raises(ConfigurationError, match="clients write the headers"):
        with_client_certificate(anyone, invoker="api-gateway")


def test_a_handler_gets_the_context_and_keeps_its_name(backend, pki):
    def handler(event, context):
        return context

    assert ask(rest_api(pki.alice), handler=handler) == "the context"
    assert with_client_certificate(behind_alb(), invoker="alb")(handler).__name__ == "handler"


def test_what_is_read_from_an_endpoint_without_mutual_tls_is_no_certificate():
    assert LambdaRequest(rest_api(), "api-gateway").tls() == TLSConnection(authorized=False)


# The example


def test_the_example_knows_its_clients(backend, pki):
    example = load_example("aws_lambda")
    assert example.greet(http_api_2(pki.acme), None)["body"] == "Hello alice\n"
    assert example.greet(http_api_2(), None)["body"] == "Hello stranger\n"
    assert example.greet(http_api_2(pki.alice), None)["statusCode"] == 401
    assert example.account(http_api_2(pki.acme), None)["body"] == pki.acme.certificate["fingerprint256"]
    assert example.account(http_api_2(), None)["statusCode"] == 401


def test_invocations_at_the_same_time_never_mix_up_their_clients(backend, pki):
    names = [f"client {number}" for number in range(10)]
    events = [rest_api(pki.issuer.issue(name)) for name in names] * 10
    strategy = ClientCertStrategy(by_name)
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda event: ask(event, strategy), events))
    assert answers == [(name, name, None) for name in names] * 10
