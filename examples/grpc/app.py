"""A gRPC server that knows its clients by their certificates; plain bytes stand for the messages of a .proto file."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from clientcert import ClientCertStrategy, allow_organization
from clientcert.integrations.grpc import ClientCertInterceptor, client_certificate, client_user

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx (grpc_set_header), write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)


def greet(request: bytes, context: grpc.ServicerContext) -> bytes:
    """Answer anybody, by name if there is a certificate."""
    certificate = client_certificate(context)
    name = certificate["subject"]["CN"] if certificate else "stranger"
    return f"Hello {name}".encode()


def account(request: bytes, context: grpc.ServicerContext) -> bytes:
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = client_user(context)  # a policy makes the certificate the user; verify may return another
    return certificate["fingerprint256"].encode()


def make_server() -> grpc.Server:
    """Return the server, which has no port yet."""
    interceptor = ClientCertInterceptor(strategy, optional_methods=["/example.Accounts/Greet"])
    server = grpc.server(ThreadPoolExecutor(), interceptors=[interceptor])
    methods = {
        "Greet": grpc.unary_unary_rpc_method_handler(greet),
        "Account": grpc.unary_unary_rpc_method_handler(account),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("example.Accounts", methods)])
    return server


if __name__ == "__main__":
    files = [Path(name).read_bytes() for name in ("server.key", "server.pem", "ca.pem")]
    server = make_server()
    server.add_secure_port(
        "127.0.0.1:8443",
        grpc.ssl_server_credentials([(files[0], files[1])], root_certificates=files[2], require_client_auth=True),
    )
    server.start()
    server.wait_for_termination()
