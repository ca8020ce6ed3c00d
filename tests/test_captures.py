"""What real proxies sent, replayed: the true client or a refusal with its reason, and the victim only where listed."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from clientcert import PRESETS, ClientCertStrategy, parse_pem
from clientcert.asgi import ASGIRequest, ClientCertMiddleware
from clientcert.wsgi import WSGIRequest

HERE = Path(__file__).parent / "captures"
VERDICT = (("X-SSL-Client-Verify", "SUCCESS"),)
OPENSSL_VERDICT = (("X-SSL-Client-Verify", "0"),)

with gzip.open(HERE / "captures.jsonl.gz", "rt") as lines:
    RECORDS = defaultdict(list)
    for line in lines:
        record = json.loads(line)
        RECORDS[record["proxy"], record["mode"]].append(record)


def options(preset, *, xfcc_elements=1, **changes):
    return {"certificate_source": PRESETS[preset].replace(**changes), "xfcc_elements": xfcc_elements}


def verified_rfc9440(*verdicts):
    return options("rfc9440", verdicts=verdicts, verified_by="verdict")


# How a user would configure the strategy for each directive.
CONFIGURATIONS = {
    ("nginx", "escaped"): options("nginx"),
    ("nginx", "inheritance_gotcha"): options("nginx"),
    ("nginx", "folded_pem"): options("nginx", encoding="pem"),
    ("nginx", "rfc9440_map"): verified_rfc9440(*VERDICT),
    ("haproxy", "der_base64"): options("haproxy"),
    ("haproxy", "rfc9440"): verified_rfc9440(("X-SSL-Client-Used", "1"), *OPENSSL_VERDICT),
    ("haproxy", "rfc9440_safe"): options("rfc9440"),
    # These three send no ssl_c_used, which the preset asks for.
    ("haproxy", "add_header"): options("haproxy", verdicts=OPENSSL_VERDICT),
    ("haproxy", "set_if_cert"): options("haproxy", verdicts=OPENSSL_VERDICT),
    ("haproxy", "der_hex"): options(
        "haproxy", verdicts=OPENSSL_VERDICT, encoding="hex-der", chain_header=None, chain_encoding=None
    ),
    ("apache", "pem_s"): options("apache"),
    ("apache", "pem_s+SSLSessionTickets_off"): options("apache"),
    ("apache", "export_env_e"): options("apache"),
    ("apache", "add_header"): options("apache"),
    ("apache", "conn_unset"): options("apache"),
    ("apache", "unset_then_set"): options("apache"),
    ("apache", "escape_expr"): options("apache", encoding="url-pem"),
    ("apache", "base64_expr"): options("apache", encoding="base64-pem"),
    ("apache", "rfc9440_edit"): verified_rfc9440(*VERDICT),
    ("caddy", "placeholders"): options("caddy"),
    ("caddy", "der_base64"): options("caddy"),
    ("caddy", "add_header"): options("caddy"),
    ("caddy", "hardened"): options("caddy"),
    ("caddy", "rfc9440"): options("rfc9440"),
    ("traefik", "pem"): options("traefik"),
    ("traefik", "pem_info"): options("traefik"),
    ("traefik", "pem_insecure_fh"): options("traefik"),
    ("traefik", "plain"): options("traefik"),
    ("traefik", "no_middleware"): options("traefik"),
    ("envoy", "sanitize_set"): options("envoy"),
    ("envoy", "sanitize_set_cert_only"): options("envoy"),
    ("envoy", "sanitize_set_drop_underscore"): options("envoy"),
    ("envoy", "sanitize_set_istio_like"): options("envoy"),
    ("envoy", "sanitize_set_no_details"): options("envoy"),
    ("envoy", "append_forward"): options("envoy"),
    ("envoy", "forward_only"): options("envoy"),
    ("envoy", "always_forward_only"): options("envoy"),
    ("envoy", "sanitize"): options("envoy"),
    ("envoy", "two_hop:sanitize_set>append_forward"): options("envoy", xfcc_elements=2),
    ("envoy", "two_hop:sanitize_set>forward_only"): options("envoy"),
    ("envoy", "two_hop:sanitize_set>sanitize_set"): options("envoy"),
    ("envoy", "two_hop:append_forward>append_forward"): options("envoy", xfcc_elements=2),
    ("envoy", "two_hop:append_forward>forward_only"): options("envoy"),
    ("envoy", "two_hop:append_forward>sanitize_set"): options("envoy"),
}

NOT_REPLAYED = {
    ("nginx", "raw_pem"): "the value has bare line feeds, which no HTTP server hands on",
    ("apache", "pem_expr"): "the value has bare line feeds, which no HTTP server hands on",
}

# The identity in the header is the outer proxy's: SANITIZE_SET replaces what that one said of its client.
SHOWS_THE_LAST_HOP = {"two_hop:sanitize_set>sanitize_set", "two_hop:append_forward>sanitize_set"}

FORWARDS_NO_CERTIFICATE = {
    "forward_only": "hands on what the client sent, and adds nothing",
    "always_forward_only": "hands on what the client sent, and adds nothing",
    "sanitize": "removes the header, and adds nothing",
    "sanitize_set_istio_like": "has Hash, Subject, URI and DNS: a certificate is not among them",
    "sanitize_set_no_details": "has By and Hash: a certificate is not among them",
}

# The only value that reaches the server is the client's own, from a trusted peer, and nothing shows it: these proxies
# are configured to pass it.
HANDED_OVER = {
    ("nginx", "inheritance_gotcha", "forged_exact"): "proxy_set_header in a location discards the inherited ones",
    (
        "haproxy",
        "set_if_cert",
        "forged_exact_no_cert",
    ): "set-header has a condition, and ssl_c_used is not sent to show",
    (
        "traefik",
        "pem_insecure_fh",
        "forged_exact_no_cert",
    ): "forwardedHeaders.insecure, and the middleware removes none",
    ("envoy", "always_forward_only", "forged_lowercase"): "ALWAYS_FORWARD_ONLY hands on what the client wrote",
    ("envoy", "always_forward_only", "forged_uppercase"): "ALWAYS_FORWARD_ONLY hands on what the client wrote",
    ("envoy", "always_forward_only", "forged_exact_untrusted"): "ALWAYS_FORWARD_ONLY hands on what the client wrote",
    ("envoy", "always_forward_only", "forged_exact_no_cert"): "ALWAYS_FORWARD_ONLY hands on what the client wrote",
}

# The identity is true, but nobody has verified it, and the verdict says otherwise: SSLVerifyClient optional_no_ca with
# a resumed session of TLS 1.2.
VERDICT_IS_WRONG = {("apache", "pem_s"), ("apache", "pem_s+SSLSessionTickets_off"), ("apache", "unset_then_set")}

VICTIM = parse_pem((HERE / "pki" / "victim.pem").read_text())["raw"]

SENDS_CHAIN = {
    ("haproxy", "der_base64"),
    *((proxy, mode) for proxy, mode in CONFIGURATIONS if proxy == "traefik"),
    *((proxy, mode) for proxy, mode in CONFIGURATIONS if proxy == "envoy" and mode != "sanitize_set_cert_only"),
}


# Why a request is refused, by the reason that it gets. Each is a sentence about the record, which must hold.


def is_not_verified(record):
    """The proxy has not verified the certificate, and says so, or forwards nothing."""
    return record["leaf"] in {"selfsigned", "expired"} and record["verify"] == "noverify"


def has_expired(record):
    return record["leaf"] == "expired"


def has_a_similar_name(record):
    return record["forged"] and any("_" in name for name, _ in record["headers"])


def names_watched_headers_in_connection(record):
    return any(name.lower() == "connection" and "cert" in value.lower() for name, value in record["headers"])


def has_lost_the_header_to_connection(record):
    """Apache has removed what it had set, for the client named it in Connection."""
    return record["proxy"] == "apache" and "cert" in record["sent_connection"].lower()


def has_two_lines(record):
    names = Counter(name.lower() for name, _ in record["headers"])
    return max(names.values()) > 1


def has_delimiters_outside_of_quotes(record):
    """Envoy writes URI and DNS without quotes: a delimiter in them is one of the header."""
    return record["proxy"] == "envoy" and record["leaf"] in {"awkward", "inj_uri", "inj_uriq", "inj_dns"}


def has_elements_of_the_client(record):
    return record["proxy"] == "envoy" and record["forged"] and "x-forwarded-client-cert" in dict(record["headers"])


def comes_from_a_mode_without_certificates(record):
    return record["mode"] in FORWARDS_NO_CERTIFICATE


def has_only_the_last_hop(record):
    """The client had no certificate: the only element is that of the outer proxy."""
    return record["expect_sha256"] is None and record["mode"].startswith("two_hop:")


EXPLANATIONS = {
    "verification_header_mismatch": [is_not_verified],
    "certificate_expired": [has_expired],
    "ambiguous_header_name": [has_a_similar_name, names_watched_headers_in_connection],
    "duplicate_header": [has_two_lines],
    "header_missing_or_malformed": [
        is_not_verified,
        has_lost_the_header_to_connection,
        has_delimiters_outside_of_quotes,
        has_elements_of_the_client,
        comes_from_a_mode_without_certificates,
        has_only_the_last_hop,
    ],
}


def scope(record):
    # A server replaces a folded line by a space (RFC 9112, section 5.2).
    headers = [
        (name.lower().encode(), value.replace("\n\t", " ").encode("latin-1")) for name, value in record["headers"]
    ]
    return {"type": "http", "method": "GET", "headers": headers, "client": ("10.0.0.5", 40000), "server": ("app", 80)}


async def replay(strategy, record):
    """The outcome, and the certificate that the application behind the middleware sees, if it is called at all."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["client_certificate"])

    async def send(message):
        assert message["type"].startswith("http.response")

    await ClientCertMiddleware(app, strategy)(scope(record), None, send)
    return await strategy.authenticate_async(ASGIRequest(scope(record))), seen


