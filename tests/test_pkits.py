"""The Public Key Interoperability Test Suite of NIST (version 1.0.1), each test with its certificates and lists.

``pkits/stricter.json`` names every test of a valid path that is refused, under the reason why that is stricter. What the
suite says must be refused is, all of it. Where it has several settings of policies for one path, the default one counts:
the others ask for policies, which `TrustAnchors` cannot be asked for.
"""

from __future__ import annotations

import json
import re
import warnings
from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography import x509

from clientcert import ConfigurationError, DecodeError, ValidationError, parse_der
from clientcert.revocation import RevocationLists
from clientcert.validation import TrustAnchors
from pki import presented

SUITE = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"
CERTIFICATES = {path.stem: path.read_bytes() for path in sorted((SUITE / "certs").glob("*.crt"))}
ROOT = CERTIFICATES["TrustAnchorRootCertificate"]
TESTS = [name for name in CERTIFICATES if re.search(r"Test\d+EE$", name)]
STRICTER = json.loads((Path(__file__).parent / "pkits" / "stricter.json").read_text())
REFUSED = {name for names in STRICTER.values() for name in names}

# Section 4.8 has no "Invalid" in its names.
MUST_BE_REFUSED = {f"DifferentPoliciesTest{number}EE" for number in (4, 5, 7, 8, 9, 12)} | {
    name for name in TESTS if name.startswith("Invalid")
}
# Where the certificates are good, and the lists are not, or have one of them.
BY_LISTS = re.compile(
    r"CRL|cRL|Revoked|distributionPoint|only(?:Contains|Some)|BasicSelfIssued|LongSerial|NegativeSerial"
)

WHEN = datetime(2015, 1, 1, tzinfo=UTC)  # all of the suite's certificates and current lists are of 2010 to 2030


def _key(attributes):
    """Return a name as section 4.3 of the suite compares it: neither case nor white space counts."""
    return tuple((oid, " ".join(value.split()).casefold()) for oid, value in attributes)


@cache
def _authorities():
    by_name = defaultdict(list)
    for name, der in CERTIFICATES.items():
        if name not in TESTS and der != ROOT:
            try:
                by_name[_key(parse_der(der).subject_attributes)].append(der)
            except DecodeError:  # one is of DSA with parameters that its issuer has
                continue
    return by_name


@cache
def _lists():
    by_issuer = defaultdict(list)
    for path in sorted((SUITE / "crls").glob("*.crl")):
        issuer = x509.load_der_x509_crl(path.read_bytes()).issuer
        by_issuer[_key((part.oid.dotted_string, str(part.value)) for part in issuer)].append(path.read_bytes())
    return by_issuer


def _building_material(leaf):
    """Return the CAs above ``leaf``, and the lists of each."""
    found, lists = [], [*_lists()[_key(parse_der(ROOT).subject_attributes)]]
    to_do = [leaf]
    while to_do:
        issuer = _key(to_do.pop().issuer_attributes)
        above = [der for der in _authorities().get(issuer, ()) if der not in found]
        found.extend(above)
        to_do.extend(map(parse_der, above))
        lists.extend(der for der in _lists().get(issuer, ()) if der not in lists)
    return found, lists


def outcome(name, *, asks_for_status=True):
    leaf = parse_der(CERTIFICATES[name])
    authorities, lists = _building_material(leaf)
    revocation = RevocationLists(lists) if asks_for_status else ()
    anchors = TrustAnchors(ROOT, require_client_auth=False, revocation=revocation)
    return anchors.validate(presented(leaf["raw"], *authorities), at=WHEN)


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.usefixtures("backend")
def test_a_path_of_the_suite_is_accepted_or_refused_as_it_says(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography's, of negative serial numbers
        if name in MUST_BE_REFUSED | REFUSED:
            with pytest.raises((ValidationError, DecodeError, ConfigurationError)):
                outcome(name)
        else:
            assert outcome(name).certificates[-1] == ROOT


@pytest.mark.parametrize("name", sorted(name for name in MUST_BE_REFUSED if not BY_LISTS.search(name)))
@pytest.mark.usefixtures("backend")
def test_what_is_wrong_with_a_path_is_found_without_lists(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((ValidationError, DecodeError)):
            outcome(name, asks_for_status=False)


def test_only_valid_paths_of_the_suite_are_named_as_refused():
    assert len(TESTS) == 223
    assert set(TESTS) - MUST_BE_REFUSED >= REFUSED
