"""The strategy: every option, every outcome, and the callbacks' moments."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import threading
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
import trio

from clientcert import (
    PRESETS,
    Accept,
    ClientCertError,
    ClientCertStrategy,
    ConfigurationError,
    Failure,
    Reject,
    RejectionReason,
    Success,
    all_of,
    allow_cn,
    allow_fingerprints,
    allow_serial,
    any_of,
    callback_style,
    encode_header,
    parse_pem,
)
from clientcert.hooks import drain, drain_async
from clientcert.request import TLSConnection
from clientcert.testing import CertificateAuthority
from fake_request import PROXY, STRANGER, FakeRequest

CA = CertificateAuthority()
ALICE = CA.issue("alice")
TRUSTED = ["10.0.0.5"]


def accept(certificate):
    return certificate["subject"]["CN"]


async def is_async_and_accepts(certificate):
    return True


def direct(issued=ALICE, **request):
    return FakeRequest(connection=TLSConnection(authorized=True, certificates=(issued.der,)), **request)


def forwarded(header="X-Cert", encoding="url-pem", issued=ALICE, extra=(), **request):
    return FakeRequest([(header, encode_header(issued.certificate, encoding)), *extra], **request)


def strategy(verify=accept, **options):
    return ClientCertStrategy(verify, **options)


def from_header(verify=accept, **options):
    return strategy(
        verify, **{"certificate_header": "X-Cert", "header_encoding": "url-pem", "trusted_proxies": TRUSTED} | options
    )


def sync(strategy, request):
    return strategy.authenticate(request)


def on_asyncio(strategy, request):
    return asyncio.run(strategy.authenticate_async(request))


def on_trio(strategy, request):
    return trio.run(strategy.authenticate_async, request)


every_way = pytest.mark.parametrize("authenticate", [sync, on_asyncio, on_trio])
every_loop = pytest.mark.parametrize("authenticate", [on_asyncio, on_trio])


# The options of passport-client-certificate-auth


def test_a_strategy_has_the_name_it_is_given():
    assert strategy().name == "client-cert"
    assert strategy(name="devices").name == "devices"


@every_way
def test_pass_request_puts_the_frameworks_request_before_the_certificate(backend, authenticate):
    seen = []
    authenticate(strategy(lambda *args: seen.append(args)), direct())
    authenticate(strategy(lambda *args: seen.append(args), pass_request=True), direct(native="theirs"))
    assert seen == [(ALICE.certificate,), ("theirs", ALICE.certificate)]


@pytest.mark.parametrize("source", ["traefik", PRESETS["traefik"], PRESETS["traefik"].replace(header="X-Mine")])
def test_certificate_source_is_a_preset_or_the_name_of_one(backend, source):
    header = "X-Mine" if getattr(source, "header", None) == "X-Mine" else "X-Forwarded-Tls-Client-Cert"
    outcome = strategy(certificate_source=source, trusted_proxies=TRUSTED).authenticate(forwarded(header, "base64-der"))
    assert outcome.user == "alice"


@pytest.mark.parametrize(
    "encoding",
    ["url-pem", "url-pem-aws", "xfcc", "base64-der", "rfc9440", "pem", "base64-pem", "hex-der", "base64-der-concat"],
)
def test_certificate_header_and_header_encoding_say_what_is_read(backend, encoding):
    mine = from_header(header_encoding=encoding)
    assert mine.authenticate(forwarded(encoding=encoding)).user == "alice"
    assert not mine.authenticate(forwarded("X-Other", encoding))
    other = "hex-der" if encoding != "hex-der" else "url-pem"
    assert not mine.authenticate(forwarded(encoding=other))


def test_fallback_to_socket_is_off_unless_it_is_asked_for(backend):
    assert from_header().authenticate(direct(peer=STRANGER)).reason == "header_missing_or_malformed"
    assert from_header(fallback_to_socket=True).authenticate(direct(peer=STRANGER)).user == "alice"


def test_include_chain_is_off_unless_it_is_asked_for(backend):
    request = FakeRequest(connection=TLSConnection(authorized=True, certificates=(ALICE.der, CA.der)))
    assert "issuerCertificate" not in strategy().authenticate(request).certificate
    with_chain = strategy(include_chain=True).authenticate(request).certificate
    assert with_chain["issuerCertificate"] == CA.certificate


def test_chain_header_names_the_header_of_the_chain(backend):
    chain = encode_header(CA.certificate, "rfc9440")
    mine = from_header(header_encoding="rfc9440", chain_header="X-Chain", include_chain=True)
    outcome = mine.authenticate(forwarded(encoding="rfc9440", extra=[("X-Chain", chain)]))
    assert outcome.certificate["issuerCertificate"] == CA.certificate


def test_the_two_encodings_that_hold_a_chain_hold_it_under_any_name(backend):
    whole = parse_pem(ALICE.pem + CA.pem)
    for encoding in ("xfcc", "url-pem-aws"):
        request = FakeRequest([("X-Cert", encode_header(whole, encoding, chain=True))])
        outcome = from_header(header_encoding=encoding, include_chain=True).authenticate(request)
        assert outcome.certificate["issuerCertificate"] == CA.certificate


def test_verify_header_must_have_verify_value_exactly(backend):
    checked = from_header(verify_header="X-Verify", verify_value="SUCCESS")
    assert checked.authenticate(forwarded(extra=[("X-Verify", "SUCCESS")])).user == "alice"
    for extra in ([("X-Verify", "success")], [("X-Verify", "SUCCESS,")], [("X-Verify", "")], []):
        outcome = checked.authenticate(forwarded(extra=extra))
        assert (outcome.reason, outcome.status) == ("verification_header_mismatch", 401)
    assert from_header().authenticate(forwarded(extra=[("X-Verify", "NONE")])).user == "alice"


def test_verify_header_comes_on_top_of_the_verdicts_of_a_preset(backend):
    both = strategy(certificate_source="nginx", trusted_proxies=TRUSTED, verify_header="X-Verify", verify_value="yes")
    good = [("X-SSL-Client-Verify", "SUCCESS"), ("X-Verify", "yes")]
    assert both.authenticate(forwarded("X-SSL-Client-Cert", extra=good)).user == "alice"
    for line in good:
        outcome = both.authenticate(forwarded("X-SSL-Client-Cert", extra=[line]))
        assert outcome.reason == "verification_header_mismatch"


def test_the_hooks_hear_of_the_decision_once_and_of_nothing_else(backend):
    heard = []
    hooks = {
        "on_authenticated": lambda *args: heard.append(("authenticated", *args)),
        "on_rejected": lambda *args: heard.append(("rejected", *args)),
    }
    strategy(**hooks).authenticate(direct(native="r1"))
    strategy(lambda _: False, **hooks).authenticate(direct(native="r2"))
    strategy(**hooks).authenticate(FakeRequest(native="r3"))
    drain()
    assert heard == [
        ("authenticated", ALICE.certificate, "r1"),
        ("rejected", ALICE.certificate, "r2", "callback_returned_false"),
        ("rejected", None, "r3", "socket_not_authorized"),
    ]
    assert isinstance(heard[1][3], RejectionReason)


def test_one_hook_without_the_other_is_fine(backend):
    heard = []
    strategy(on_rejected=lambda *_: heard.append("rejected")).authenticate(direct())
    strategy(on_authenticated=lambda *_: heard.append("authenticated")).authenticate(FakeRequest())
    drain()
    assert heard == []


def test_hooks_may_be_async_and_what_they_raise_changes_nothing(backend, caplog):
    heard = []

    async def on_authenticated(certificate, request):
        heard.append(certificate["subject"]["CN"])
        raise RuntimeError("the audit log is full")

    async def main():
        outcome = await strategy(on_authenticated=on_authenticated).authenticate_async(direct())
        await drain_async()
        return outcome

    assert asyncio.run(main()).user == "alice"
    assert strategy(on_authenticated=on_authenticated).authenticate(direct()).user == "alice"
    drain()
    assert heard == ["alice", "alice"]
    assert [record.name for record in caplog.records] == ["clientcert", "clientcert"]


def test_every_rejection_of_the_seed_has_its_reason_and_its_status(backend):
    verdict = {"verify_header": "X-Verify", "verify_value": "SUCCESS"}
    unreadable = FakeRequest(connection=TLSConnection(authorized=True))
    outcomes = [
        strategy().authenticate(FakeRequest()),
        strategy().authenticate(unreadable),
        from_header().authenticate(FakeRequest()),
        from_header(**verdict).authenticate(forwarded()),
        strategy(lambda _: False).authenticate(direct()),
    ]
    assert [(str(outcome.reason), outcome.status) for outcome in outcomes] == [
        ("socket_not_authorized", 401),
        ("certificate_not_retrievable", 500),
        ("header_missing_or_malformed", 401),
        ("verification_header_mismatch", 401),
        ("callback_returned_false", 401),
    ]


# The options that are ours


def test_trusted_proxies_says_who_may_set_the_header(backend):
    assert from_header().authenticate(forwarded(peer=STRANGER)).reason == "untrusted_peer"
    assert from_header(trusted_proxies="*").authenticate(forwarded(peer=STRANGER)).user == "alice"


def test_xfcc_elements_is_the_number_of_elements(backend):
    element = encode_header(ALICE.certificate, "xfcc")
    request = FakeRequest([("X-Forwarded-Client-Cert", f"{element},{element}")])
    envoy = {"certificate_source": "envoy", "trusted_proxies": TRUSTED}
    assert strategy(**envoy, xfcc_elements=2).authenticate(request).user == "alice"
    assert strategy(**envoy).authenticate(request).reason == "header_missing_or_malformed"


def test_what_nobody_verifies_is_accepted_only_on_request(backend):
    alb = {"certificate_source": "aws-alb", "trusted_proxies": TRUSTED}
    with pytest.raises(ConfigurationError, match="accept_unverified=True") as error:
        strategy(**alb)
    assert "nobody verifies what 'aws-alb' forwards" in str(error.value)
    assert "'aws-alb-verify'" in str(error.value)
    outcome = strategy(**alb, accept_unverified=True).authenticate(forwarded("X-Amzn-Mtls-Clientcert", "url-pem-aws"))
    assert outcome.user == "alice"


def test_a_verdict_beside_what_nobody_verifies_changes_nothing():
    # The load balancer passes such a header from the client.
    verdict = {"verify_header": "X-SSL-Client-Verify", "verify_value": "SUCCESS"}
    with pytest.raises(ConfigurationError, match="accept_unverified=True"):
        strategy(certificate_source="aws-alb", trusted_proxies=TRUSTED, **verdict)


def test_check_validity_is_on_unless_it_is_switched_off(backend):
    expired = CA.issue("old", not_after=datetime.now(UTC) - timedelta(days=1))
    outcome = strategy().authenticate(direct(expired))
    assert (outcome.reason, outcome.certificate) == ("certificate_expired", None)
    assert strategy(check_validity=False).authenticate(direct(expired)).user == "old"


# What verify returns


@every_way
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("answer", "user", "info"),
    [
        ("alice", "alice", None),
        ({"id": 7}, {"id": 7}, None),
        (0, 0, None),
        ("", "", None),
        (True, ALICE, None),
        (Accept("alice", {"scope": "read"}), "alice", {"scope": "read"}),
        (Accept(user=True, info="info"), ALICE, "info"),
    ],
)
def test_any_value_but_none_and_false_accepts(backend, authenticate, is_async, answer, user, info):
    if is_async and authenticate is sync:
        authenticate = on_asyncio
    outcome = authenticate(strategy(returning(answer, is_async=is_async)), direct())
    expected = ALICE.certificate if user is ALICE else user
    assert outcome == Success(expected, ALICE.certificate, info)
    assert outcome


@every_way
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        (None, 401, None),
        (False, 401, None),
        (Reject(), 401, None),
        (Reject("no such device", 403), 403, "no such device"),
        (Accept(None, "info"), 401, "info"),
        (Accept(user=False), 401, None),
    ],
)
def test_none_and_false_reject(backend, authenticate, is_async, answer, status, detail):
    if is_async and authenticate is sync:
        authenticate = on_asyncio
    outcome = authenticate(strategy(returning(answer, is_async=is_async)), direct())
    assert outcome == Failure(
        RejectionReason.CALLBACK_RETURNED_FALSE,
        "The client certificate is not authorized.",
        status,
        ALICE.certificate,
        detail,
    )
    assert not outcome


def returning(answer, *, is_async):
    async def later(certificate):
        return answer

    return later if is_async else lambda certificate: answer


async def _forgotten(user):
    return user


def _yields(user):
    yield user


async def _yields_later(user):
    yield user


@every_way
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    "answer",
    [
        lambda: Accept(_forgotten(None)),
        lambda: _yields(None),
        lambda: _yields_later(None),
        lambda: Accept(Reject()),
        lambda: Accept(Accept(None)),
        lambda: Reject,
        lambda: Failure(RejectionReason.CALLBACK_RETURNED_FALSE, "no"),
        lambda: Success("bob", ALICE.certificate),
    ],
)
def test_an_answer_that_can_be_nobody_lets_nobody_in(backend, authenticate, is_async, answer):
    if is_async and authenticate is sync:
        authenticate = on_asyncio
    with pytest.raises(ConfigurationError, match="no user"):
        authenticate(strategy(returning(answer(), is_async=is_async)), direct())


@pytest.mark.parametrize("style", [lambda verify: verify, lambda verify: callback_style(_with_done(verify))])
def test_a_forgotten_await_within_verify_lets_nobody_in(backend, style):
    async def verify(certificate):
        return _forgotten(None)

    with pytest.raises(ConfigurationError, match="no user"):
        on_asyncio(strategy(style(verify)), direct())


def _with_done(verify):
    async def with_done(certificate, done):
        done(None, await verify(certificate))

    return with_done


@every_way
def test_what_verify_raises_propagates_and_no_hook_is_called(backend, authenticate):
    heard = []
    failing = strategy(
        lambda _: 1 / 0, on_authenticated=lambda *_: heard.append(1), on_rejected=lambda *_: heard.append(2)
    )
    with pytest.raises(ZeroDivisionError):
        authenticate(failing, direct())
    drain()
    assert heard == []


@every_way
def test_the_certificate_is_attached_before_verify_runs_and_stays_after_a_rejection(backend, authenticate):
    request = direct()
    seen = []
    authenticate(strategy(lambda _: seen.append(request.attached)), request)
    assert seen == [ALICE.certificate]
    assert request.attached == ALICE.certificate


def test_nothing_is_attached_where_extraction_failed(backend):
    request = forwarded(peer=STRANGER)
    from_header().authenticate(request)
    assert request.attached is None


def test_a_policy_is_a_verify(backend):
    assert strategy(allow_cn(["alice"])).authenticate(direct()).user == ALICE.certificate
    assert strategy(allow_cn(["bob"])).authenticate(direct()).reason == "callback_returned_false"

    async def is_alice(certificate):
        return certificate["subject"]["CN"] == "alice"

    combined = strategy(any_of(allow_cn(["bob"]), is_alice))
    assert combined.is_async
    assert on_asyncio(combined, direct()).user == ALICE.certificate


def test_an_async_verify_cannot_be_called_without_await(backend):
    async def verify(certificate):
        return certificate

    assert strategy(verify).is_async
    assert not strategy(accept).is_async
    with pytest.raises(ConfigurationError, match="write `await"):
        strategy(verify).authenticate(direct())
    # Nothing about this function says that it is async.
    with pytest.raises(ConfigurationError, match="write `await"):
        strategy(lambda *args: verify(*args)).authenticate(direct())  # noqa: PLW0108 - hides it


# Outcomes


def test_outcomes_cannot_be_changed(backend):
    outcomes = [strategy().authenticate(direct()), strategy().authenticate(FakeRequest()), Accept("a"), Reject()]
    for outcome in outcomes:
        for field in dataclasses.fields(outcome):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(outcome, field.name, None)


def test_every_reason_has_one_message_and_details_are_not_in_it(backend):
    messages = {}
    for detail_of in ("X-Verify", "X-Other"):
        outcome = from_header(verify_header=detail_of, verify_value="SUCCESS").authenticate(forwarded())
        messages.setdefault(outcome.reason, set()).add(outcome.message)
        assert detail_of.lower() in outcome.detail
    assert messages == {"verification_header_mismatch": {"The client certificate has not been verified."}}


def test_a_request_without_any_sign_of_a_certificate_presents_none(backend):
    presented = {
        "nothing": from_header().authenticate(FakeRequest()).presented,
        "placeholder": from_header().authenticate(FakeRequest([("X-Cert", "(null)")])).presented,
        "no TLS": strategy().authenticate(FakeRequest()).presented,
        "malformed": from_header().authenticate(FakeRequest([("X-Cert", "junk")])).presented,
        "stranger": from_header().authenticate(forwarded(peer=STRANGER)).presented,
        "rejected": strategy(lambda _: False).authenticate(direct()).presented,
        "unreadable": strategy().authenticate(FakeRequest(connection=TLSConnection(authorized=True))).presented,
    }
    assert presented == {
        "nothing": False,
        "placeholder": False,
        "no TLS": False,
        "malformed": True,
        "stranger": True,
        "rejected": True,
        "unreadable": True,
    }


def test_an_unreadable_certificate_of_the_connection_is_heard_of_and_is_no_exception(backend):
    heard = []
    request = FakeRequest(connection=TLSConnection(authorized=True, certificates=(b"junk",)), native="theirs")
    outcome = strategy(on_rejected=lambda *args: heard.append(args)).authenticate(request)
    drain()
    assert outcome.status == 500
    assert outcome.message == "The client certificate could not be read."
    assert "cannot be read" in outcome.detail
    assert heard == [(None, "theirs", "certificate_not_retrievable")]


# callback_style


@every_way
def test_done_accepts_and_rejects_as_in_passport(backend, authenticate):
    outcomes = [
        authenticate(strategy(callback_style(lambda cert, done, args=args: done(*args))), direct())
        for args in (
            (None, "alice"),
            (None, "alice", "info"),
            (None, True),
            (None, False),
            (None, False, "unknown device"),
            (None,),
        )
    ]
    certificate = ALICE.certificate
    assert outcomes[:3] == [
        Success("alice", certificate),
        Success("alice", certificate, "info"),
        Success(certificate, certificate),
    ]
    assert [(str(outcome.reason), outcome.detail) for outcome in outcomes[3:]] == [
        ("callback_returned_false", None),
        ("callback_returned_false", "unknown device"),
        ("callback_returned_false", None),
    ]


@every_way
def test_done_with_an_error_raises_it(backend, authenticate):
    with pytest.raises(LookupError, match="no database"):
        authenticate(strategy(callback_style(lambda cert, done: done(LookupError("no database"), "alice"))), direct())
    for error in ("no database", False, 0):
        with pytest.raises(ClientCertError, match="verify reported"):
            authenticate(strategy(callback_style(lambda cert, done, error=error: done(error, "alice"))), direct())


@every_way
def test_only_the_first_done_counts(backend, authenticate):
    def verify(certificate, done):
        done(None, False)  # noqa: FBT003 - as callbacks in this style are called
        done(None, "alice")
        done(LookupError())

    assert authenticate(strategy(callback_style(verify)), direct()).reason == "callback_returned_false"


@every_way
def test_an_exception_after_done_is_not_lost(backend, authenticate):
    def verify(certificate, done):
        done(None, "alice")
        raise LookupError("after the answer")

    with pytest.raises(LookupError, match="after the answer"):
        authenticate(strategy(callback_style(verify)), direct())


@every_way
def test_a_callback_that_forgets_done_is_an_error_and_no_wait(backend, authenticate):
    with pytest.raises(ClientCertError, match="has not called done"):
        authenticate(strategy(callback_style(lambda cert, done: None)), direct())


@every_way
def test_callback_style_passes_the_request_too(backend, authenticate):
    passing = strategy(
        callback_style(lambda request, cert, done: done(None, (request, accept(cert)))), pass_request=True
    )
    assert authenticate(passing, direct(native="theirs")).user == ("theirs", "alice")


def test_done_may_be_called_later_on_the_loop(backend):
    def verify(certificate, done):
        asyncio.get_running_loop().call_soon(done, None, "alice")

    assert on_asyncio(strategy(callback_style(verify)), direct()).user == "alice"


@every_loop
def test_done_may_be_called_later_in_a_thread(backend, authenticate):
    threads = []

    def verify(certificate, done):
        threads.append(threading.Thread(target=done, args=(None, "alice")))
        threads[0].start()

    assert authenticate(strategy(callback_style(verify)), direct()).user == "alice"
    threads[0].join()


@every_loop
def test_a_done_that_is_dropped_later_is_an_error_and_no_wait(backend, authenticate):
    kept, threads = [], []

    def verify(certificate, done):
        kept.append(done)
        threads.append(threading.Thread(target=kept.clear))
        threads[0].start()

    with pytest.raises(ClientCertError, match="has not called done"):
        authenticate(strategy(callback_style(verify)), direct())
    threads[0].join()


def test_under_the_sync_call_done_comes_too_late_after_verify_has_returned(backend):
    kept = []
    with pytest.raises(ClientCertError, match="has not called done"):
        strategy(callback_style(lambda cert, done: kept.append(done))).authenticate(direct())
    kept[0](None, "alice")  # nobody listens, and nothing is raised


def test_done_after_the_end_of_the_loop_is_ignored(backend):
    kept = []

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting.authenticate_async(direct()), 0.01)

    waiting = strategy(callback_style(lambda cert, done: kept.append(done)))
    asyncio.run(main())
    kept[0](None, "alice")


def test_a_callback_may_be_async(backend):
    async def verify(certificate, done):
        await asyncio.sleep(0)
        done(None, "alice")

    mine = strategy(callback_style(verify))
    assert mine.is_async
    assert on_asyncio(mine, direct()).user == "alice"


def test_a_callback_that_turns_out_to_be_async_is_refused_by_the_sync_call(backend):
    async def verify(certificate, done):
        done(None, "alice")

    hidden = strategy(callback_style(lambda *args: verify(*args)))  # noqa: PLW0108 - hides that it is async
    with pytest.raises(ConfigurationError, match="write `await"):
        hidden.authenticate(direct())
    assert on_asyncio(hidden, direct()).user == "alice"


# Options that cannot be meant


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"verify": "allow"}, "verify must be a function"),
        ({"verify": None}, "verify must be a function"),
        ({"name": ""}, "name must be a string"),
        ({"name": 7}, "name must be a string"),
        ({"pass_request": 1}, "pass_request must be True or False"),
        ({"include_chain": "yes"}, "include_chain must be True or False"),
        ({"check_validity": None}, "check_validity must be True or False"),
        ({"accept_unverified": 1}, "accept_unverified must be True or False"),
        ({"fallback_to_socket": 1}, "fallback_to_socket must be True or False"),
        ({"on_authenticated": "log"}, "on_authenticated must be a function"),
        ({"on_rejected": 1}, "on_rejected must be a function"),
        # functions that cannot be called as they will be
        ({"verify": lambda: True}, r"called as verify\(certificate\), and does not take that"),
        ({"verify": lambda request, certificate: True}, "add pass_request=True"),
        ({"verify": lambda certificate, done: done(None, "alice")}, r"write callback_style\(verify\)"),
        ({"verify": accept, "pass_request": True}, "leave out pass_request"),
        ({"verify": callback_style(accept)}, r"called as verify\(certificate, done\)"),
        (
            {"verify": callback_style(lambda certificate, done: done(None, "alice")), "pass_request": True},
            r"called as verify\(request, certificate, done\)",
        ),
        ({"on_authenticated": accept}, r"called as on_authenticated\(certificate, request\)"),
        ({"on_rejected": accept}, r"called as on_rejected\(certificate_or_none, request, reason\)"),
        # the source
        ({"certificate_source": "NGINX", "trusted_proxies": "*"}, "is it 'nginx'"),
        ({"certificate_source": "ngnix", "trusted_proxies": "*"}, "is it 'nginx'"),
        ({"certificate_source": "apple", "trusted_proxies": "*"}, "no preset 'apple'"),
        ({"certificate_source": "", "trusted_proxies": "*"}, "no preset ''"),
        ({"certificate_source": b"nginx", "trusted_proxies": "*"}, "must be a preset or its name"),
        ({"certificate_source": "nginx"}, "trusted_proxies is missing"),
        ({"certificate_source": "nginx", "certificate_header": "X-Cert"}, r"\.replace\(header="),
        ({"certificate_source": "nginx", "header_encoding": "pem"}, r"\.replace\(header="),
        ({"certificate_source": "nginx", "chain_header": "X-Chain"}, r"\.replace\(header="),
        # the header
        ({"certificate_header": "X-Cert"}, "needs header_encoding"),
        ({"header_encoding": "pem"}, "name that, too"),
        ({"chain_header": "X-Chain"}, "name that, too"),
        ({"certificate_header": "X-Cert", "header_encoding": "pem-url", "trusted_proxies": "*"}, "must be one of"),
        ({"certificate_header": "X Cert", "header_encoding": "pem", "trusted_proxies": "*"}, "is not a header name"),
        ({"certificate_header": "", "header_encoding": "pem", "trusted_proxies": "*"}, "is not a header name"),
        ({"certificate_header": "X-Cert", "header_encoding": "pem"}, "trusted_proxies is missing"),
        ({"certificate_source": "nginx", "trusted_proxies": []}, "trusts nobody"),
        (
            {"certificate_header": "A", "header_encoding": "pem", "chain_header": "B", "trusted_proxies": "*"},
            "set that, too",
        ),
        # the verdict
        ({"certificate_source": "envoy", "trusted_proxies": "*", "verify_header": "X-Verify"}, "go together"),
        ({"certificate_source": "envoy", "trusted_proxies": "*", "verify_value": "SUCCESS"}, "go together"),
        (
            {"certificate_source": "envoy", "trusted_proxies": "*", "verify_header": "", "verify_value": ""},
            "not empty",
        ),
        (
            {"certificate_source": "envoy", "trusted_proxies": "*", "verify_header": "", "verify_value": "OK"},
            "is not a header name",
        ),
        (
            {
                "certificate_source": "nginx",
                "trusted_proxies": "*",
                "verify_header": "x_ssl_client_verify",
                "verify_value": "NONE",
            },
            "two meanings",
        ),
        ({"verify_header": "X-Verify", "verify_value": "SUCCESS"}, "name certificate_source"),
        # the connection
        ({"trusted_proxies": ["10.0.0.1"]}, "none is read"),
        ({"trusted_proxies": "*"}, "none is read"),
        ({"fallback_to_socket": True}, "leave it out"),
        # xfcc
        ({"certificate_source": "envoy", "trusted_proxies": "*", "xfcc_elements": 0}, "from 1 to 100"),
        ({"certificate_source": "envoy", "trusted_proxies": "*", "xfcc_elements": 101}, "from 1 to 100"),
        ({"certificate_source": "envoy", "trusted_proxies": "*", "xfcc_elements": True}, "from 1 to 100"),
        ({"certificate_source": "envoy", "trusted_proxies": "*", "xfcc_elements": 2.0}, "from 1 to 100"),
        ({"certificate_source": "nginx", "trusted_proxies": "*", "xfcc_elements": 2}, "encoding 'xfcc'"),
        ({"xfcc_elements": 2}, "encoding 'xfcc'"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_with_what_to_write(options, advice):
    with pytest.raises(ConfigurationError, match=advice):
        ClientCertStrategy(**{"verify": accept} | options)


@pytest.mark.parametrize(
    "verify",
    [
        allow_cn(["alice"]),
        allow_serial(["01"], issuer={"CN": "clientcert test CA"}),
        any_of(allow_fingerprints(["9c" * 32]), allow_cn(["alice"])),
        any_of(accept, allow_cn(["alice"])),
        all_of(allow_cn(["alice"]), any_of(allow_cn(["bob"]), allow_cn(["carol"]))),
        all_of(allow_cn(["alice"]), any_of(is_async_and_accepts, allow_cn(["bob"]))),
    ],
    ids=repr,
)
def test_what_a_certificate_says_of_itself_is_not_believed_where_nobody_verifies_it(verify):
    with pytest.raises(ConfigurationError, match="believes what a certificate says of itself"):
        strategy(verify, certificate_source="aws-alb", trusted_proxies=TRUSTED, accept_unverified=True)
    assert strategy(verify, certificate_source="aws-alb-verify", trusted_proxies=TRUSTED)


@pytest.mark.parametrize(
    "verify",
    [
        allow_fingerprints(["9c" * 32]),
        all_of(allow_cn(["alice"]), allow_fingerprints(["9c" * 32])),
        all_of(allow_cn(["alice"]), accept),
        any_of(accept, is_async_and_accepts, all_of(allow_cn(["alice"]), allow_fingerprints(["9c" * 32]))),
        accept,
    ],
    ids=repr,
)
def test_what_knows_the_certificate_itself_may_be_asked_where_nobody_verifies_it(verify):
    assert strategy(verify, certificate_source="aws-alb", trusted_proxies=TRUSTED, accept_unverified=True)


@pytest.mark.parametrize("status", [200, 302, 399, 600, "403", None, 401.0])
def test_a_rejection_has_the_status_of_an_error(status):
    with pytest.raises(ConfigurationError, match="from 400 to 599"):
        Reject(status=status)


def test_the_status_of_a_rejection_may_be_a_member_of_http_status():
    rejection = strategy(lambda certificate: Reject(status=HTTPStatus.FORBIDDEN)).authenticate(direct())
    assert f"{rejection.status}" == "403"


def test_a_function_is_judged_by_what_is_called_not_by_what_it_wraps():
    def with_database(database, certificate):
        return accept(certificate)

    @functools.wraps(with_database)
    def verify(certificate):
        return with_database(None, certificate)

    assert strategy(verify).authenticate(direct()).user == "alice"


@pytest.mark.parametrize("verify", [type, print, functools.partial(dict.get, {}), dict[str, str]().get, str])
def test_a_function_that_does_not_say_what_it_takes_may_be_right(verify):
    ClientCertStrategy(verify)


def test_an_awaitable_that_is_no_coroutine_is_not_taken_for_a_user():
    class Later:
        def __await__(self):
            yield

    with pytest.raises(ConfigurationError, match="authenticate_async"):
        strategy(lambda _: Later()).authenticate(direct())


def test_outcomes_are_told_apart_in_a_condition():
    assert strategy().authenticate(direct())
    assert not strategy().authenticate(FakeRequest())


def test_callback_style_takes_a_function():
    with pytest.raises(ConfigurationError, match="must be a function"):
        callback_style("verify")


def test_the_same_strategy_serves_threads_at_once(backend):
    requests = [(issued, forwarded(issued=issued, peer=PROXY)) for issued in map(CA.issue, "abcdefgh")]
    mine, wrong = from_header(), []

    def serve(seed):
        for number in range(400):
            issued, request = requests[(number * seed) % len(requests)]
            outcome = mine.authenticate(request)
            if outcome.certificate["raw"] != issued.der:
                wrong.append(outcome)

    threads = [threading.Thread(target=serve, args=(seed,)) for seed in (1, 3, 5, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
