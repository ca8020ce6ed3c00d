"""The TLS that `server_context` makes: who gets through the handshake, and who may resume a session."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from clientcert.errors import ConfigurationError
from clientcert.testing import CertificateAuthority
from clientcert.tls import from_ssl_object, server_context

ROOT = CertificateAuthority()
OTHER_ROOT = CertificateAuthority("another CA")
SERVER = ROOT.issue("localhost", sans=["dns:localhost"], server_auth=True)
ALICE = ROOT.issue("alice")
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class Files:
    """What a server has in its file system."""

    def __init__(self, directory):
        self.directory = directory
        self.certfile, self.keyfile = SERVER.write(directory)
        self.ca_certs = self.write("ca.pem", ROOT.pem)

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def server(self, **options):
        return server_context(self.certfile, self.keyfile, **({"ca_certs": self.ca_certs} | options))

    def client(self, issued=None, version=None):
        context = ssl.create_default_context(cadata=ROOT.pem)
        if issued is not None:
            context.load_cert_chain(*issued.write(self.directory))
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def connect(server, client, session=None, server_hostname="localhost"):
    """Both ends of a TLS connection in memory, and the session with which it can be resumed; closed as it should be."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    client_end = client.wrap_bio(to_client, to_server, server_hostname=server_hostname, session=session)
    for step in ("do_handshake", "unwrap"):
        waiting = [getattr(client_end, step), getattr(server_end, step)]
        while waiting:
            action = waiting.pop(0)
            try:
                action()
            except ssl.SSLWantReadError:
                waiting.append(action)
    return server_end, client_end


def certificate_of(server_end):
    certificates = from_ssl_object(server_end).certificates
    return certificates[0] if certificates else None


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_whom_the_authority_certifies_is_let_in(files, required, version):
    server_end, _ = connect(files.server(required=required), files.client(ALICE, version))
    assert certificate_of(server_end) == ALICE.der


def test_a_client_without_a_certificate_is_let_in_where_none_is_required(files):
    server_end, _ = connect(files.server(required=False), files.client())
    assert certificate_of(server_end) is None
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        connect(files.server(), files.client())


@pytest.mark.parametrize(
    "client",
    [
        OTHER_ROOT.issue("alice"),
        ROOT.issue("alice", not_after=datetime(2020, 1, 1, tzinfo=UTC)),
        ROOT.issue("localhost", server_auth=True),
    ],
    ids=["of another authority", "expired", "not for clients"],
)
@pytest.mark.parametrize("required", [True, False])
def test_a_certificate_that_does_not_verify_is_never_let_in(files, client, required):
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(files.server(required=required), files.client(client))


def test_nothing_before_tls_1_2_is_spoken_and_no_connection_gets_a_second_certificate(files):
    context = files.server()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_authorities_may_be_in_a_directory_under_the_names_that_openssl_gives_them(files, tmp_path):
    directory = tmp_path / "authorities"
    directory.mkdir()
    with pytest.raises(ConfigurationError, match="openssl rehash"):
        files.server(ca_certs=directory)
    # X509_NAME_hash: the name in UTF-8 and lower case, without the outer header.
    common_name = x509.NameAttribute(NameOID.COMMON_NAME, "clientcert test ca")
    digest = hashlib.sha1(x509.Name([common_name]).public_bytes()[2:], usedforsecurity=False).digest()
    (directory / f"{int.from_bytes(digest[:4], 'little'):08x}.0").write_text(ROOT.pem)
    server_end, _ = connect(files.server(ca_certs=directory), files.client(ALICE))
    assert certificate_of(server_end) == ALICE.der
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(files.server(ca_certs=directory), files.client(OTHER_ROOT.issue("alice")))


# Resumption


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("option", [0, ssl.OP_NO_TICKET])
def test_sessions_are_resumed_unless_they_are_turned_off_and_not_to_send_tickets_is_not_enough(files, version, option):
    server, client = files.server(), files.client(ALICE, version)
    server.options |= option
    _, first = connect(server, client)
    server_end, second = connect(server, client, first.session)
    assert (second.session_reused, certificate_of(server_end)) == (True, ALICE.der)


def test_without_resumption_every_connection_has_its_own_handshake(files):
    server, client = files.server(resumption=False), files.client(ALICE)
    _, first = connect(server, client)
    _, second = connect(server, client, first.session)
    assert not second.session_reused
    with pytest.raises(ssl.SSLError):
        connect(server, files.client(ALICE, ssl.TLSVersion.TLSv1_2))


@pytest.mark.parametrize("version", VERSIONS)
def test_with_resumption_a_certificate_gets_to_a_virtual_host_whose_authority_never_verified_it(files, version):
    """What `resumption=False` is for. Should this fail, it has been put right elsewhere, and the pages say otherwise."""
    front, client, session = virtual_hosts(files, version, resumption=True)
    server_end, resumed = connect(front, client, session, "other.example")
    assert (resumed.session_reused, certificate_of(server_end)) == (True, ALICE.der)


def test_without_resumption_no_certificate_gets_to_a_virtual_host_whose_authority_did_not_verify_it(files):
    front, client, session = virtual_hosts(files, ssl.TLSVersion.TLSv1_3, resumption=False)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(front, client, session, "other.example")


def virtual_hosts(files, version, *, resumption):
    """The context of ``localhost``, in front of that of ``other.example``, and Alice with her session at the first."""
    front = files.server(resumption=resumption)
    other = files.server(ca_certs=files.write("other.pem", OTHER_ROOT.pem))

    def choose(ssl_object, name, context):
        if name == "other.example":
            ssl_object.context = other

    front.sni_callback = choose
    client = files.client(ALICE, version)
    client.check_hostname = False
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(front, client, None, "other.example")
    _, client_end = connect(front, client)
    return front, client, client_end.session


# Files


def test_a_certificate_and_its_key_may_be_in_one_file(files):
    together = files.write("server.pem", SERVER.chain_pem + SERVER.key_pem)
    server_end, _ = connect(server_context(together, ca_certs=files.ca_certs), files.client(ALICE))
    assert certificate_of(server_end) == ALICE.der


def test_an_encrypted_key_needs_its_password_and_nobody_is_asked_for_it(files):
    key = serialization.load_pem_private_key(SERVER.key_pem.encode(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    files.keyfile = files.write("encrypted.key", encrypted.decode())
    for password in ("secret", b"secret"):
        connect(files.server(password=password), files.client(ALICE))
    with pytest.raises(ConfigurationError, match=r"encrypted\.key: the key is encrypted, and there is no password"):
        files.server()
    with pytest.raises(ConfigurationError, match="another password") as raised:
        files.server(password="guess")
    assert "guess" not in str(raised.value)


@pytest.mark.parametrize("argument", ["certfile", "keyfile", "ca_certs"])
def test_a_file_that_is_not_there_or_not_what_it_should_be_is_named(files, argument):
    setattr(files, argument, files.directory / "missing.pem")
    with pytest.raises(ConfigurationError, match=r"missing\.pem: No such file"):
        files.server()
    setattr(files, argument, files.write("text.pem", "no certificate, and no key"))
    with pytest.raises(ConfigurationError, match=r"text\.pem.*: no certificate"):
        files.server()


def test_a_key_of_another_certificate_is_no_key(files):
    files.keyfile = files.write("other.key", ALICE.key_pem)
    with pytest.raises(ConfigurationError, match=r"other\.key: the key is not that of the certificate"):
        files.server()