def sha256(certificate):
    return certificate["fingerprint256"].replace(":", "").lower()


def judged(record, outcome):
    """What the outcome is, in a word or in a sentence; AssertionError if it is not a right one."""
    key = record["proxy"], record["mode"]
    if outcome:
        identity, *chain = map(sha256, outcome.certificate.chain)
        if record["forged"] and outcome.certificate["raw"] == VICTIM:
            assert (*key, record["scenario"]) in HANDED_OVER, record["id"]
            return "handed over"
        expected = record["hop_cert_sha256"] if record["mode"] in SHOWS_THE_LAST_HOP else record["expect_sha256"]
        assert identity == expected, record["id"]
        if record["mode"] not in SHOWS_THE_LAST_HOP:
            in_full = key in SENDS_CHAIN and not (record["proxy"] == "haproxy" and record["session_reused"])
            assert chain == (record["chain_sha256"] if in_full else []), record["id"]
        if is_not_verified(record) and key in VERDICT_IS_WRONG:
            assert record["session_reused"], record["id"]
            return "verdict is wrong"
        return "identified"
    if record["expect_sha256"] is None and not outcome.presented:
        return "none presented"
    return next(explanation.__name__ for explanation in EXPLANATIONS[outcome.reason] if explanation(record))


async def outcomes(key):
    strategy = ClientCertStrategy(
        lambda certificate: certificate["subject"],
        **CONFIGURATIONS[key],
        trusted_proxies=["10.0.0.5"],
        include_chain=True,
    )
    judgements = Counter()
    for record in RECORDS[key]:
        outcome, seen = await replay(strategy, record)
        assert seen == ([outcome.certificate] if outcome else []), record["id"]
        try:
            judgements[judged(record, outcome)] += 1
        except StopIteration:
            pytest.fail(f"{record['id']}: {outcome.reason} ({outcome.detail}) has no explanation")
        if outcome and outcome.certificate["raw"] == VICTIM and record["forged"]:
            judgements[*key, record["scenario"]] += 1
    return judgements


