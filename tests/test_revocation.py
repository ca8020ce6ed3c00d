"""The status of certificates: lists and OCSP responses, each with one thing wrong, on both backends."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

import pki
from backends import BACKENDS
from clientcert import (
    PRESETS,
    Check,
    ClientCertStrategy,
    ConfigurationError,
    DecodeError,
    RejectionReason,
    ValidationError,
    reload,
)
from clientcert.ocsp_fetcher import OCSPFetcher
from clientcert.revocation import OCSPResponses, RevocationLists
from clientcert.testing import proxy_headers
from clientcert.validation import TrustAnchors
from fake_request import FakeRequest
from pki import DAY, NOW, authority, client, presented, revocation_list, scope

pytestmark = pytest.mark.usefixtures("backend")

ROOT = authority("root")
MIDDLE = authority("middle", ROOT)
OTHER = authority("other")
SERIAL = 0x80FF  # whose INTEGER begins with a zero
CRL_URI = [x509.UniformResourceIdentifier("http://crl.example.org/1")]
SPKI = ec.generate_private_key(ec.SECP256R1())


def alice(issuer=ROOT, **fields):
    return client("alice", issuer, **({"serial_number": SERIAL} | fields))


def status(leaf, *between, **options):
    """Return None for a certificate that is good, else the reason and the detail."""
    anchors = TrustAnchors(ROOT.x509, **options)
    try:
        anchors.validate(presented(leaf, *between))
    except ValidationError as error:
        return error.reason, error.detail
    return None


def by_lists(*lists, leaf=None, **options):
    return status(leaf or alice(), revocation=RevocationLists(lists, **options))


def test_a_certificate_is_revoked_if_its_issuers_list_has_it_and_good_if_not():
    assert by_lists(revocation_list(ROOT, [1, 2])) is None
    assert by_lists(revocation_list(ROOT)) is None
    assert by_lists(revocation_list(ROOT, [1, SERIAL]))[0] == RejectionReason.REVOKED
    assert by_lists(revocation_list(ROOT), revocation_list(ROOT, [SERIAL]))[0] == RejectionReason.REVOKED


def test_a_reason_in_an_entry_changes_nothing():
    entry = [(x509.CRLReason(x509.ReasonFlags.certificate_hold), False)]
    assert by_lists(revocation_list(ROOT, [SERIAL], entry_extensions=entry))[0] == RejectionReason.REVOKED


UNKNOWN = {
    "a list of another issuer": (lambda: revocation_list(OTHER), "of its issuer"),
    "a list of another CA of that name": (lambda: revocation_list(authority("root")), "has signed no list"),
    "a list that another key has signed": (lambda: revocation_list(ROOT, signing_key=SPKI), "has signed no list"),
    "a list signed with SHA-224": (lambda: revocation_list(ROOT, algorithm=hashes.SHA224()), "has signed no list"),
    "a list past its nextUpdate": (
        lambda: revocation_list(ROOT, this_update=NOW - 3 * DAY, next_update=NOW - DAY),
        "no list of revocations of its issuer is current",
    ),
    "a list of tomorrow": (
        lambda: revocation_list(ROOT, this_update=NOW + DAY, next_update=NOW + 2 * DAY),
        "no list of revocations of its issuer is current",
    ),
    "a list of CAs": (
        lambda: revocation_list(ROOT, extensions=[scope(only_contains_ca_certs=True)]),
        "of its issuer, and for it",
    ),
    "a list for a distribution point that it does not name": (
        lambda: revocation_list(ROOT, extensions=[scope(full_name=CRL_URI)]),
        "of its issuer, and for it",
    ),
}


@pytest.mark.parametrize(("crl", "detail"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_list_that_says_nothing_of_a_certificate_makes_it_unknown(crl, detail):
    reason, found = by_lists(crl())
    assert reason == RejectionReason.REVOCATION_UNKNOWN
    assert detail in found


def test_an_issuer_that_may_not_sign_lists_has_none():
    issuer = authority("certificates", ROOT, usage=("key_cert_sign",))
    lists = RevocationLists([revocation_list(ROOT), revocation_list(issuer)])
    reason, detail = status(alice(issuer), issuer, revocation=lists)
    assert reason == RejectionReason.REVOCATION_UNKNOWN
    assert "may not sign lists" in detail


def test_a_list_for_a_distribution_point_counts_for_the_certificates_that_name_it():
    point = x509.DistributionPoint(CRL_URI, None, None, None)
    leaf = alice(extra=[(x509.CRLDistributionPoints([point]), False)])
    extensions = [scope(full_name=CRL_URI, only_contains_user_certs=True)]
    assert by_lists(revocation_list(ROOT, extensions=extensions), leaf=leaf) is None
    revoked = by_lists(revocation_list(ROOT, [SERIAL], extensions=extensions), leaf=leaf)
    assert revoked[0] == RejectionReason.REVOKED


def test_a_list_of_clients_says_nothing_of_a_ca():
    lists = [revocation_list(MIDDLE), revocation_list(ROOT, extensions=[scope(only_contains_user_certs=True)])]
    reason, _ = status(alice(MIDDLE), MIDDLE, revocation=RevocationLists(lists))
    assert reason == RejectionReason.REVOCATION_UNKNOWN


def test_each_certificate_of_the_path_is_asked_for_but_the_anchor():
    leaf = alice(MIDDLE)
    of_middle, of_root = revocation_list(MIDDLE), revocation_list(ROOT)
    assert status(leaf, MIDDLE, revocation=RevocationLists([of_middle, of_root])) is None
    reason, _ = status(leaf, MIDDLE, revocation=RevocationLists(of_middle))
    assert reason == RejectionReason.REVOCATION_UNKNOWN
    assert status(leaf, MIDDLE, revocation=RevocationLists(of_middle), check_intermediates=False) is None
    revoked = revocation_list(ROOT, [MIDDLE.x509.serial_number])
    reason, _ = status(leaf, MIDDLE, revocation=RevocationLists([of_middle, revoked]))
    assert reason == RejectionReason.REVOKED


def test_a_stale_list_counts_only_where_that_is_allowed_and_as_long_as_there_is_no_newer_one():
    old = revocation_list(ROOT, [SERIAL], this_update=NOW - 5 * DAY, next_update=NOW - 4 * DAY)
    newer = revocation_list(ROOT, this_update=NOW - 3 * DAY, next_update=NOW - 2 * DAY)
    assert by_lists(old)[0] == RejectionReason.REVOCATION_UNKNOWN
    assert by_lists(old, stale="allow")[0] == RejectionReason.REVOKED
    assert by_lists(old, newer, stale="allow") is None
    assert by_lists(newer, stale="fail")[0] == RejectionReason.REVOCATION_UNKNOWN


REFUSED = {
    "a delta list": ({"extensions": [(x509.DeltaCRLIndicator(1), True)]}, "is a delta list"),
    "an indirect list": ({"extensions": [scope(indirect_crl=True)]}, "is an indirect list"),
    "a list for some reasons": (
        {"extensions": [scope(only_some_reasons=frozenset([x509.ReasonFlags.key_compromise]))]},
        "for some reasons",
    ),
    "a list of attribute certificates": (
        {"extensions": [scope(only_contains_attribute_certs=True)]},
        "attribute certificates",
    ),
    "a distribution point in relation to its issuer": (
        {"extensions": [scope(relative_name=x509.RelativeDistinguishedName(pki.name("a")))]},
        "in relation to its issuer",
    ),
    "an unknown critical extension": ({"extensions": [pki.unknown_extension(critical=True)]}, "critical extension"),
    "an extension that cannot be read": (
        {"extensions": [(x509.UnrecognizedExtension(x509.CRLNumber.oid, b"\x05\x00"), False)]},
        "extensions that cannot be read",
    ),
    "an entry of another issuer": (
        {
            "serials": [1],
            "entry_extensions": [(x509.CertificateIssuer([x509.DirectoryName(OTHER.x509.subject)]), True)],
        },
        "is an indirect list",
    ),
    "an entry with an unknown critical extension": (
        {"serials": [1], "entry_extensions": [pki.unknown_extension(critical=True)]},
        "entries that are not known",
    ),
}


@pytest.mark.parametrize(("fields", "message"), REFUSED.values(), ids=REFUSED)
def test_a_list_that_cannot_be_read_as_it_is_meant_is_refused_when_it_is_loaded(fields, message, tmp_path):
    path = tmp_path / "list.crl"
    path.write_bytes(revocation_list(ROOT, **fields))
    with pytest.raises(ConfigurationError, match=message) as error:
        RevocationLists(path)
    assert "list.crl" in str(error.value)


def pem(*ders):
    return b"".join(x509.load_der_x509_crl(der).public_bytes(Encoding.PEM) for der in ders)


def test_lists_come_from_files_directories_and_bytes(tmp_path):
    good, revoked = revocation_list(OTHER), revocation_list(ROOT, [SERIAL])
    (tmp_path / "both.pem").write_bytes(pem(good, revoked))  # a file may have several
    (tmp_path / "one.crl").write_bytes(revoked)
    (tmp_path / "README").write_text("nothing")
    for source in (tmp_path, tmp_path / "both.pem", str(tmp_path / "one.crl"), revoked, pem(revoked)):
        assert status(alice(), revocation=RevocationLists(source))[0] == RejectionReason.REVOKED


def test_a_directory_in_a_directory_is_no_list(tmp_path):
    (tmp_path / "old.crl").mkdir()
    with pytest.raises(ConfigurationError, match=r"old\.crl' is a directory in a directory"):
        RevocationLists(tmp_path)


def test_sources_that_cannot_be_meant_are_refused(tmp_path):
    whole = pem(revocation_list(ROOT))
    for source, message in [
        ([], "are files"),
        ([1], "are files"),
        (b"nothing", "not a list"),
        (ROOT.pem, "not a whole X509 CRL"),
        (whole + whole[:-20], "not a whole X509 CRL"),
        (tmp_path, "there is no list"),
        (tmp_path / "missing.crl", "missing.crl"),
    ]:
        with pytest.raises(ConfigurationError, match=message):
            RevocationLists(source)
    with pytest.raises(ConfigurationError, match="stale must be"):
        RevocationLists(whole, stale="never")


def test_a_list_without_next_update_is_refused():
    der = revocation_list(ROOT)
    update = x509.load_der_x509_crl(der).next_update_utc.strftime("%y%m%d%H%M%SZ").encode()
    at = der.index(b"\x17\x0d" + update)
    shorter = bytearray(der[:at] + der[at + 15 :])
    start = 4 if shorter[1] == 0x82 else 3
    _shorten(shorter, 0)
    _shorten(shorter, start)
    with pytest.raises(ConfigurationError, match="nextUpdate"):
        RevocationLists(bytes(shorter))


def _shorten(der, at):
    """Take the 15 bytes of a time from the length at ``at``, which stays as long as it is."""
    size = der[at + 1] & 0x7F if der[at + 1] > 0x80 else 0
    span = slice(at + 2, at + 2 + size) if size else slice(at + 1, at + 2)
    der[span] = (int.from_bytes(der[span]) - 15).to_bytes(size or 1)


def test_a_verdict_never_outlives_a_list(monkeypatch):
    monkeypatch.setattr("clientcert.validation.time.time", NOW.timestamp)  # however long the tests before took
    soon = NOW + timedelta(minutes=5)
    anchors = TrustAnchors(ROOT.x509, revocation=RevocationLists(revocation_list(ROOT, next_update=soon)))
    certificate = presented(alice())
    assert anchors.validate(certificate).valid_until == int(soon.timestamp())
    monkeypatch.setattr("clientcert.validation.time.time", (soon + timedelta(seconds=1)).timestamp)
    with pytest.raises(ValidationError, match="revocation_unknown"):
        anchors.validate(certificate)


# The entries.


def elements(tag, *parts):
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + len(content).to_bytes(size) + content


DATE = elements(0x17, b"260101000000Z")


def entry(serial, *extensions):
    return elements(0x30, elements(2, serial), DATE, *([elements(0x30, *extensions)] if extensions else []))


def unsigned_list(*entries, before=b"\x30\0\x30\0" + DATE + DATE, after=b""):
    return elements(0x30, elements(0x30, before, elements(0x30, *entries), after), b"\x30\0\x03\x01\0")


def test_the_entries_of_a_list_are_found_by_the_bytes_of_their_serial_numbers(backend):
    revoked = BACKENDS[backend].RevokedSerials(unsigned_list(entry(b"\x01"), entry(b"\x00\x80"), entry(b"\x01")))
    assert len(revoked) == 2
    assert b"\x01" in revoked
    assert b"\x00\x80" in revoked
    assert not any(serial in revoked for serial in (b"\x80", b"", b"\x01\x00", b"\x00", bytes(30)))


CRITICAL = elements(0x30, b"\x06\x01\x2a", b"\x01\x01\xff", b"\x04\0")
HARMLESS = elements(0x30, b"\x06\x01\x2a", b"\x04\0")
MALFORMED = {
    "nothing": (b"", "revocation_list"),
    "something after it": (unsigned_list() + b"\0", "revocation_list"),
    "no times": (unsigned_list(before=b"\x30\0\x30\0"), "revocation_list"),
    "an entry without a serial number": (unsigned_list(elements(0x30, DATE)), "revocation_list"),
    "an empty serial number": (unsigned_list(entry(b"")), "revocation_list"),
    "a padded serial number": (unsigned_list(entry(b"\0\x01")), "revocation_list"),
    "a serial number of 22 bytes": (unsigned_list(entry(b"\x01" * 22)), "revocation_list"),
    "an entry without a date": (unsigned_list(elements(0x30, b"\x02\x01\x01")), "revocation_list"),
    "something after the date": (unsigned_list(elements(0x30, b"\x02\x01\x01", DATE, b"\x05\0")), "revocation_list"),
    "a critical extension": (unsigned_list(entry(b"\x01", HARMLESS, CRITICAL)), "extension"),
    "an extension without a value": (unsigned_list(entry(b"\x01", elements(0x30, b"\x06\x01\x2a"))), "revocation_list"),
    "a length that is cut off": (unsigned_list(entry(b"\x01"))[:-1], "der"),
    "an indefinite length": (b"\x30\x80\0\0", "der"),
    "something after the entries": (unsigned_list(entry(b"\x01"), after=b"\x05\0"), "revocation_list"),
}


@pytest.mark.parametrize(("der", "code"), MALFORMED.values(), ids=MALFORMED)
def test_entries_that_are_no_list_are_refused_alike(der, code):
    found = []
    for core in BACKENDS.values():
        with pytest.raises(DecodeError) as error:
            core.RevokedSerials(der)
        found.append((error.value.code, error.value.offset))
    assert found[0][0] == code
    assert len(set(found)) == 1


def test_an_extension_that_says_that_it_is_not_critical_changes_nothing(backend):
    harmless = elements(0x30, b"\x06\x01\x2a", b"\x01\x01\x00", b"\x04\0")
    revoked = BACKENDS[backend].RevokedSerials(unsigned_list(entry(b"\x01", harmless)))
    assert (len(revoked), b"\x01" in revoked) == (1, True)


def test_both_backends_agree_on_lists_with_a_byte_changed():
    whole = unsigned_list(entry(b"\x01", HARMLESS), entry(b"\x02\x03"), after=elements(0xA0, b"\x30\0"))
    for at in range(len(whole)):
        for change in (0x01, 0x20, 0x80, 0xFF):
            der = whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :]
            assert len({_read(core, der) for core in BACKENDS.values()}) == 1, (at, change)


def _read(core, der):
    try:
        revoked = core.RevokedSerials(der)
    except DecodeError as error:
        return error.code, error.offset
    return len(revoked), b"\x01" in revoked, b"\x02\x03" in revoked


def test_a_list_may_be_longer_than_a_certificate():
    der = unsigned_list(*(entry(number.to_bytes(3)) for number in range(0x10000, 0x10000 + 1000)), entry(b"\x01" * 21))
    padded = unsigned_list(entry(b"\x01"), after=elements(0xA0, bytes(1 << 24)))  # a length of four bytes
    for core in BACKENDS.values():
        assert len(core.RevokedSerials(der)) == 1001
        assert len(core.RevokedSerials(padded)) == 1


# OCSP.


def response(
    leaf,
    issuer=ROOT,
    *,
    answer=ocsp.OCSPCertStatus.GOOD,
    this_update=NOW - DAY,
    next_update=NOW + DAY,
    responder=None,
    about=None,
    algorithm=None,
    extensions=(),
):
    """Return an OCSP response in DER, from the issuer itself or a responder of its own."""
    is_revoked = answer is ocsp.OCSPCertStatus.REVOKED
    signer = responder or issuer
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf.x509,
        issuer=(about or issuer).x509,
        algorithm=hashes.SHA1(),  # noqa: S303 - what RFC 5019 asks for
        cert_status=answer,
        this_update=this_update,
        next_update=next_update,
        revocation_time=NOW - DAY if is_revoked else None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.x509)
    if responder:
        builder = builder.certificates([responder.x509])
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer.key, algorithm or hashes.SHA256()).public_bytes(Encoding.DER)


def responder(issuer=ROOT, *, purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,), no_check=True, **fields):
    extra = [(x509.OCSPNoCheck(), False)] if no_check else []
    return client("responder", issuer, purposes=purposes, extra=extra, **fields)


def damaged(der):
    """Return a response whose signature has another last bit."""
    return der[:-1] + bytes([der[-1] ^ 1])


def by_response(leaf, der):
    return status(leaf, revocation=OCSPResponses(lambda certificate, issuer: der))


def test_a_response_of_the_issuer_or_of_its_responder_counts():
    leaf = alice()
    assert by_response(leaf, response(leaf)) is None
    assert by_response(leaf, response(leaf, responder=responder())) is None
    revoked = response(leaf, answer=ocsp.OCSPCertStatus.REVOKED)
    assert by_response(leaf, revoked)[0] == RejectionReason.REVOKED


def test_a_response_of_an_rsa_issuer_counts():
    root = authority("rsa", key=pki.rsa_key(2048))
    leaf = alice(root)
    anchors = TrustAnchors(root.x509, revocation=OCSPResponses(lambda *_: response(leaf, root)))
    anchors.validate(presented(leaf))
    forged = OCSPResponses(lambda *_: damaged(response(leaf, root)))
    with pytest.raises(ValidationError, match="revocation_unknown"):
        TrustAnchors(root.x509, revocation=forged).validate(presented(leaf))


BAD_RESPONSES = {
    "nothing": (lambda _: None, "there is no OCSP response"),
    "no response": (lambda _: b"nothing", "cannot be read"),
    "too long a response": (lambda _: bytes(65537), "more than 65536 bytes"),
    "no answer": (
        lambda _: ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(
            Encoding.DER
        ),
        "gives no answer",
    ),
    "a responder that does not know": (lambda leaf: response(leaf, answer=ocsp.OCSPCertStatus.UNKNOWN), "not know it"),
    "another certificate": (lambda _: response(alice(serial_number=5)), "about another certificate"),
    "another issuer of that name": (lambda leaf: response(leaf, about=authority("root")), "about another certificate"),
    "a response past its nextUpdate": (
        lambda leaf: response(leaf, this_update=NOW - 2 * DAY, next_update=NOW - DAY),
        "nextUpdate",
    ),
    "a response without nextUpdate": (lambda leaf: response(leaf, next_update=None), "nextUpdate"),
    "a response of tomorrow": (
        lambda leaf: response(leaf, this_update=NOW + DAY, next_update=NOW + 2 * DAY),
        "nextUpdate",
    ),
    "a damaged signature": (lambda leaf: damaged(response(leaf)), "nobody who may"),
    "SHA-224": (lambda leaf: response(leaf, algorithm=hashes.SHA224()), "nobody who may"),
    "a responder of another CA": (lambda leaf: response(leaf, responder=responder(OTHER)), "nobody who may"),
    "a client for a responder": (
        lambda leaf: response(leaf, responder=responder(purposes=(pki.CLIENT_AUTH,))),
        "nobody who may",
    ),
    "a responder that must be asked for itself": (
        lambda leaf: response(leaf, responder=responder(no_check=False)),
        "nobody who may",
    ),
    "a responder that has expired": (
        lambda leaf: response(leaf, responder=responder(not_before=NOW - 2 * DAY, not_after=NOW - DAY)),
        "nobody who may",
    ),
    "a responder that may not sign": (
        lambda leaf: response(leaf, responder=responder(usage=("key_agreement",))),
        "nobody who may",
    ),
    "a responder of a short key": (
        lambda leaf: response(leaf, responder=responder(key=pki.rsa_key(1024))),
        "nobody who may",
    ),
    "a responder of another key": (
        lambda leaf: response(leaf, responder=responder(signing_key=SPKI)),
        "nobody who may",
    ),
    "an unknown critical extension": (
        lambda leaf: response(leaf, extensions=[pki.unknown_extension(critical=True)]),
        "critical extension",
    ),
}


@pytest.mark.parametrize(("make", "detail"), BAD_RESPONSES.values(), ids=BAD_RESPONSES)
def test_a_response_that_proves_nothing_makes_a_certificate_unknown(make, detail):
    leaf = alice()
    reason, found = by_response(leaf, make(leaf))
    assert reason == RejectionReason.REVOCATION_UNKNOWN
    assert detail in found


def test_a_response_is_asked_for_once_as_long_as_it_holds(monkeypatch):
    monkeypatch.setattr("clientcert.validation.time.time", NOW.timestamp)  # however long the tests before took
    leaf, calls = alice(), []
    der = response(leaf, next_update=NOW + timedelta(minutes=5))

    def response_for(certificate, issuer):
        calls.append((certificate, issuer))
        return der

    anchors = TrustAnchors(ROOT.x509, revocation=OCSPResponses(response_for))
    for _ in range(3):
        anchors.validate(presented(leaf))
    assert calls == [(leaf.der, ROOT.der)]
    monkeypatch.setattr("clientcert.validation.time.time", (NOW + timedelta(minutes=6)).timestamp)
    with pytest.raises(ValidationError, match="nextUpdate"):
        anchors.validate(presented(leaf))


def test_one_source_that_knows_is_enough_and_one_that_says_revoked_too():
    leaf = alice()
    nothing = OCSPResponses(lambda *_: None)
    revoked, good = RevocationLists(revocation_list(ROOT, [SERIAL])), OCSPResponses(lambda *_: response(leaf))
    assert status(leaf, revocation=[nothing, good]) is None
    assert status(leaf, revocation=[nothing, revoked, good])[0] == RejectionReason.REVOKED
    assert status(leaf, revocation=[good, revoked])[0] == RejectionReason.REVOKED
    reason, detail = status(leaf, revocation=[nothing, RevocationLists(revocation_list(OTHER))])
    assert reason == RejectionReason.REVOCATION_UNKNOWN
    assert "OCSP" in detail
    assert "of its issuer" in detail


def test_responses_come_from_a_function():
    with pytest.raises(ConfigurationError, match="takes a function"):
        OCSPResponses(b"response")


# The fetcher, and a responder on loopback.


class Responder(HTTPServer):
    """Answers with ``answer``, or as it says."""

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests = []
        self.release = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/ocsp"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, self.headers["Content-Type"], body))
        self.server.answer(self)

    def log_message(self, *_):
        pass


@pytest.fixture
def responding():
    servers = []

    def start(answer):
        servers.append(Responder(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.release.set()
        server.shutdown()
        server.server_close()


def with_body(body, code=200, **headers):
    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_fetcher_asks_its_responder_and_no_address_of_a_certificate(responding):
    lure = responding(with_body(b""))
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(lure.url))
    leaf = alice(extra=[(x509.AuthorityInformationAccess([access]), False)])
    server = responding(with_body(response(leaf)))
    assert status(leaf, revocation=OCSPResponses(OCSPFetcher(server.url))) is None
    ((path, content_type, body),) = server.requests
    assert (path, content_type) == ("/ocsp", "application/ocsp-request")
    assert ocsp.load_der_ocsp_request(body).serial_number == SERIAL
    assert lure.requests == []


def test_a_fetcher_follows_no_redirection_and_reads_no_more_than_64_kib(responding):
    leaf = alice()
    target = responding(with_body(response(leaf)))
    for answer in (
        with_body(b"", 307, Location=target.url),
        with_body(response(leaf), 500),
        with_body(bytes(65537)),
    ):
        fetch = OCSPFetcher(responding(answer).url)
        assert fetch(leaf.der, ROOT.der) is None
    assert target.requests == []


def test_a_responder_that_says_nothing_is_given_up(responding):
    fetch = OCSPFetcher(responding(lambda handler: handler.server.release.wait(60)).url, timeout=0.1)
    assert fetch(alice().der, ROOT.der) is None


def test_a_responder_that_fails_is_left_alone_for_a_while(responding, monkeypatch):
    server = responding(lambda handler: None)
    fetch = OCSPFetcher(server.url)
    leaf = alice()
    assert fetch(leaf.der, ROOT.der) is None
    assert fetch(leaf.der, ROOT.der) is None
    assert len(server.requests) == 1
    server.answer = with_body(b"answer")
    later = time.monotonic() + 11
    monkeypatch.setattr("clientcert.ocsp_fetcher.time.monotonic", lambda: later)
    assert fetch(leaf.der, ROOT.der) == b"answer"


def test_a_responder_that_speaks_slowly_gets_no_more_time(responding):
    def drip(handler):
        for part in [b"HTTP/1.0 200 OK\r\n", *[b"X: y\r\n"] * 40, b"\r\nanswer"]:
            handler.wfile.write(part)  # raises once the other side is gone
            if handler.server.release.wait(0.05):
                return

    fetch = OCSPFetcher(responding(drip).url, timeout=0.3)
    assert fetch(alice().der, ROOT.der) is None


def test_an_address_that_is_none_is_refused():
    for url in ("ocsp.example.org", "ftp://ocsp.example.org/", "http:///x", "http://me@ocsp.example.org/"):
        with pytest.raises(ConfigurationError, match="address of a responder"):
            OCSPFetcher(url)
    for timeout in (0, True, "2"):
        with pytest.raises(ConfigurationError, match="timeout"):
            OCSPFetcher("http://ocsp.example.org/", timeout=timeout)


# The strategy.


def strategy(revocation):
    return ClientCertStrategy(
        lambda _: True,
        certificate_source="aws-alb",
        trusted_proxies=["10.0.0.0/8"],
        trust_anchors=TrustAnchors(ROOT.x509, revocation=revocation),
    )


def forwarded(leaf):
    return FakeRequest(list(proxy_headers(PRESETS["aws-alb"], presented(leaf)).items()))


def test_a_revoked_certificate_and_one_of_unknown_status_have_reasons_of_their_own():
    leaf = alice()
    assert strategy(RevocationLists(revocation_list(ROOT))).authenticate(forwarded(leaf))
    revoked = strategy(RevocationLists(revocation_list(ROOT, [SERIAL]))).authenticate(forwarded(leaf))
    assert revoked.reason == RejectionReason.REVOKED
    unknown = strategy(RevocationLists(revocation_list(OTHER))).authenticate(forwarded(leaf))
    assert unknown.reason == RejectionReason.REVOCATION_UNKNOWN
    assert (revoked.status, unknown.status) == (401, 401)


def test_an_explanation_has_the_status_as_a_check_of_its_own():
    leaf = alice()
    failed = strategy(RevocationLists(revocation_list(ROOT, [SERIAL]))).explain(forwarded(leaf))
    assert [(each.check, each.passed) for each in failed.decisions[-2:]] == [
        (Check.PATH, True),
        (Check.REVOCATION, False),
    ]
    assert failed.decisions[-1].hint
    passed = strategy(RevocationLists(revocation_list(ROOT))).explain(forwarded(leaf))
    assert (passed.decisions[-1].check, passed.decisions[-1].passed) == (Check.REVOCATION, True)
    unknown = strategy(OCSPResponses(lambda *_: None)).explain(forwarded(leaf))
    assert "nextUpdate" in unknown.decisions[-1].hint


# Reload.


def replace(path, content):
    """Replace a file as a careful operator does."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def accepts(anchors, leaf):
    try:
        anchors.validate(presented(leaf))
    except ValidationError:
        return False
    return True


