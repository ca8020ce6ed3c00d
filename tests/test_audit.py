"""An audit record says what was decided, of whom and why; and those who listen hear of each decision once."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest

from clientcert import (
    PRESETS,
    ClientCertStrategy,
    ConfigurationError,
    Reject,
    all_of,
    allow_ca,
    allow_cn,
    allow_fingerprints,
    allow_ou,
    allow_spiffe_id,
    any_of,
    encode_header,
)
from clientcert.audit import AuditLog, ExpiryWatch
from clientcert.hooks import drain
from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import CertificateAuthority, proxy_headers
from fake_request import PROXY, STRANGER, FakeRequest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CA = CertificateAuthority("Example CA")
SUBJECT = [("O", "Example"), ("OU", "Billing"), ("OU", "EMEA"), ("CN", "alice"), ("1.3.6.1.4.1.99999.7", "blue")]
ALICE = CA.issue(
    subject=SUBJECT,
    sans=["uri:spiffe://example.org/alice"],
    serial_number=0xA1,
    not_before=NOW - timedelta(days=1),
    not_after=NOW + timedelta(days=20, hours=1),
)
EXPIRED = CA.issue("bob", not_after=NOW - timedelta(days=3, hours=4))
DIRECT = TLSConnection(authorized=True, certificates=(ALICE.der,))
IDENTITY = (
    f'By=spiffe://example.org/proxy;Hash={"9c" * 32};Subject="CN=alice,O=Example";URI=spiffe://example.org/ns/a/sa/web'
)


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    hold(monkeypatch, NOW)
    yield
    drain()


def hold(monkeypatch, moment):
    monkeypatch.setattr("time.time", moment.timestamp)


def accept(certificate):
    return True


def nginx(issued=ALICE, **request):
    return FakeRequest([*proxy_headers(PRESETS["nginx"], issued.certificate).items()], **request)


def behind_nginx(verify=accept, **options):
    return ClientCertStrategy(verify, **{"certificate_source": "nginx", "trusted_proxies": ["10.0.0.5"]} | options)


def record_of(request, strategy=behind_nginx, *args, **options):
    """Return the record of the decision about ``request``."""
    records = []
    strategy(*args, on_decision=records.append, **options).authenticate(request)
    drain()
    (record,) = records
    return record


def direct(*args, **options):
    return ClientCertStrategy(*args, **options)


# What is in a record.


def test_a_record_says_who_was_authenticated_from_where_and_by_which_policy(backend):
    record = record_of(nginx(), behind_nginx, allow_cn(["alice"]), name="billing")
    assert record.to_dict() == {
        "time": "2026-03-01T12:00:00.000+00:00",
        "outcome": "authenticated",
        "reason": None,
        "detail": None,
        "strategy": "billing",
        "source": "nginx",
        "peer": "10.0.0.5",
        "policy": "allow_cn(['alice'])",
        "fingerprint256": ALICE.certificate["fingerprint256"],
        "serial_number": "A1",
        "issuer": {"CN": "Example CA"},
        "subject": {"O": "Example", "OU": ["Billing", "EMEA"], "CN": "alice", "1.3.6.1.4.1.99999.7": "blue"},
        "spiffe_id": "spiffe://example.org/alice",
    }
    assert record.certificate == ALICE.certificate
    assert record.request == "the framework's request"


def test_a_record_says_why_a_request_was_rejected(backend):
    record = record_of(nginx(peer=STRANGER))
    assert record.to_dict() == {
        "time": "2026-03-01T12:00:00.000+00:00",
        "outcome": "rejected",
        "reason": "untrusted_peer",
        "detail": "the peer's address is not listed",
        "strategy": "client-cert",
        "source": "nginx",
        "peer": "203.0.113.9",
        "policy": None,
        "fingerprint256": None,
        "serial_number": None,
        "issuer": None,
        "subject": None,
        "spiffe_id": None,
    }


def test_the_information_of_a_rejection_is_in_the_record_with_the_certificate(backend):
    record = record_of(nginx(), behind_nginx, lambda certificate: Reject({"account": "closed"}))
    assert (record.reason, record.detail) == ("callback_returned_false", {"account": "closed"})
    assert record.to_dict()["detail"] == "{'account': 'closed'}"
    assert record.certificate == ALICE.certificate


def test_a_record_has_the_certificate_that_was_refused_and_the_hook_has_none(backend):
    heard = []
    record = record_of(nginx(EXPIRED), on_rejected=lambda *args: heard.append(args))
    assert (record.reason, record.detail) == ("certificate_expired", "notAfter was 3 days, 4:00:00 ago")
    assert record.to_dict()["subject"] == {"CN": "bob"}
    assert heard == [(None, "the framework's request", "certificate_expired")]

    other = CertificateAuthority("another CA")
    record = record_of(nginx(), include_chain=True, trust_anchors=other.pem.encode())
    assert (record.reason, record.certificate) == ("untrusted_issuer", ALICE.certificate)

    checked = PRESETS["nginx"].replace(cross_checks=(("X-SSL-Client-Serial", "serial-hex"),))
    forged = nginx()
    forged.headers.append(("X-SSL-Client-Serial", "B2"))
    record = record_of(forged, certificate_source=checked)
    assert (record.reason, record.certificate) == ("verification_header_mismatch", ALICE.certificate)


@pytest.mark.parametrize(
    ("request_", "options", "source"),
    [
        (nginx(), {}, "nginx"),
        (FakeRequest(), {}, "nginx"),
        (nginx(), {"certificate_source": PRESETS["nginx"].replace(name="edge")}, "edge"),
        (
            FakeRequest([("X-Cert", encode_header(ALICE.certificate, "url-pem"))]),
            {"certificate_source": None, "certificate_header": "X-Cert", "header_encoding": "url-pem"},
            "certificate_header",
        ),
        (nginx(), {"fallback_to_socket": True}, "nginx"),
        (nginx(EXPIRED), {"fallback_to_socket": True}, "nginx"),
        (FakeRequest(connection=DIRECT, peer=STRANGER), {"fallback_to_socket": True}, "socket"),
        (
            FakeRequest(connection=TLSConnection(authorized=True, certificates=(EXPIRED.der,)), peer=STRANGER),
            {"fallback_to_socket": True},
            "socket",
        ),
        (
            FakeRequest(connection=TLSConnection(authorized=True), peer=STRANGER),
            {"fallback_to_socket": True},
            "socket",
        ),
        (FakeRequest(peer=STRANGER), {"fallback_to_socket": True}, "socket"),
        (FakeRequest(connection=DIRECT, peer=PROXY), {"fallback_to_socket": True}, "nginx"),
        (FakeRequest(connection=DIRECT), {"certificate_source": None, "trusted_proxies": None}, "socket"),
        (FakeRequest(), {"certificate_source": None, "trusted_proxies": None}, "socket"),
    ],
)
def test_the_source_is_where_the_strategy_looked(backend, request_, options, source):
    assert record_of(request_, **options).source == source


@pytest.mark.parametrize(
    ("peer", "text"),
    [
        (TransportPeer("ip", "2001:DB8::5"), "2001:db8::5"),
        (TransportPeer("unix"), "unix"),
        (TransportPeer("unknown"), None),
        (TransportPeer("ip", "x-forwarded-for says \n"), None),
        (TransportPeer("ip", "fe80::1%what a client wrote"), None),
    ],
)
def test_the_peer_is_an_address_and_no_text_that_a_server_took_for_one(peer, text):
    assert record_of(FakeRequest(connection=DIRECT, peer=peer), direct, accept).peer == text


def test_of_a_certificate_whose_end_is_no_time_nobody_knows_how_long_it_has(backend):
    der = CA.issue("client", not_after=datetime(2049, 1, 1, tzinfo=UTC)).der
    month = der.index(b"Z\x17\x0d") + 5  # of notAfter
    shown = TLSConnection(authorized=True, certificates=(der[:month] + b"99" + der[month + 2 :],))
    record = record_of(FakeRequest(connection=shown), direct, accept, check_validity=False)
    assert record.certificate["valid_to"] == "Bad time value"
    assert record.days_left is None


def test_names_without_a_certificate_are_in_the_record(backend):
    request = FakeRequest([("X-Forwarded-Client-Cert", IDENTITY)])
    record = record_of(
        request,
        behind_nginx,
        allow_spiffe_id(trust_domain="example.org"),
        certificate_source="istio",
        accept_forwarded_identity=True,
    )
    assert record.certificate is None
    assert record.days_left is None
    fields = record.to_dict()
    assert fields["fingerprint256"] == ":".join(["9C"] * 32)
    assert fields["subject"] == {"O": "Example", "CN": "alice"}
    assert fields["spiffe_id"] == record.identity.spiffe_id == "spiffe://example.org/ns/a/sa/web"
    assert (fields["issuer"], fields["serial_number"]) == (None, None)
    assert (fields["source"], fields["policy"]) == ("istio", "allow_spiffe_id(trust_domain='example.org')")


def test_a_line_stays_a_line_whatever_a_certificate_or_a_policy_holds(backend):
    subject = [("OU", f"unit {number}\n") for number in range(40)]
    issued = CA.issue(subject=[("1.3.6.1.4.1.99999.7", "x" * 5000), *subject], not_before=NOW)
    fingerprints = [f"{number:064x}" for number in range(1000)]
    policy = any_of(allow_fingerprints(fingerprints), allow_fingerprints([issued.certificate["fingerprint256"]]))
    fields = record_of(nginx(issued), behind_nginx, policy).to_dict()
    assert len(fields["subject"]["1.3.6.1.4.1.99999.7"]) == 256
    assert len(fields["subject"]["OU"]) == 31
    assert fields["subject"]["…"] == "9 more"
    assert len(json.dumps(fields)) < 3000
    fields = record_of(nginx(issued), behind_nginx, all_of(policy, lambda certificate: True)).to_dict()
    assert fields["policy"].startswith("all_of(allow_fingerprints(['")
    many = allow_fingerprints([*fingerprints, issued.certificate["fingerprint256"]])
    assert len(record_of(nginx(issued), behind_nginx, many).to_dict()["policy"]) == 256


def test_a_record_is_made_for_those_who_ask_for_it_alone(monkeypatch):
    def never(*args):
        raise AssertionError("nobody has asked")

    monkeypatch.setattr("clientcert.audit.decided", never)
    heard = []
    behind_nginx(on_authenticated=lambda *args: heard.append(args)).authenticate(nginx())
    drain()
    assert len(heard) == 1


def test_a_record_shows_neither_the_request_nor_the_certificate_in_its_repr():
    text = repr(record_of(nginx(native={"headers": "canary"})))
    assert "outcome='authenticated'" in text
    assert not re.search("canary|alice|PeerCertificate", text)


# Which policy it was.


def is_alice(certificate):
    return True


async def is_alice_later(certificate):
    return True


POLICIES = [
    (allow_cn(["alice"]), "allow_cn(['alice'])"),
    (any_of(allow_cn(["bob"]), allow_ou(["EMEA"])), "allow_ou(['EMEA'])"),
    (any_of(allow_ou(["EMEA"]), allow_cn(["alice"])), "allow_ou(['EMEA'])"),
    (
        all_of(allow_ou(["EMEA"]), any_of(allow_cn(["bob"]), allow_cn(["alice"]))),
        "all_of(allow_ou(['EMEA']), allow_cn(['alice']))",
    ),
    (any_of(all_of(allow_cn(["alice"]), allow_cn(["bob"])), allow_cn(["alice"])), "allow_cn(['alice'])"),
    (any_of(any_of(allow_cn(["bob"]), allow_ou(["EMEA"])), allow_cn(["alice"])), "allow_ou(['EMEA'])"),
    (all_of(is_alice, allow_cn(["alice"])), "all_of(is_alice, allow_cn(['alice']))"),
    (all_of(functools.partial(is_alice), allow_cn(["alice"])), "all_of(partial, allow_cn(['alice']))"),
    # A function comes too late to matter, or cannot be asked.
    (any_of(allow_cn(["alice"]), is_alice), "allow_cn(['alice'])"),
    (any_of(allow_cn(["bob"]), is_alice), "any_of(allow_cn(['bob']), is_alice)"),
    (any_of(is_alice, allow_cn(["alice"])), "any_of(is_alice, allow_cn(['alice']))"),
    (any_of(all_of(is_alice), allow_cn(["alice"])), "any_of(all_of(is_alice), allow_cn(['alice']))"),
    (any_of(is_alice_later, allow_cn(["alice"])), "any_of(is_alice_later, allow_cn(['alice']))"),
    (any_of(allow_cn(["alice"]), is_alice_later), "allow_cn(['alice'])"),
    (is_alice, None),
    (lambda certificate: "alice", None),
]


@pytest.mark.parametrize(("verify", "text"), POLICIES, ids=lambda value: str(value)[:60])
def test_a_record_says_which_policy_allowed_the_client(backend, verify, text):
    records = []
    asyncio.run(behind_nginx(verify, on_decision=records.append).authenticate_async(nginx()))
    drain()
    assert records[0].policy == text


def test_a_function_is_asked_once_whoever_reads_the_record():
    calls = []

    def costly(certificate):
        calls.append(certificate)
        return True

    record = record_of(nginx(), behind_nginx, any_of(all_of(costly), allow_cn(["bob"])))
    assert "costly" in record.policy
    assert len(calls) == 1


def test_a_policy_that_no_longer_allows_the_client_is_named_as_a_whole(monkeypatch):
    policy = any_of(allow_ca(CA.pem.encode()), allow_cn(["bob"]))
    record = record_of(nginx(), behind_nginx, policy)
    hold(monkeypatch, NOW + timedelta(days=400))
    assert record.policy.startswith("any_of(allow_ca(")


# Those who listen.


def test_each_observer_hears_of_each_decision_and_one_that_raises_keeps_it_from_nobody(backend, caplog):
    first, second, later = [], [], []

    def fails(record):
        first.append(record)
        raise ValueError("no")

    async def hears_later(record):
        later.append((record, asyncio.get_running_loop()))

    async def main():
        strategy = behind_nginx(on_decision=[fails, hears_later, second.append])
        return await strategy.authenticate_async(nginx()), asyncio.get_running_loop()

    outcome, loop = asyncio.run(main())
    drain()
    assert outcome
    assert first == second == [record for record, _ in later]
    assert [running for _, running in later] == [loop]
    assert [record.getMessage().rpartition(".")[2] for record in caplog.records] == ["fails failed"]


@pytest.mark.parametrize("observers", ["AuditLog", 1, [print, "AuditLog"], [lambda: None]])
def test_what_is_no_observer_is_refused(observers):
    with pytest.raises(ConfigurationError, match="on_decision"):
        behind_nginx(on_decision=observers)


def test_an_empty_list_of_observers_is_none():
    assert behind_nginx(on_decision=[]).authenticate(nginx())


def test_the_log_is_one_line_of_json_and_the_same_as_an_attribute(backend, caplog):
    with caplog.at_level(logging.INFO, "clientcert.audit"):
        behind_nginx(on_decision=AuditLog()).authenticate(nginx())
        behind_nginx(lambda _: Reject({("a", 1): NOW}), on_decision=AuditLog()).authenticate(nginx())
        drain()
    accepted, rejected = caplog.records
    assert (accepted.name, accepted.levelno) == ("clientcert.audit", logging.INFO)
    assert json.loads(accepted.getMessage()) == accepted.clientcert
    assert accepted.clientcert["serial_number"] == "A1"
    assert json.loads(rejected.getMessage())["detail"] == str({("a", 1): NOW})


def test_no_name_can_forge_a_line_or_take_over_a_terminal(backend, caplog):
    issued = CA.issue("alice\n{}\r\x1b[2J\u202e\u2028é", not_before=NOW)
    with caplog.at_level(logging.INFO, "clientcert.audit"):
        behind_nginx(on_decision=AuditLog()).authenticate(nginx(issued))
        drain()
    (line,) = caplog.messages
    assert re.fullmatch(r"[ -~]+", line)
    assert json.loads(line)["subject"] == {"CN": "alice\n{}\r\x1b[2J\u202e\u2028é"}


def test_a_log_that_is_switched_off_makes_no_line(caplog, monkeypatch):
    logger = logging.getLogger("tests.audit")
    logger.setLevel(logging.WARNING)
    record = record_of(nginx())
    monkeypatch.setattr("clientcert.audit.json.dumps", None)
    AuditLog(logger)(record)
    assert caplog.records == []


# Certificates that end.


def watch(*args, **options):
    heard = []
    watch = ExpiryWatch(lambda certificate, days: heard.append((certificate["subject"]["CN"], days)), **options)
    return behind_nginx(on_decision=watch, check_validity=False), heard


@pytest.mark.parametrize(
    ("left", "heard"),
    [
        (timedelta(days=30), []),
        (timedelta(days=29, hours=23, minutes=59), [("alice", 29)]),
        (timedelta(days=1), [("alice", 1)]),
        (timedelta(seconds=1), [("alice", 0)]),
        (timedelta(seconds=-1), [("alice", -1)]),
    ],
)
def test_a_certificate_that_ends_within_the_days_is_told_with_the_days_that_are_left(backend, monkeypatch, left, heard):
    strategy, told = watch()
    hold(monkeypatch, ALICE.certificate.not_after - left)
    strategy.authenticate(nginx())
    drain()
    assert told == heard


def test_each_certificate_is_told_once(backend, monkeypatch):
    strategy, told = watch(days=21)
    for days in (0, 0, 5, 19):
        hold(monkeypatch, NOW + timedelta(days=days))
        strategy.authenticate(nginx())
    renewed = CA.issue("alice", not_before=NOW, not_after=NOW + timedelta(days=22))
    strategy.authenticate(nginx(renewed))
    drain()
    assert told == [("alice", 20), ("alice", 3)]


def test_certificates_that_were_told_are_forgotten_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr("clientcert.audit._REMEMBERED", 2)
    strategy, told = watch()
    issued = [CA.issue(name, not_before=NOW, not_after=NOW + timedelta(days=1)) for name in ("a", "b", "c")]
    for certificate in (*issued, issued[1], issued[2], issued[0]):
        strategy.authenticate(nginx(certificate))
    drain()
    assert [name for name, _ in told] == ["a", "b", "c", "a"]


def test_a_client_that_is_rejected_or_has_no_certificate_is_not_told(backend):
    told = []
    watch = ExpiryWatch(lambda *args: told.append(args))
    behind_nginx(lambda certificate: None, on_decision=watch).authenticate(nginx())
    behind_nginx(on_decision=watch).authenticate(nginx(EXPIRED))
    request = FakeRequest([("X-Forwarded-Client-Cert", IDENTITY)])
    behind_nginx(certificate_source="istio", accept_forwarded_identity=True, on_decision=watch).authenticate(request)
    drain()
    assert told == []


def test_an_async_warning_runs_on_the_loop_of_the_request():
    told = []

    async def warn(certificate, days):
        told.append((days, asyncio.get_running_loop()))

    async def main():
        strategy = behind_nginx(on_decision=ExpiryWatch(warn))
        await strategy.authenticate_async(nginx())
        await strategy.authenticate_async(nginx())
        return asyncio.get_running_loop()

    loop = asyncio.run(main())
    assert told == [(20, loop)]


def test_a_warning_that_fails_is_logged_and_not_repeated(caplog):
    def warn(certificate, days):
        raise OSError("no mail today")

    strategy = behind_nginx(on_decision=ExpiryWatch(warn))
    strategy.authenticate(nginx())
    strategy.authenticate(nginx())
    drain()
    assert [str(record.exc_info[1]) for record in caplog.records] == ["no mail today"]


@pytest.mark.parametrize("days", [0, -1, 1.5, True, "30"])
def test_the_days_of_a_watch_are_a_whole_number(days):
    with pytest.raises(ConfigurationError, match="days"):
        ExpiryWatch(print, days=days)
