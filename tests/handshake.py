"""TLS in memory: both ends of a connection, without a server."""

from __future__ import annotations

import ssl

import pytest


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, session=None) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """The server's end and the client's, after the handshake."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    client_end = client.wrap_bio(to_client, to_server, server_hostname="localhost", session=session)
    waiting = [client_end, server_end]
    while waiting:
        end = waiting.pop(0)
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(end)
    with pytest.raises(ssl.SSLWantReadError):  # takes the session tickets, which come after a TLS 1.3 handshake
        client_end.read()
    return server_end, client_end
