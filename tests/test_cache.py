"""The cache of decoded certificates: it forgets, within its bounds, and never mixes up."""

from __future__ import annotations

import sys
import threading
import time
import tracemalloc
from types import SimpleNamespace

import pytest

from clientcert import ClientCertStrategy, cache, encode_header, extract, parse_header
from clientcert.cache import Cache
from clientcert.testing import CertificateAuthority
from fake_request import STRANGER, FakeRequest


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(cache, "_ENTRIES", 4)
    monkeypatch.setattr(cache, "_BYTES", 100)
    return Cache(lambda key, _: len(key))


def test_what_was_put_is_found_and_nothing_else(small):
    small.put(b"key", "value")
    assert small.get(b"key") == "value"
    assert small.get(b"other") is None


def test_no_more_entries_are_kept_than_one_generation_has_and_the_last_are_among_them(small):
    for number in range(100):
        small.put((number,), number)
        kept = [other for other in range(100) if (other,) in small.young or (other,) in small.old]
        assert len(kept) <= 5
        assert number in kept
    assert kept[-4:] == [96, 97, 98, 99]


def test_what_comes_takes_the_place_of_one_that_goes_and_not_of_a_whole_generation(small):
    for number in range(5):
        small.put((number,), number)
    forgotten = []
    for number in range(5, 9):
        before = {*small.young, *small.old}
        small.put((number,), number)
        forgotten.append(len(before - {*small.young, *small.old}))
    assert forgotten == [1, 1, 1, 1]


def test_a_hit_forgets_nothing(small):
    for number in range(5):
        small.put((number,), number)
    assert [small.get((number,)) for number in range(5)] == [0, 1, 2, 3, 4]


def test_no_more_than_two_generations_of_bytes_are_kept(small):
    for number in range(100):
        small.put((number,) * 60, number)
    assert len(small.young) + len(small.old) == 2


def test_what_is_in_use_outlives_any_number_of_newcomers(small):
    small.put("r", "value")
    for number in range(100):
        small.put((number,), number)
        assert small.get("r") == "value"


def test_threads_never_get_the_value_of_another_key(small):
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    wrong = []

    def use(seed):
        for number in range(5_000):
            key = ((number * seed) % 13,) * 30
            found = small.get(key)
            if found is None:
                small.put(key, f"value of {key}")
            elif found != f"value of {key}":
                wrong.append((key, found))

    try:
        threads = [threading.Thread(target=use, args=(seed,)) for seed in (1, 3, 5, 7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert len(small.young) <= 4 + len(threads)


def test_a_certificate_with_every_field_read_takes_no_more_than_the_bound_is_reckoned_with(backend):
    authority = CertificateAuthority()
    values = [encode_header(authority.issue(f"client {n}").certificate, "base64-der").encode() for n in range(50)]
    _read_all(parse_header(values[0], "base64-der"))  # what is loaded once for all
    tracemalloc.start()
    try:
        kept = [parse_header(value, "base64-der") for value in values]
        for certificate in kept:
            _read_all(certificate)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 10 * sum(map(len, values))


# In a strategy


def strategy():
    return ClientCertStrategy(
        lambda certificate: certificate["subject"]["CN"],
        certificate_header="Client-Cert",
        header_encoding="rfc9440",
        trusted_proxies=["10.0.0.5"],
    )


def cached(mine):
    return mine._extractor._clients[True]


@pytest.mark.parametrize("seconds", [-7200, 0, 2 * 86400])
def test_what_is_in_the_cache_is_as_old_as_the_request_says_and_not_as_when_it_came(backend, seconds, monkeypatch):
    """A validity period that ends, or a clock that is set right, counts from the next request on."""
    request = FakeRequest(
        [("Client-Cert", encode_header(CertificateAuthority().issue("alice").certificate, "rfc9440"))]
    )
    mine = strategy()
    assert mine.authenticate(request).user == "alice"
    later = time.time() + seconds
    monkeypatch.setattr(extract, "time", SimpleNamespace(time=lambda: later))
    outcome = mine.authenticate(request)
    reasons = {-7200: "certificate_not_yet_valid", 0: None, 2 * 86400: "certificate_expired"}
    assert (outcome.reason if not outcome else None) == reasons[seconds]
    assert len(cached(mine).young) == 1


def test_what_is_refused_leaves_nothing_in_the_cache(backend):
    value = encode_header(CertificateAuthority().issue("alice").certificate, "rfc9440")
    mine = strategy()
    for refused in [
        value[:-1],
        value.replace("A", "-"),
        f":{'A' * 4 * 50_000}:",
        "::",
        *(f":{n:04}:" for n in range(100)),
    ]:
        assert not mine.authenticate(FakeRequest([("Client-Cert", refused)]))
    assert not mine.authenticate(FakeRequest([("Client-Cert", value), ("Client-Cert", value)]))
    assert not mine.authenticate(FakeRequest([("Client-Cert", value)], peer=STRANGER))
    assert (cached(mine).young, cached(mine).old) == ({}, {})


def kept(mine):
    return len(cached(mine).young) + len(cached(mine).old)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_each_certificate_of_a_chain_counts_as_what_it_has_of_bytes(backend, monkeypatch, length):
    authority = CertificateAuthority()
    intermediate = authority.intermediate("intermediate")
    issuers = [intermediate.certificate, authority.certificate][: length - 1]
    chains = [[intermediate.issue(f"client {n}").certificate, *issuers] for n in range(12)]
    monkeypatch.setattr(cache, "_BYTES", 3 * sum(len(part["raw"]) for part in chains[0]) + 100)
    mine = ClientCertStrategy(
        lambda _: True, certificate_source="traefik", trusted_proxies=["10.0.0.5"], include_chain=True
    )
    for chain in chains:
        value = ",".join(encode_header(part, "base64-der") for part in chain)
        assert mine.authenticate(FakeRequest([("X-Forwarded-Tls-Client-Cert", value)]))
    assert kept(mine) == 4  # three are a generation, and each that comes takes the place of one


def test_names_without_a_certificate_count_as_what_they_have_of_characters(backend, monkeypatch):
    monkeypatch.setattr(cache, "_BYTES", 3000)
    mine = ClientCertStrategy(
        lambda _: True, certificate_source="istio", trusted_proxies=["10.0.0.5"], accept_forwarded_identity=True
    )
    for number in range(12):
        value = f"Hash={number:064x};URI=spiffe://example.org/{'a' * 900}"
        assert mine.authenticate(FakeRequest([("X-Forwarded-Client-Cert", value)]))
    assert kept(mine) <= 6


def test_what_all_clients_of_a_proxy_have_in_common_is_bounded_though_a_client_makes_it_differ(backend, monkeypatch):
    value = encode_header(CertificateAuthority().issue("alice").certificate, "rfc9440")
    mine = strategy()
    monkeypatch.setattr(cache, "_ENTRIES", 5)
    for number in range(30):
        connection = ("Connection", f"{number:0900}")
        assert mine.authenticate(FakeRequest([("Client-Cert", value), connection]))
    known = mine._extractor._circumstances
    assert len(known.young) + len(known.old) <= 6
    assert max(map(len, known.young)) <= 32  # and no text of a client's is kept


def _read_all(certificate):
    for key in certificate:
        certificate[key]
    _ = certificate.subject_alt_names, certificate.validity_seconds