def test_anchors_and_lists_are_read_again_when_they_change(tmp_path):
    ca, crl = tmp_path / "ca.pem", tmp_path / "ca.crl"
    ca.write_bytes(OTHER.pem)
    crl.write_bytes(revocation_list(ROOT))
    anchors = TrustAnchors(ca, revocation=RevocationLists(crl))
    leaf = alice()
    assert not accepts(anchors, leaf)
    replace(ca, ROOT.pem)
    anchors.reload()
    assert accepts(anchors, leaf)
    assert accepts(anchors, leaf)  # by the verdict that is kept
    replace(crl, revocation_list(ROOT, [SERIAL]))
    anchors.reload()
    assert not accepts(anchors, leaf)
    replace(crl, revocation_list(ROOT))
    anchors.reload()
    assert accepts(anchors, leaf)
    replace(ca, OTHER.pem)
    anchors.reload()
    assert not accepts(anchors, leaf)


def test_a_file_that_joins_a_directory_counts(tmp_path):
    (tmp_path / "other.pem").write_bytes(OTHER.pem)
    anchors = TrustAnchors(tmp_path)
    assert not accepts(anchors, alice())
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    anchors.reload()
    assert accepts(anchors, alice())


def test_a_broken_file_leaves_what_was_there_and_says_so(tmp_path, caplog):
    ca, crl = tmp_path / "ca.pem", tmp_path / "ca.crl"
    ca.write_bytes(ROOT.pem)
    crl.write_bytes(revocation_list(ROOT, [5]))
    anchors = TrustAnchors(ca, revocation=RevocationLists(crl))
    before = anchors.status()
    assert before.anchors.error is None
    assert before.anchors.files == (str(ca),)
    assert before.anchors.loaded_at <= datetime.now(UTC)
    replace(ca, b"-----BEGIN")
    crl.unlink()
    anchors.reload()
    anchors.reload()
    assert accepts(anchors, alice())
    assert not accepts(anchors, alice(serial_number=5))
    after = anchors.status()
    assert "ca.pem" in after.anchors.error
    assert "ca.crl" in after.revocation[0].error
    assert after.anchors.loaded_at == before.anchors.loaded_at
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]  # once for each, not with each look
    replace(ca, ROOT.pem)
    crl.write_bytes(revocation_list(ROOT))
    anchors.reload()
    assert anchors.status().anchors.error is None
    assert anchors.status().revocation[0].error is None


