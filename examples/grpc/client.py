"""Calls the server as Alice, over TLS with her certificate."""

from pathlib import Path

import grpc

if __name__ == "__main__":
    authority, key, certificate = (Path(name).read_bytes() for name in ("ca.pem", "alice.key", "alice.pem"))
    credentials = grpc.ssl_channel_credentials(authority, key, certificate)
    with grpc.secure_channel("localhost:8443", credentials) as channel:
        for method in ("/example.Accounts/Greet", "/example.Accounts/Account"):
            print(channel.unary_unary(method)(b"", timeout=30).decode())