@pytest.mark.parametrize("key", CONFIGURATIONS, ids="-".join)
def test_a_proxys_requests_give_the_true_client_or_a_refusal_with_its_reason(backend, key):
    asyncio.run(outcomes(key))


def test_every_request_is_accounted_for_and_no_entry_of_a_list_is_stale(backend):
    total = Counter()
    for key in CONFIGURATIONS:
        total += asyncio.run(outcomes(key))
    judgements = {name: count for name, count in total.items() if isinstance(name, str)}
    not_replayed = sum(len(RECORDS[key]) for key in NOT_REPLAYED)
    print(*(f"{count:5} {name}" for name, count in judgements.items()), f"{not_replayed:5} not replayed", sep="\n")  # noqa: T201 - the counts are what one wants to read

    assert CONFIGURATIONS.keys() | NOT_REPLAYED.keys() == RECORDS.keys()
    assert sum(map(len, RECORDS.values())) == 1087
    assert sum(judgements.values()) + not_replayed == 1087
    assert {name for name in total if not isinstance(name, str)} == HANDED_OVER.keys()
    explanations = {explanation.__name__ for group in EXPLANATIONS.values() for explanation in group}
    assert explanations | {"identified", "handed over", "verdict is wrong", "none presented"} == judgements.keys()


def environ(record):
    """The environ of a WSGI server that drops names with underscores, as gunicorn does, and joins repeated lines."""
    variables = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "10.0.0.5"}
    for name, value in record["headers"]:
        if "_" not in name:
            variable = f"HTTP_{name.upper().replace('-', '_')}"
            text = value.replace("\n\t", " ")
            variables[variable] = f"{variables[variable]},{text}" if variable in variables else text
    return variables


def test_joined_lines_make_nobody_of_a_client_but_himself(backend):
    handed_over = set()
    for key, configuration in CONFIGURATIONS.items():
        strategy = ClientCertStrategy(lambda _: True, **configuration, trusted_proxies=["10.0.0.5"])
        for record in RECORDS[key]:
            outcome = strategy.authenticate(WSGIRequest(environ(record)))
            if outcome and outcome.certificate["raw"] == VICTIM and record["forged"]:
                handed_over.add((*key, record["scenario"]))
            elif outcome:
                expected = "hop_cert_sha256" if record["mode"] in SHOWS_THE_LAST_HOP else "expect_sha256"
                assert sha256(outcome.certificate) == record[expected], record["id"]
    # Here a name with underscores beside the forged one gave it away under ASGI.
    assert handed_over == HANDED_OVER.keys() | {("envoy", "always_forward_only", "plain_http_forged")}
