"""``clientcert inspect`` shows what is there, and sends nothing to the terminal that it would obey."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.x509.oid import NameOID
from rich.console import Console

import pki
from clientcert import HeaderEncoding, encode_header, parse_pem
from clientcert.commands import clientcert
from clientcert.inspection import MEANINGS
from clientcert.testing import CertificateAuthority

AUTHORITY = CertificateAuthority("root CA").intermediate("issuing CA")
ISSUED = AUTHORITY.issue(
    subject=[("O", "Example, CN=bob"), ("CN", "alice"), ("1.2.3.4", "unheard-of")],
    sans=[f"dns:{'a' * 63}.example.org", "uri:spiffe://example.org/alice", "email:a@example.org", "ip:192.0.2.1"],
    serial_number=0x0ABC,
)
ONE_CERTIFICATE = ("rfc9440", "hex-der")


def run(*arguments, stdin=b""):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return CliRunner().invoke(clientcert, ["inspect", *arguments], input=stdin)


def rows(text):
    """The table as a mapping from label to values."""
    table = {}
    label = None
    for line in filter(None, text.splitlines()):
        label = line[:15].strip() or label
        table.setdefault(label, []).append(line[15:])
    return table


def test_the_table_shows_the_certificate(backend):
    result = run(stdin=ISSUED.der)
    assert (result.exit_code, result.stderr) == (0, "")
    table = rows(result.stdout)
    certificate = ISSUED.certificate
    assert table == {
        "encoding": ["der"],
        "subject": ["O = Example, CN=bob", "CN = alice", "1.2.3.4 = unheard-of"],
        "issuer": ["CN = issuing CA"],
        "valid": [f"{certificate.not_before:%Y-%m-%d %H:%M:%S} to {certificate.not_after:%Y-%m-%d %H:%M:%S} UTC"],
        "names": [
            f"dns:{'a' * 63}.example.org",
            "uri:spiffe://example.org/alice",
            "email:a@example.org",
            "ip:192.0.2.1",
        ],
        "SPIFFE ID": ["spiffe://example.org/alice"],
        "key": ["EC P-256"],
        "key purposes": ["clientAuth"],
        "authority": ["no"],
        "serial number": ["0ABC"],
        "SHA-256": [hashlib.sha256(ISSUED.der).hexdigest()],
        "SHA-1": [hashlib.sha1(ISSUED.der, usedforsecurity=False).hexdigest()],
        "key SHA-256": [certificate.spki_sha256],
        "x5t#S256": [certificate.thumbprint],
    }


@pytest.mark.parametrize(
    ("times", "mark"),
    [
        ({"not_after": datetime.now(UTC) - timedelta(hours=1)}, "(expired)"),
        ({"not_before": datetime.now(UTC) + timedelta(hours=1)}, "(not yet valid)"),
    ],
)
def test_a_certificate_that_is_not_valid_now_is_marked(backend, times, mark):
    assert rows(run(stdin=AUTHORITY.issue(**times).der).stdout)["valid"][0].endswith(f" UTC {mark}")


def test_an_rsa_key_is_shown_with_its_size(backend):
    assert rows(run(stdin=AUTHORITY.issue(key_type="rsa").der).stdout)["key"] == ["RSA, 2048 bits"]


# What is read.


def test_keys_and_names_of_every_kind_are_shown(backend):
    directory = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example")])
    sans = ["upn:a@example.org", x509.DirectoryName(directory), x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))]
    table = rows(run("--encoding", "der", stdin=AUTHORITY.issue(sans=sans, key_type="ed25519").der).stdout)
    assert table["key"] == ["of another type"]
    upn = b"\x0c\x0da@example.org"
    assert table["names"] == [
        f"other_name:1.3.6.1.4.1.311.20.2.3 = {upn.hex()}",
        "dir_name:O = Example",
        "registered_id:1.2.3",
    ]


def test_a_time_that_is_none_is_said_to_be_unreadable(backend):
    (shown,) = rows(run(stdin=pki.with_no_times(ISSUED.der)).stdout)["valid"]
    assert shown.startswith("unreadable: time at offset ")


@pytest.mark.parametrize("encoding", get_args(HeaderEncoding))
@pytest.mark.parametrize("form", ["{}", "{}\r\n", "X-Client_Cert: {}\r\n", " \t{} "])
def test_each_header_encoding_is_recognised_with_or_without_the_headers_name(backend, encoding, form):
    chained = encoding not in ONE_CERTIFICATE
    value = encode_header(parse_pem(ISSUED.chain_pem), encoding, chain=chained)
    result = run(stdin=form.format(value))
    assert result.stdout.splitlines()[0].split() == ["encoding", encoding]
    assert result.stdout.count("subject    ") == (2 if chained else 1)
    assert "certificate 2 of 2" in result.stdout or not chained
    assert run("--encoding", encoding, stdin=form.format(value)).stdout == result.stdout


def test_a_pem_file_is_read_with_its_chain(backend, tmp_path):
    chain, _ = ISSUED.write(tmp_path)
    result = run(str(chain))
    assert result.stdout.splitlines()[0].split() == ["encoding", "pem"]
    assert rows(result.stdout)["subject"][-1] == "CN = issuing CA"


def test_the_elements_of_xfcc_are_shown_with_and_without_a_certificate(backend):
    first = encode_header(ISSUED.certificate, "xfcc")
    result = run(stdin=f'{first},By=spiffe://x/proxy;URI=spiffe://x/a;URI=b;DNS=c;Subject="CN=\\"d\\""')
    assert result.exit_code == 0
    shown, described = result.stdout.split("element 2 of 2\n")
    assert "element 1 of 2" in shown
    assert "CN = alice" in shown
    assert rows(described) == {
        "By": ["spiffe://x/proxy"],
        "Subject": ['CN=\\\\"d\\\\"'],
        "URI": ["spiffe://x/a", "b"],
        "DNS": ["c"],
    }


# Other outputs.


@pytest.mark.parametrize("encoding", ["pem", "xfcc"])
def test_pem_output_is_the_chain_that_was_read(backend, encoding):
    value = encode_header(parse_pem(ISSUED.chain_pem), encoding, chain=True)
    result = run("--pem", stdin=value)
    assert (result.stdout, result.exit_code) == (ISSUED.chain_pem, 0)


def test_json_output_is_the_mapping_with_the_chain(backend):
    certificate = parse_pem(ISSUED.chain_pem)
    result = run("--json", stdin=ISSUED.chain_pem)
    assert result.stdout.isascii()
    assert json.loads(result.stdout) == {"encoding": "pem", "certificate": json.loads(certificate.to_json())}
    assert json.loads(result.stdout)["certificate"]["issuerCertificate"]["subject"] == {"CN": "issuing CA"}


def test_json_output_of_xfcc_is_its_elements(backend):
    value = encode_header(ISSUED.certificate, "xfcc") + ",URI=spiffe://x/a"
    first, second = json.loads(run("--json", stdin=value).stdout)["elements"]
    assert first["certificate"] == json.loads(ISSUED.certificate.to_json())
    assert second == {"by": [], "hash": None, "certificate": None, "subject": None, "uri": ["spiffe://x/a"], "dns": []}


# A terminal obeys what it is sent.

EVIL = "alice\x1b]0;owned\x07\x1b[2J\x9b31m\u202ebob\nCN = root\t[bold red]x[/]\\x1b"


@pytest.mark.parametrize("output", [(), ("--json",), ("--pem",)])
def test_control_characters_in_a_certificate_never_reach_the_terminal(backend, output, monkeypatch):
    monkeypatch.setattr(
        "clientcert.commands.Console", lambda **options: Console(**options, force_terminal=True, color_system=None)
    )
    # cryptography writes what it is told to; an alternative name holds ASCII only.
    issued = AUTHORITY.issue(
        subject=[("CN", EVIL), ("O", EVIL)], sans=[f"uri:x:{EVIL.encode('ascii', 'ignore').decode()}"]
    )
    result = run(*output, stdin=issued.der)
    assert result.exit_code == 0
    printed = result.stdout.replace("\n", "")
    assert printed.isprintable(), [character for character in printed if not character.isprintable()]
    if not output:
        escaped = r"alice\x1b]0;owned\x07\x1b[2J\x9b31m\u202ebob\nCN = root\t[bold red]x[/]\\x1b"
        assert rows(result.stdout)["subject"] == [f"CN = {escaped}", f"O = {escaped}"]


# What cannot be read.


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "not recognised: it begins like none of der, url-pem, url-pem-aws, xfcc, base64-der, rfc9440, "),
        (b"\x00\x01", "not recognised: "),
        (b"", "the value says that there is no certificate (no_certificate)"),
        (b"Client-Cert: ::", "the value says that there is no certificate (no_certificate)"),
        (b"(null)", "the value says that there is no certificate (no_certificate)"),
        (b"Client-Cert: :AAA!:", "read as rfc9440: base64 at offset 4"),
        (b":AAAA", "read as rfc9440: byte_sequence at offset 5"),
        (b"MII=", "read as base64-der: "),
        (b"30820", "read as hex-der: hex at offset 5"),
        (b"-----BEGIN%20CERTIFICATE-----%zz", "read as url-pem: percent at offset 29"),
        (b"-----BEGIN CERTIFICATE-----\nMI!A\n-----END CERTIFICATE-----", "read as pem: base64 at offset 30"),
        (b"Bag Attributes\n-----BEGIN CERTIFICATE-----\n", "read as pem: pem at offset 0: only CERTIFICATE blocks may be here, each complete"),
        (b"Hash=00", "read as xfcc: xfcc_hash at offset 5"),
        (b"By=a;Color=b", "read as xfcc: xfcc_key at offset 5"),
        (ISSUED.der + b"\0", f"read as der: trailing_data at offset {len(ISSUED.der)}"),
        (ISSUED.der[:-1], "read as der: der at offset 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_precise_line_and_status_1(backend, data, message):
    for output in ((), ("--json",), ("--pem",)):
        result = run(*output, stdin=data)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"clientcert: {message}")
        assert result.stderr.count("\n") == 1


def test_every_code_that_the_vectors_expect_is_said_in_words():
    vectors = (Path(__file__).parent / "vectors").glob("*.json")
    codes = {
        vector["code"] for path in vectors for vector in json.loads(path.read_text())["vectors"] if "code" in vector
    }
    assert codes
    assert codes <= {*MEANINGS, "no_certificate"}  # which has a line of its own


def test_an_encoding_that_is_given_is_the_only_one_that_is_tried(backend):
    result = run("--encoding", "rfc9440", stdin=encode_header(ISSUED.certificate, "base64-der"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        result.stderr
        == "clientcert: read as rfc9440: byte_sequence at offset 0: not :base64:, with both colons; this looks like base64-der, not rfc9440\n"
    )


@pytest.mark.parametrize(
    "encoding", ["url-pem", "url-pem-aws", "xfcc", "base64-der", "rfc9440", "pem", "base64-pem", "hex-der"]
)
def test_a_value_that_is_cut_off_is_said_to_be(backend, encoding):
    value = encode_header(ISSUED.certificate, encoding)
    for kept in (len(value) // 2, *range(len(value) - 44, len(value) - 40)):
        stderr = run("--encoding", encoding, stdin=value[:kept]).stderr
        assert stderr.endswith(
            "; the value is cut off: look for a limit on the size of headers, at the proxy and at this server\n"
        )
    damaged = run("--encoding", encoding, stdin=value[:100] + "!" + value[101:]).stderr
    assert damaged
    assert "look for a limit" not in damaged


def test_pem_of_a_header_without_certificates_is_an_error(backend):
    result = run("--pem", stdin="URI=spiffe://x/a")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)


def test_a_file_that_cannot_be_opened_is_one_line_and_status_1(tmp_path):
    result = run(str(tmp_path / "no\x1bfile"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"clientcert: {tmp_path}/no\\x1bfile: No such file or directory\n"
    assert "Is a directory" in run(str(tmp_path)).stderr


# The program.


def python(*arguments, **options):
    return subprocess.run([sys.executable, *arguments], capture_output=True, timeout=60, check=False, **options)


def test_the_module_is_the_command():
    result = python("-m", "clientcert", "inspect", input=ISSUED.der)
    assert b"CN = alice" in result.stdout
    assert (result.returncode, result.stderr) == (0, b"")
    assert python("-m", "clientcert", "--version").stdout.startswith(b"python -m clientcert, version ")
    assert b"inspect" in python("-m", "clientcert", "--help").stdout


def test_a_terminal_without_the_characters_of_a_name_gets_escapes():
    certificate = AUTHORITY.issue("алиса")
    result = python(
        "-X", "utf8=0", "-m", "clientcert", "inspect", input=certificate.der, env={"PYTHONIOENCODING": "ascii"}
    )
    assert rb"CN = \u0430\u043b\u0438\u0441\u0430" in result.stdout
    assert result.returncode == 0


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_its_dependencies_the_command_says_what_to_install(missing):
    result = python("-c", f"import sys; sys.modules['{missing}'] = None; from clientcert.cli import main; main()")
    assert result.returncode == 2
    assert result.stdout == b""
    assert result.stderr.endswith(b"pip install 'clientcert[cli]'\n")
    assert result.stderr.count(b"\n") == 1


def test_any_other_missing_module_is_a_broken_installation():
    result = python(
        "-c", "import sys; sys.modules['clientcert.inspection'] = None; from clientcert.cli import main; main()"
    )
    assert b"ModuleNotFoundError" in result.stderr
    assert b"pip install" not in result.stderr
