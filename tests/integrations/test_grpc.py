"""gRPC: every kind of handler under both servers, over TLS and behind a proxy, and the example."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from clientcert import ClientCertStrategy, ConfigurationError, Reject, encode_header
from clientcert.hooks import drain
from clientcert.integrations.grpc import (
    AsyncClientCertInterceptor,
    ClientCertInterceptor,
    GRPCRequest,
    client_certificate,
    client_identity,
    client_user,
)
from clientcert.request import TLSConnection, TransportPeer
from clientcert.tls import from_auth_context
from integrations.examples import load_example
from servers.conftest import PATIENCE

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
REQUIRED = (UNAUTHENTICATED, "A client certificate is required.")
UNTRUSTED = (UNAUTHENTICATED, "The request did not come through a trusted proxy.")
AMBIGUOUS = (UNAUTHENTICATED, "The request has ambiguous headers.")


def by_name(certificate):
    return certificate["subject"]["CN"]


def behind_proxy(verify=by_name, **options):
    options = {
        "trusted_proxies": ["127.0.0.1"],
        "certificate_header": "Client-Cert",
        "header_encoding": "rfc9440",
    } | options
    return ClientCertStrategy(verify, **options)


def who(context):
    certificate, user = client_certificate(context), client_user(context)
    return f"{certificate and certificate['subject']['CN']} {user}".encode()


# Handlers of the four kinds, in each of the forms that gRPC takes


class Plain:
    def unary_unary(self, request, context):
        return who(context)

    def unary_stream(self, request, context):
        for _ in range(2):
            yield who(context)

    def stream_unary(self, requests, context):
        assert list(requests) == [b"1", b"2"]
        return who(context)

    def stream_stream(self, requests, context):
        for _ in requests:
            yield who(context)


class Async:
    async def unary_unary(self, request, context):
        return who(context)

    async def unary_stream(self, request, context):
        for _ in range(2):
            yield who(context)

    async def stream_unary(self, requests, context):
        assert [request async for request in requests] == [b"1", b"2"]
        return who(context)

    async def stream_stream(self, requests, context):
        async for _ in requests:
            yield who(context)


class ReadAndWrite(Async):
    async def unary_stream(self, request, context):
        for _ in range(2):
            await context.write(who(context))

    async def stream_unary(self, requests, context):
        assert [await context.read(), await context.read()] == [b"1", b"2"]
        return who(context)

    async def stream_stream(self, requests, context):
        while await context.read() is not grpc.aio.EOF:
            await context.write(who(context))


KINDS = ["unary_unary", "unary_stream", "stream_unary", "stream_stream"]


def service(handlers):
    methods = {
        kind: getattr(grpc, f"{kind}_rpc_method_handler")(getattr(handlers, kind))
        for kind in KINDS
        if hasattr(handlers, kind)
    }
    return grpc.method_handlers_generic_handler("test.Service", methods)


def add_port(server, pki=None, address="127.0.0.1:0"):
    if pki is None:
        return server.add_insecure_port(address)
    pair = (pki.server_key.read_bytes(), pki.server_certificate.read_bytes())
    credentials = grpc.ssl_server_credentials([pair], pki.ca_certs.read_bytes(), require_client_auth=True)
    return server.add_secure_port(address, credentials)


@contextlib.contextmanager
def serving_plain(handlers, strategy, pki=None, address="127.0.0.1:0", interceptors=(), **options):
    interceptors = [ClientCertInterceptor(strategy, **options), *interceptors]
    server = grpc.server(ThreadPoolExecutor(4), interceptors=interceptors)
    server.add_generic_rpc_handlers([service(handlers)])
    port = add_port(server, pki, address)
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait(PATIENCE)


@contextlib.contextmanager
def serving_async(handlers, strategy, pki=None, address="127.0.0.1:0", interceptors=(), **options):
    started, ports = threading.Event(), []
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve():
        server = grpc.aio.server(interceptors=[AsyncClientCertInterceptor(strategy, **options), *interceptors])
        server.add_generic_rpc_handlers([service(handlers)])
        ports.append(add_port(server, pki, address))
        await server.start()
        started.set()
        await stop.wait()
        await server.stop(None)

    def run():
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    with ThreadPoolExecutor(1) as thread:
        served = thread.submit(run)
        try:
            assert started.wait(PATIENCE)
            yield ports[0]
        finally:
            loop.call_soon_threadsafe(stop.set)
            served.result(PATIENCE)


SERVERS = {
    "plain": (serving_plain, Plain()),
    "async": (serving_async, Async()),
    "async, read and write": (serving_async, ReadAndWrite()),
    "async, plain handlers": (serving_async, Plain()),
}


def client_credentials(pki, client):
    key, chain = (client.key_pem.encode(), client.chain_pem.encode()) if client else (None, None)
    return grpc.ssl_channel_credentials(pki.ca_certs.read_bytes(), key, chain)


def open_channel(port, pki=None, client=None):
    if pki is None:
        return grpc.insecure_channel(port if isinstance(port, str) else f"127.0.0.1:{port}")
    return grpc.secure_channel(f"localhost:{port}", client_credentials(pki, client))


def call(port, pki=None, client=None, kind="unary_unary", method=None, metadata=()):
    """What the client is answered: a message, a list of them, or the status and the text of a refusal."""
    from_stream, to_stream = (part == "stream" for part in kind.split("_"))
    with open_channel(port, pki, client) as channel:
        stub = getattr(channel, kind)(method or f"/test.Service/{kind}")
        try:
            answer = stub(iter([b"1", b"2"]) if from_stream else b"1", metadata=metadata, timeout=PATIENCE)
            return [message.decode() for message in answer] if to_stream else answer.decode()
        except grpc.RpcError as error:
            return error.code(), error.details()


@pytest.fixture(params=SERVERS)
def serving(request):
    """Serve calls: each server with each form of handlers."""
    serve, handlers = SERVERS[request.param]
    return lambda strategy, *args, handlers=handlers, **options: serve(handlers, strategy, *args, **options)


# The four kinds


def test_handlers_of_every_kind_know_who_calls(backend, pki, serving):
    with serving(ClientCertStrategy(by_name), pki) as port:
        answers = {kind: call(port, pki, pki.alice, kind) for kind in KINDS}
    one, two = "alice alice", ["alice alice"] * 2
    assert answers == {"unary_unary": one, "unary_stream": two, "stream_unary": one, "stream_stream": two}


def test_a_refusal_ends_a_call_of_every_kind_in_place_of_its_handler(backend, pki, serving):
    ran = []

    def handler(*args):
        ran.append(args)

    with serving(ClientCertStrategy(lambda _: False), pki) as port:
        answers = [call(port, pki, pki.alice, kind) for kind in KINDS]
    assert answers == [(UNAUTHENTICATED, "The client certificate is not authorized.")] * 4
    for serve in (serving_plain, serving_async):
        handlers = type("Handlers", (), {kind: staticmethod(handler) for kind in KINDS})
        with serve(handlers, ClientCertStrategy(lambda _: False), pki) as port:
            assert {call(port, pki, pki.alice, kind)[0] for kind in KINDS} == {UNAUTHENTICATED}
    assert ran == []


def test_a_refusal_is_no_error_in_the_log(backend, pki, serving, caplog):
    with serving(ClientCertStrategy(lambda _: False), pki) as port:
        for kind in KINDS:
            call(port, pki, pki.alice, kind)
    # grpc.server logs nothing of an abort, and grpc.aio only what is no abort.
    assert [record.message for record in caplog.records if record.name.startswith("grpc")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_handler_does_not_run_where_abort_returns(backend, kind):
    """As it did for them in a `grpc.aio` older than the one that is tested here, where it raises."""
    aborted, ran = [], []
    context = Context()
    context.abort = lambda *status: aborted.append(status)
    handler = getattr(grpc, f"{kind}_rpc_method_handler")(lambda *args: ran.append(args))
    details = types.SimpleNamespace(method="/test.Service/Method")

    async def continuation(details):
        return handler

    interceptor = AsyncClientCertInterceptor(ClientCertStrategy(by_name))
    checked = asyncio.run(interceptor.intercept_service(continuation, details))
    assert list(getattr(checked, kind)(b"", context)) == []
    assert (aborted, ran) == ([REQUIRED], [])


@pytest.mark.parametrize("which", [None, "impostor", "expired"])
def test_without_a_certificate_that_verifies_there_is_no_connection(backend, pki, serving, which):
    with serving(ClientCertStrategy(by_name), pki, required=False) as port:
        status, _ = call(port, pki, which and getattr(pki, which))
    assert status is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, UNAUTHENTICATED),
        (403, grpc.StatusCode.PERMISSION_DENIED),
        (404, grpc.StatusCode.NOT_FOUND),
        (418, grpc.StatusCode.PERMISSION_DENIED),
        (429, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (500, grpc.StatusCode.INTERNAL),
        (503, grpc.StatusCode.UNAVAILABLE),
    ],
)
def test_the_status_of_a_rejection_is_that_of_grpc(backend, pki, serving, status, code):
    with serving(ClientCertStrategy(lambda _: Reject("secret", status)), pki) as port:
        assert call(port, pki, pki.alice) == (code, "The client certificate is not authorized.")


def test_callbacks_get_the_context_with_the_method_and_the_certificate(backend, pki, serving):
    def verify(context, certificate):
        assert client_certificate(context) is certificate
        assert isinstance(context, grpc.ServicerContext)
        assert isinstance(context, grpc.aio.ServicerContext)
        return f"{context.method} {dict(context.invocation_metadata())['tenant']}"

    with serving(ClientCertStrategy(verify, pass_request=True), pki) as port:
        assert call(port, pki, pki.alice, metadata=[("tenant", "7")]) == "alice /test.Service/unary_unary 7"


def test_an_async_verify_is_awaited(backend, pki):
    async def verify(certificate):
        await asyncio.sleep(0)
        return by_name(certificate)

    with serving_async(Async(), ClientCertStrategy(verify), pki) as port:
        assert call(port, pki, pki.alice) == "alice alice"


def test_an_async_verify_needs_handlers_that_can_wait(backend, pki):
    async def verify(certificate):
        return True

    with pytest.raises(ConfigurationError, match=r"use grpc\.aio"):
        ClientCertInterceptor(ClientCertStrategy(verify))
    with serving_async(Plain(), ClientCertStrategy(verify), pki) as port:
        assert call(port, pki, pki.alice)[0] is grpc.StatusCode.UNKNOWN


def test_what_verify_raises_fails_the_call(backend, pki, serving):
    def verify(certificate):
        raise LookupError("the directory is down")

    with serving(ClientCertStrategy(verify), pki) as port:
        status, text = call(port, pki, pki.alice)
    assert status is grpc.StatusCode.UNKNOWN
    assert "the directory is down" in text  # as gRPC has it for every handler


def test_a_method_that_is_not_there_is_unimplemented(backend, serving):
    with serving(behind_proxy()) as port:
        assert call(port, method="/test.Service/None")[0] is grpc.StatusCode.UNIMPLEMENTED


def test_a_hook_hears_of_each_call_once(backend, pki, serving):
    heard = []
    strategy = ClientCertStrategy(
        by_name, on_authenticated=lambda certificate, context: heard.append((by_name(certificate), context.method))
    )
    with serving(strategy, pki) as port:
        for kind in KINDS:
            call(port, pki, pki.alice, kind)
    drain()
    assert heard == [("alice", f"/test.Service/{kind}") for kind in KINDS]


# Optional


def test_where_it_is_optional_a_call_without_a_certificate_goes_on_and_a_rejected_one_does_not(backend, serving):
    with serving(behind_proxy(), required=False) as port:
        assert call(port) == "None None"
        assert call(port, metadata=[("client-cert", ":QQ==:")]) == REQUIRED
        assert call(port, metadata=[("client_cert", "::")]) == AMBIGUOUS


def test_methods_can_be_optional_one_by_one(backend, serving):
    with serving(behind_proxy(), optional_methods=["/test.Service/unary_stream"]) as port:
        assert call(port, kind="unary_stream") == ["None None"] * 2
        assert call(port, kind="unary_unary") == REQUIRED


@pytest.mark.parametrize("methods", ["/test.Service/unary_unary", ["test.Service/unary_unary"]])
def test_optional_methods_are_full_names(methods):
    with pytest.raises(ConfigurationError, match="list of full names"):
        ClientCertInterceptor(behind_proxy(), optional_methods=methods)


def test_an_interceptor_takes_a_strategy():
    with pytest.raises(ConfigurationError, match="takes a strategy, not function"):
        AsyncClientCertInterceptor(by_name)


def test_who_asks_without_an_interceptor_is_told_so():
    with pytest.raises(ConfigurationError, match="no interceptor"):
        client_user(object())


# A header, behind a proxy


def test_the_metadata_of_a_proxy_is_believed_and_of_nobody_else(backend, pki, serving):
    value = encode_header(pki.alice.certificate, "rfc9440")
    forwarded = [("client-cert", value)]
    with serving(behind_proxy()) as port:
        assert call(port, metadata=forwarded) == "alice alice"
        assert call(port) == REQUIRED
        assert call(port, metadata=forwarded * 2) == AMBIGUOUS
        assert call(port, metadata=[*forwarded, ("client_cert", value)]) == AMBIGUOUS
        assert call(port, metadata=[*forwarded, ("client.cert", value)]) == AMBIGUOUS
    with serving(behind_proxy(trusted_proxies=["10.0.0.5"])) as port:
        assert call(port, metadata=forwarded) == UNTRUSTED
        assert call(port, metadata=[*forwarded, ("x-forwarded-for", "10.0.0.5")]) == UNTRUSTED


def test_a_name_that_istio_forwards_is_an_identity(backend, serving):
    strategy = ClientCertStrategy(
        lambda identity: identity.spiffe_id,
        certificate_source="istio",
        accept_forwarded_identity=True,
        trusted_proxies=["127.0.0.1"],
    )
    name = "spiffe://cluster.local/ns/prod/sa/web"
    xfcc = f'By=spiffe://cluster.local/ns/prod/sa/api;Hash={"9c" * 32};Subject="";URI={name}'
    seen = []

    def verify_identity(request, context):
        seen.append(client_identity(context).spiffe_id)
        return who(context)

    handlers = type("Handlers", (), {"unary_unary": staticmethod(verify_identity)})
    with serving(strategy, handlers=handlers) as port:
        assert call(port, metadata=[("x-forwarded-client-cert", xfcc)]) == f"None {name}"
    assert seen == [name]


def test_a_proxy_on_a_unix_socket_is_known_as_one(backend, pki, serving, tmp_path):
    address = f"unix:{tmp_path}/socket"
    metadata = [("client-cert", encode_header(pki.alice.certificate, "rfc9440"))]
    with serving(behind_proxy(trusted_proxies=["unix"]), address=address):
        assert call(address, metadata=metadata) == "alice alice"
    with serving(behind_proxy(), address=address):
        assert call(address, metadata=metadata) == UNTRUSTED


def test_a_proxy_is_known_by_its_ipv6_address(backend, pki, serving):
    metadata = [("client-cert", encode_header(pki.alice.certificate, "rfc9440"))]
    with serving(behind_proxy(trusted_proxies=["::1"]), address="[::1]:0") as port:
        assert call(f"[::1]:{port}", metadata=metadata) == "alice alice"


# What is read from a context


class Context:
    def __init__(self, peer="ipv4:10.0.0.1:49152", properties=None):
        self._peer, self._properties = peer, properties or {}

    def peer(self):
        return self._peer

    def auth_context(self):
        return self._properties


@pytest.mark.parametrize(
    ("text", "kind", "host"),
    [
        ("ipv4:10.0.0.1:49152", "ip", "10.0.0.1"),
        ("ipv6:%5B2001:db8::1%5D:49152", "ip", "2001:db8::1"),
        ("ipv6:[2001:db8::1]:49152", "ip", "2001:db8::1"),
        ("ipv6:%5Bfe80::1%25eth0%5D:49152", "ip", "fe80::1"),
        ("unix:", "unix", None),
        ("unix:/run/client.socket", "unix", None),
        ("vsock:2:49152", "unknown", None),
        ("unknown", "unknown", None),
        ("", "unknown", None),
    ],
)
def test_the_peer_is_what_grpc_says(text, kind, host):
    assert GRPCRequest(Context(text)).peer == TransportPeer(kind, host, authoritative=True)


def test_the_connection_has_the_certificate_and_the_chain_that_the_client_sent(backend, pki):
    context = {
        "transport_security_type": [b"ssl"],
        "x509_subject": [b"CN=alice"],
        "x509_pem_cert": [pki.alice.pem.encode()],
        "x509_pem_cert_chain": [pki.issuer.pem.encode()],
    }
    known = TLSConnection(authorized=True, certificates=(pki.alice.der, pki.issuer.der))
    assert GRPCRequest(Context(properties=context)).tls() == known
    leaf = TLSConnection(authorized=True, certificates=(pki.alice.der,))
    assert from_auth_context({**context, "x509_pem_cert_chain": []}) == leaf
    assert from_auth_context({**context, "x509_pem_cert_chain": [b"damaged"]}) == leaf
    not_retrievable = TLSConnection(authorized=True)
    assert from_auth_context({**context, "x509_pem_cert": [b"damaged"]}) == not_retrievable
    assert from_auth_context({**context, "x509_pem_cert": context["x509_pem_cert"] * 2}) == not_retrievable
    assert from_auth_context({**context, "x509_pem_cert": [pki.alice.chain_pem.encode()]}) == not_retrievable
    assert from_auth_context({**context, "x509_pem_cert": []}) == not_retrievable
    assert from_auth_context({"transport_security_type": [b"ssl"]}) == TLSConnection(authorized=False)


@pytest.mark.parametrize("kinds", [[], [b"insecure"], [b"local"], [b"alts"], [b"ssl", b"local"]])
def test_what_is_no_tls_has_no_certificate(backend, pki, kinds):
    context = {"transport_security_type": kinds, "x509_pem_cert": [pki.alice.pem.encode()]}
    assert from_auth_context(context) is None


def test_the_chain_of_a_connection_is_there(backend, pki):
    seen = []

    def handler(request, context):
        seen.append([certificate["raw"] for certificate in client_certificate(context).chain])
        return b""

    handlers = type("Handlers", (), {"unary_unary": staticmethod(handler)})
    with serving_plain(handlers, ClientCertStrategy(by_name, include_chain=True), pki) as port:
        call(port, pki, pki.alice)
    assert seen == [[pki.alice.der, pki.issuer.der]]


def test_an_interceptor_behind_ours_may_wrap_the_context_again(backend, pki):
    class Wrapped:
        def __init__(self, context):
            self._context = context

        def __getattr__(self, name):
            return getattr(self._context, name)

    class Interceptor(grpc.ServerInterceptor):
        def intercept_service(self, continuation, details):
            handler = continuation(details)
            return grpc.unary_unary_rpc_method_handler(
                lambda request, context: handler.unary_unary(request, Wrapped(context))
            )

    with serving_plain(Plain(), ClientCertStrategy(by_name), pki, interceptors=[Interceptor()]) as port:
        assert call(port, pki, pki.alice) == "alice alice"


def test_a_thread_pool_of_the_handlers_own_is_kept(backend, pki):
    threads = []

    def handler(request, context):
        threads.append(threading.current_thread().name)
        return b""

    with ThreadPoolExecutor(1, thread_name_prefix="own") as pool:
        handler.experimental_thread_pool = pool
        handlers = type("Handlers", (), {"unary_unary": staticmethod(handler)})
        with serving_plain(handlers, ClientCertStrategy(by_name), pki) as port:
            call(port, pki, pki.alice)
    assert threads == ["own_0"]


# The example


@contextlib.contextmanager
def serving_example(pki=None, **strategy):
    server = load_example("grpc", **strategy).make_server()
    port = add_port(server, pki)
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait(PATIENCE)


GREET, ACCOUNT = "/example.Accounts/Greet", "/example.Accounts/Account"


def test_the_example_knows_its_clients(backend, pki):
    with serving_example(pki) as port:
        assert call(port, pki, pki.acme, method=GREET) == "Hello alice"
        assert call(port, pki, pki.acme, method=ACCOUNT) == pki.acme.certificate["fingerprint256"]
        refused = (UNAUTHENTICATED, "The client certificate is not authorized.")
        assert [call(port, pki, pki.alice, method=method) for method in (GREET, ACCOUNT)] == [refused] * 2
        for stranger in (None, pki.impostor, pki.expired):
            assert call(port, pki, stranger, method=GREET)[0] is grpc.StatusCode.UNAVAILABLE


def test_the_example_behind_a_proxy_believes_the_proxy_alone(backend, pki):
    value = encode_header(pki.acme.certificate, "url-pem")
    proxied = [("x-ssl-client-cert", value), ("x-ssl-client-verify", "SUCCESS")]
    with serving_example(certificate_source="nginx", trusted_proxies=["127.0.0.1"]) as port:
        assert call(port, method=GREET, metadata=proxied) == "Hello alice"
        assert call(port, method=GREET) == "Hello stranger"
        assert call(port, method=ACCOUNT) == REQUIRED
        assert call(port, method=GREET, metadata=[*proxied, proxied[0]]) == AMBIGUOUS
    with serving_example(certificate_source="nginx", trusted_proxies=["10.0.0.5"]) as port:
        assert call(port, method=GREET, metadata=proxied) == UNTRUSTED


def test_calls_at_the_same_time_never_mix_up_their_clients(backend, pki, serving):
    names = [f"client {number}" for number in range(10)]
    clients = [pki.issuer.issue(name) for name in names]

    def ask_ten_times(client):
        with open_channel(port, pki, client) as channel:
            stub = channel.unary_unary("/test.Service/unary_unary")
            return [stub(b"1", timeout=PATIENCE).decode() for _ in range(10)]

    with serving(ClientCertStrategy(by_name), pki) as port, ThreadPoolExecutor(len(names)) as threads:
        answers = list(threads.map(ask_ten_times, clients))
    assert answers == [[f"{name} {name}"] * 10 for name in names]
