"""The configurations behind the captures: `proxy-config --check` finds each under which a forgery arrived."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from clientcert import parse_pem
from clientcert.proxy_config.check import dangers, recognise

HERE = Path(__file__).parent / "captures"

# Where the servers of a file begin, with a name that has the mode and the verification in it.
FILES = {
    "nginx.conf": r"  server \{   # (.*)",
    "haproxy.cfg": r"frontend (.*)",
    "apache.conf": r"# ((?:mode=|plain ).*)",
    "envoy.yaml": r"  - name: (\w+__\w+)",
    "traefik.yml": r"  ((?:pem|plain|nomw)\S*):",
}

# These are called otherwise where they are configured.
NAMES = {
    "nginx escaped plain_http": "plain http listener same header block",
    "nginx inheritance_gotcha optional": "classic gotcha a proxy_set_header inside location discards all inherited "
    "proxy_set_header lines",
    "apache pem_s plain_http": "plain http listener same header block",
    "apache pem_s SSLSessionTickets_off noverify": "pem_s optional_no_ca SSLSessionTickets off",
    "haproxy der_base64 plain_http": "plain",
    "traefik no_middleware optional": "nomw",
    "traefik plain plain_http": "plain",
}


def folded(title):
    return re.sub(r"[\W_]+", " ", re.sub(r"\b(?:mode|verify)=", "", title)).strip().lower()


def servers(file):
    """By the name of each server, the settings that are found to be dangerous in it."""
    text = (HERE / "conf" / file).read_text()
    starts = [
        (number, folded(match[1]))
        for number, line in enumerate(text.splitlines(), 1)
        if (match := re.fullmatch(FILES[file], line))
    ]
    found = {name: set() for _, name in starts}
    for danger in dangers(text, recognise(text)):
        before = [name for number, name in starts if number <= danger.line]
        if before:  # nginx has a map above its servers
            found[before[-1]].add(danger.setting)
    return found


FOUND = {recognise((HERE / "conf" / file).read_text()): servers(file) for file in FILES}


def server(record):
    """The name of the server that a request went to."""
    proxy, mode, verify = record["proxy"], record["mode"], record["verify"]
    if record["scenario"] == "underscores_in_headers_on":
        return "escaped but underscores in headers on"
    key = f"{proxy} {mode.replace('+', ' ')} {verify}"
    if key in NAMES:
        return folded(NAMES[key])
    if proxy == "envoy" and verify == "plain_http":
        return folded(f"plain {mode}")
    return folded(f"{mode.replace('two_hop:', 'hop_outer ')} {verify}")


VICTIM = parse_pem((HERE / "pki" / "victim.pem").read_text())["raw"]
WRITTEN = [
    base64.b64encode(VICTIM).decode(),
    VICTIM.hex(),
    hashlib.sha256(VICTIM).hexdigest(),
    base64.b64encode((HERE / "pki" / "victim.pem").read_bytes()).decode().rstrip("="),
]


def shows_the_victim(value):
    folded = re.sub(r"\s", "", unquote(value))
    return any(text in folded or text in folded.lower() for text in WRITTEN)


def records():
    with gzip.open(HERE / "captures.jsonl.gz", "rt", encoding="utf-8") as file:
        # Caddy's modes are in dangerous/Caddyfile.
        return [record for record in map(json.loads, file) if record["proxy"] != "caddy"]


RECORDS = records()
ARRIVED = {
    (record["proxy"], server(record))
    for record in RECORDS
    if record["forged"] and any(shows_the_victim(value) for _, value in record["headers"])
}


def test_each_request_went_to_a_server_that_is_among_the_configurations():
    assert {(record["proxy"], server(record)) for record in RECORDS} <= {
        (proxy, name) for proxy, found in FOUND.items() for name in found
    }


@pytest.mark.parametrize(("proxy", "name"), sorted(ARRIVED), ids=lambda text: text)
def test_a_server_through_which_a_forgery_arrived_is_found(proxy, name):
    assert FOUND[proxy][name]


UNVERIFIED = {
    (record["proxy"], server(record))
    for record in RECORDS
    if record["leaf"] in {"selfsigned", "expired"} and record["expect_sha256"] and record["proxy"] != "traefik"
}


@pytest.mark.parametrize(("proxy", "name"), sorted(UNVERIFIED), ids=lambda text: text)
def test_a_server_that_let_in_who_was_not_verified_is_found(proxy, name):
    assert {
        "ssl_verify_client optional_no_ca",
        "crt-ignore-err",
        "SSLVerifyClient optional_no_ca",
        "ACCEPT_UNTRUSTED",
        "require_client_certificate",
    } & FOUND[proxy][name]


def test_nothing_is_found_in_the_other_servers():
    silent = {proxy: {name for name, settings in found.items() if not settings} for proxy, found in FOUND.items()}
    verified = ("require bundle", "require root", "optional")
    assert silent == {
        "nginx": {f"{mode} {verify}" for mode in ("escaped", "rfc9440 map") for verify in verified}
        | {"plain http listener same header block"},
        "haproxy": {f"rfc9440 safe {verify}" for verify in verified},
        "apache": set(),
        "envoy": set(),
        "traefik": {
            f"{mode} {verify}"
            for mode in ("pem", "pem info")
            for verify in (*verified, "noverify", "require any")  # which is said in the dynamic configuration
        }
        | {"plain", "nomw"},
    }


def test_what_the_dynamic_configuration_of_traefik_has_is_found():
    text = (HERE / "conf" / "traefik-dynamic.yml").read_text()
    assert {danger.setting for danger in dangers(text, "traefik")} == {
        "clientAuthType: RequestClientCert",
        "clientAuthType: RequireAnyClientCert",
        "passTLSClientCert.info",
        "router nomw",
        "router nomw-insecure-fh",
    }