def test_a_machine_that_cannot_read_is_logged_once_and_asked_again(tmp_path, caplog, monkeypatch):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(OTHER.pem)
    anchors = TrustAnchors(ca)
    replace(ca, ROOT.pem)

    def fails():
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as broken:
        broken.setattr(anchors._anchors, "_load", fails)
        anchors.reload()
        anchors.reload()
    assert "Too many open files" in anchors.status().anchors.error
    assert len(caplog.records) == 1
    anchors.reload()
    assert anchors.status().anchors.error is None
    assert accepts(anchors, alice())


def test_a_thread_reads_what_has_changed_and_no_request_does(tmp_path, monkeypatch):
    monkeypatch.setattr("clientcert.reload._SECONDS", 0.01)
    monkeypatch.setattr("clientcert.reload._watcher", reload._Watcher())
    ca = tmp_path / "ca.pem"
    ca.write_bytes(OTHER.pem)
    anchors = TrustAnchors(ca)
    assert not accepts(anchors, alice())
    loaded, load = threading.Event(), anchors._anchors._load
    readers = []

    def recorded():
        value = load()
        readers.append(threading.current_thread().name)
        loaded.set()
        return value

    anchors._anchors._load = recorded
    replace(ca, ROOT.pem)
    assert loaded.wait(60)
    anchors.reload()  # waits for the look that is going on
    assert accepts(anchors, alice())
    assert readers == ["clientcert-reload"]


def test_a_look_that_fails_does_not_end_those_at_other_files(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("clientcert.reload._SECONDS", 0.01)
    monkeypatch.setattr("clientcert.reload._watcher", reload._Watcher())
    ca = tmp_path / "ca.pem"
    ca.write_bytes(ROOT.pem)
    failing, anchors = TrustAnchors(ca), TrustAnchors(ca)
    assert accepts(failing, alice())
    assert accepts(anchors, alice())
    failed, looked = threading.Event(), threading.Event()

    def fails():
        failed.set()
        raise RuntimeError

    def looks():
        if failed.is_set():
            looked.set()

    monkeypatch.setattr(failing._anchors, "check", fails)
    monkeypatch.setattr(anchors._anchors, "check", looks)
    assert looked.wait(60)
    assert "a look for changed files has failed" in caplog.text


def test_a_forked_worker_looks_before_its_first_use(tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(OTHER.pem)
    anchors = TrustAnchors(ca)
    replace(ca, ROOT.pem)
    assert accepts(anchors, alice())  # as a worker does, whose parent has read the file long ago


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is nothing to fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_was_forked_after_the_first_use_looks_for_itself(tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(OTHER.pem)
    anchors = TrustAnchors(ca)
    leaf = alice()
    assert not accepts(anchors, leaf)
    replace(ca, ROOT.pem)
    child = os.fork()
    if child == 0:
        os._exit(0 if accepts(anchors, leaf) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
