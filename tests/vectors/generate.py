"""Writes every vector file in this folder: ``python tests/vectors/generate.py``.

The expected codes and offsets are computed here from how each input was put together, by nothing that is under test.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import certificates as x
from certificates import INTERMEDIATE, LEAF, ROOT

HERE = Path(__file__).parent
Vector = dict[str, Any]


def write(name: str, vectors: list[Vector]) -> None:
    ids = [vector["id"] for vector in vectors]
    assert len(set(ids)) == len(ids), name
    text = json.dumps({"format": name, "vectors": vectors}, indent=1, ensure_ascii=True)
    (HERE / f"{name}.json").write_text(f"{text}\n", "ascii")


def good(id_: str, why: str, value: str, *ders: bytes, **more: Any) -> Vector:
    return {"id": id_, "why": why, **more, "input": value, "sha256": [sha256(der).hexdigest() for der in ders]}


def bad(id_: str, why: str, value: str, code: str, offset: int, **more: Any) -> Vector:
    return {"id": id_, "why": why, **more, "input": value, "code": code, "offset": offset}


def b64(der: bytes) -> str:
    return b64encode(der).decode()


def pem(*ders: bytes) -> str:
    text = ""
    for der in ders:
        body = b64(der)
        lines = [body[at : at + 64] for at in range(0, len(body), 64)]
        text += "\n".join([BEGIN, *lines, END, ""])
    return text


BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
DAMAGED = bytes((0x31,)) + LEAF[1:]  # not a SEQUENCE
TRAILING = LEAF + b"\5\0"
LEAF_URL = quote(pem(LEAF), safe="")
NONE = {"empty": "", "two colons": "::", "null": "(null)", "null between colons": ":(null):", "blank": " \t "}


def nothing(encoding: str) -> list[Vector]:
    """Every way to say that there is no certificate."""
    return [
        bad(
            f"no certificate: {name}",
            "HAProxy, Caddy and Apache write it",
            text,
            "no_certificate",
            0,
            encoding=encoding,
        )
        for name, text in NONE.items()
    ]


def damaged(encoding: str, encode: Any, offset: int = 0) -> list[Vector]:
    """The certificate inside is at fault: offsets count from its own first byte."""
    return [
        bad("not a certificate", "the offset is one of the DER", encode(DAMAGED), "certificate", offset, encoding=encoding),
        bad("bytes after the DER", "a second reader may see them", encode(TRAILING), "trailing_data", len(LEAF), encoding=encoding),
    ]  # fmt: skip


def percent() -> list[Vector]:
    def fault(id_: str, why: str, value: str, code: str, offset: int) -> Vector:
        return bad(id_, why, value, code, offset, encoding="url-pem")

    half = LEAF_URL.index("%0A", len(LEAF_URL) // 2) + len("%0A")
    return [
        good("lower-case hex", "Apache's escape: writes it", quote(pem(LEAF), safe="+=/").replace("%0A", "%0a"), LEAF, encoding="url-pem"),
        good("escaped letters", "any byte may be escaped", "".join(f"%{ord(c):02X}" for c in pem(LEAF)), LEAF, encoding="url-pem"),
        fault("percent without digits", "%zz is no octet", f"{LEAF_URL[:half]}%zz{LEAF_URL[half:]}", "percent", half),
        fault("percent with one digit", "", f"{LEAF_URL[:half]}%4g{LEAF_URL[half:]}", "percent", half),
        fault("percent at the end", "", f"{LEAF_URL}%", "percent", len(LEAF_URL)),
        fault("percent and one digit at the end", "", f"{LEAF_URL}%4", "percent", len(LEAF_URL)),
        fault("percent before percent", "%%41 is not an escape", f"%%41{LEAF_URL}", "percent", 0),
        fault("sign among the digits", "int() in Python takes %+1", f"{LEAF_URL}%+1", "percent", len(LEAF_URL)),
        fault("space inside", "form decoding would have made it of a plus", f"{LEAF_URL[:half]} {LEAF_URL[half:]}", "character", half),
        fault("raw line feed", "not percent-encoded", LEAF_URL.replace("%0A", "\n", 1), "character", LEAF_URL.index("%0A")),
        fault("control character", "", f"{LEAF_URL[:half]}\x7f{LEAF_URL[half:]}", "character", half),
        fault("beyond ASCII", "", f"{LEAF_URL[:half]}\xe9{LEAF_URL[half:]}", "character", half),
        fault("character before percent", "the first fault wins", "\x80%zz", "character", 0),
        fault("percent before character", "the first fault wins", "%zz\x80", "percent", 0),
        fault("percent before PEM", "percent-encoding is checked as a whole first", f"garbage{LEAF_URL}%zz", "percent", 7 + len(LEAF_URL)),
    ]  # fmt: skip


def base64() -> list[Vector]:
    def fault(id_: str, why: str, value: str, offset: int) -> Vector:
        return bad(id_, why, value, "base64", offset, encoding="base64-der")

    text = b64(LEAF)
    padded = b64(INTERMEDIATE + b"\0" * (-len(INTERMEDIATE) % 3 + 1))
    assert padded.endswith("==")
    return [
        fault("surplus bits, two characters", "QR== and QQ== would be one byte in two spellings", "QR==", 1),
        fault("surplus bits, three characters", "QUJ= has bits after its second byte", "QUJ=", 2),
        fault("one padding missing", "", padded[:-1], len(padded) - 2),
        fault("no padding", "", padded[:-2], len(padded) - 2),
        fault("padding too many", "", "QUI==", 3),
        fault("padding alone", "", "====", 0),
        fault("padding of three", "", "Q===", 1),
        fault("padding inside", "two texts, one after the other", "QQ==QUJD", 2),
        fault("padding before a digit", "", "QQ=Q", 2),
        fault("length of one", "", "Q", 1),
        fault("cut", "", text[:-3], len(text) - 3),
        fault("URL-safe minus", "another alphabet", "QUI-QUJD", 3),
        fault("URL-safe underscore", "another alphabet", "QUI_QUJD", 3),
        fault("space inside", "not even where lines were folded", f"{text[:8]} {text[8:]}", 8),
        fault("line feed inside", "", f"{text[:64]}\n{text[64:]}", 64),
        fault("NUL", "", f"{text}\0", len(text)),
        fault("first fault wins", "", "!QR==", 0),
        fault("character before padding", "", "QU!=", 2),
    ]


def pem_vectors() -> list[Vector]:
    text = pem(LEAF)
    body = text.index("\n") + 1
    end = text.index(END)
    last = end - 2  # the last character of the base64

    def fault(id_: str, why: str, value: str, code: str, offset: int, **more: Any) -> Vector:
        return bad(id_, why, value, code, offset, encoding="pem", **more)

    def accepted(id_: str, why: str, value: str, *ders: bytes, **more: Any) -> Vector:
        return good(id_, why, value, *ders, **({"encoding": "pem"} | more))

    return [
        accepted("lines", "nginx $ssl_client_raw_cert", text, LEAF),
        accepted("spaces for line ends", "Apache", text.replace("\n", " "), LEAF),
        accepted("folded lines", "nginx $ssl_client_cert", text.strip().replace("\n", "\n\t"), LEAF),
        accepted("CRLF", "", text.replace("\n", "\r\n"), LEAF),
        accepted("one line", "white space may be absent", text.replace("\n", ""), LEAF),
        accepted("white space in odd places", "", f" \r\n{text[: body + 3]}\t {text[body + 3 :]}", LEAF),
        accepted("a chain", "the end-entity first", pem(LEAF, INTERMEDIATE, ROOT), LEAF, INTERMEDIATE, ROOT),
        accepted("as many as allowed", "", pem(LEAF, INTERMEDIATE), LEAF, INTERMEDIATE, max=2),
        accepted("parse_pem", "", f"\t{text}", LEAF, function="parse_pem"),
        accepted("chain header", "", pem(INTERMEDIATE, ROOT), INTERMEDIATE, ROOT, function="parse_chain_header"),
        bad("parse_pem of nothing", "placeholders are for headers", "", "pem", 0, function="parse_pem"),
        bad("parse_pem of a placeholder", "placeholders are for headers", "(null)", "pem", 0, function="parse_pem"),
        bad("parse_pem of white space", "the text has no block", " \n ", "pem", 3, function="parse_pem"),
        fault("one too many", "", pem(LEAF, INTERMEDIATE, ROOT), "too_many_certificates", len(pem(LEAF, INTERMEDIATE)), max=2),
        fault("text before", "what a lenient reader skips", f"x{text}", "pem", 0),
        fault("text after", "where a second certificate hides", f"{text}x", "pem", len(text)),
        fault("text between", "", f"{text}x{text}", "pem", len(text)),
        fault("NUL after", "", f"{text}\0", "pem", len(text)),
        fault("form feed around", "only four kinds of white space", f"\f{text}", "pem", 0),
        fault("another label", "X509 and TRUSTED are for OpenSSL's files", text.replace("BEGIN ", "BEGIN TRUSTED "), "pem", 0),
        fault("a key", "", text.replace("CERTIFICATE", "PRIVATE KEY"), "pem", 0),
        fault("lower-case label", "", text.replace("CERTIFICATE", "certificate"), "pem", 0),
        fault("another END", "", text.replace("END CERT", "END TRUSTED CERT"), "pem", end),
        fault("no END", "", text[:end].strip(), "pem", end - 1),
        fault("cut END", "", text.strip()[:-1], "pem", end),
        fault("nested BEGIN", "", f"{BEGIN}\n{text}", "pem", len(BEGIN) + 1),
        fault("header lines inside", "RFC 1421 encapsulated headers", text.replace("\n", "\nProc-Type: 4,ENCRYPTED\n", 1), "pem", body + 4),
        fault("no base64", "", f"{BEGIN}\n{END}", "base64", len(BEGIN) + 1),
        fault("not base64", "", f"{text[:last]}!{text[last + 1 :]}", "base64", last),
        fault("short base64", "the end is where the END line begins", f"{BEGIN}\nQUJDR\n{END}", "base64", len(BEGIN) + 7),
        fault("surplus bits", "counted without the white space", f"{BEGIN}\nQ\tR= =\n{END}", "base64", len(BEGIN) + 3),
        fault("base64 in the second block", "", text + f"{BEGIN} QU!D {END}", "base64", len(text) + len(BEGIN) + 3),
        fault("structure before content", "a block must be whole before its base64 is looked at", f"{BEGIN}!", "pem", len(BEGIN) + 1),
        fault("a damaged first certificate", "it must not promote the next", pem(DAMAGED, LEAF), "certificate", 0),
        fault("a damaged second certificate", "it rejects the first", pem(LEAF, DAMAGED), "certificate", 0),
        fault("a damaged first, an undecodable second", "the text comes first", f"{pem(DAMAGED)}x", "pem", len(pem(DAMAGED))),
        *nothing("pem"),
        *damaged("pem", pem),
    ]  # fmt: skip


def url_pem() -> list[Vector]:
    chain = pem(LEAF, INTERMEDIATE)
    body = LEAF_URL.index("%0A") + 3
    aws = quote(pem(LEAF), safe="+=/")
    assert "+" in aws
    plus = aws.index("+")
    return [
        good("nginx", "everything but unreserved characters is escaped", LEAF_URL, LEAF, encoding="url-pem"),
        good("aws", "plus, equals sign and slash are left", aws, LEAF, encoding="url-pem-aws"),
        good("aws as nginx", "both encodings read the same", aws, LEAF, encoding="url-pem"),
        good("nginx as aws", "both encodings read the same", LEAF_URL, LEAF, encoding="url-pem-aws"),
        good("white space around", "RFC 9110, section 5.5", f" \t{LEAF_URL} ", LEAF, encoding="url-pem"),
        good("a chain", "ALB in passthrough", quote(chain, safe="+=/"), LEAF, INTERMEDIATE, encoding="url-pem-aws"),
        bad("plus as space", "a form decoder was at work: the plus is gone", aws[:plus] + "%20" + aws[plus + 1 :], "base64", short(aws, plus), encoding="url-pem-aws"),
        bad("decoded twice", "raw line feeds are not visible", pem(LEAF), "character", len("-----BEGIN"), encoding="url-pem"),
        bad("encoded twice", "one layer is decoded", quote(LEAF_URL), "pem", 0, encoding="url-pem"),
        bad("text before", "", f"x{LEAF_URL}", "pem", 0, encoding="url-pem"),
        bad("text after", "the offset is one of the value", f"{LEAF_URL}%0Ax", "pem", len(LEAF_URL) + 3, encoding="url-pem"),
        bad("escaped NUL after", "at the % it came from", f"{LEAF_URL}%00", "pem", len(LEAF_URL), encoding="url-pem"),
        bad("offset after spaces", "offsets count from the first byte as passed in", f"  x{LEAF_URL}", "pem", 2, encoding="url-pem"),
        bad("base64 fault", "at the % it came from", f"{LEAF_URL[:body]}%21{LEAF_URL[body + 1 :]}", "base64", body, encoding="url-pem"),
        bad("no END", "at the end of the value", LEAF_URL[: LEAF_URL.index(quote(END))], "pem", LEAF_URL.index(quote(END)), encoding="url-pem"),
        bad("one too many", "at the first - of the second block", quote(chain, safe=""), "too_many_certificates", len(LEAF_URL), encoding="url-pem", max=1),
        bad("a damaged first certificate", "it must not promote the next", quote(pem(DAMAGED, LEAF), safe=""), "certificate", 0, encoding="url-pem"),
        *nothing("url-pem"),
        *({**vector, "id": f"aws: {vector['id']}"} for vector in nothing("url-pem-aws")),
        *damaged("url-pem", lambda der: quote(pem(der), safe="")),
    ]  # fmt: skip


def short(url: str, removed: int) -> int:
    """Return where base64 that misses one character is at fault: at its padding, or at its end."""
    end = url.index(quote("\n-----END"))
    padding = url.find("=", 0, end)
    return (padding if padding >= 0 else url.index("-----END")) + 2 * (removed < end)


def base64_der() -> list[Vector]:
    leaf, issuer, root = map(b64, (LEAF, INTERMEDIATE, ROOT))

    def fault(id_: str, why: str, value: str, code: str, offset: int, **more: Any) -> Vector:
        return bad(id_, why, value, code, offset, encoding="base64-der", **more)

    return [
        good("one", "HAProxy, Caddy, Cloudflare", leaf, LEAF, encoding="base64-der"),
        good("three", "Traefik, the end-entity first", f"{leaf},{issuer},{root}", LEAF, INTERMEDIATE, ROOT, encoding="base64-der"),
        good("spaces around commas", "", f"\t{leaf} ,\t{issuer} ", LEAF, INTERMEDIATE, encoding="base64-der"),
        good("chain header", "", f"{issuer},{root}", INTERMEDIATE, ROOT, encoding="base64-der", function="parse_chain_header"),
        fault("one too many", "just after the comma", f"{leaf}, {issuer}", "too_many_certificates", len(leaf) + 1, max=1),
        fault("one too many and broken", "the count comes first", f"{leaf},!", "too_many_certificates", len(leaf) + 1, max=1),
        fault("one too many after a broken one", "from left to right", f"!,{leaf}", "base64", 0, max=1),
        fault("comma at the end", "an empty part, at its end", f"{leaf},", "base64", len(leaf) + 1),
        fault("comma at the beginning", "", f",{leaf}", "base64", 0),
        fault("blank part", "at its end, without the spaces around it", f"{leaf},  ,{leaf}", "base64", len(leaf) + 3),
        fault("fault in the second part", "", f"{leaf}, QR==", "base64", len(leaf) + 3),
        fault("quoted", "openshift quotes it; presets remove the quotes", f'"{leaf}"', "base64", 0),
        fault("PEM", "", pem(LEAF).replace("\n", " "), "base64", 0),
        fault("a damaged first certificate", "it must not promote the next", f"{b64(DAMAGED)},{leaf}", "certificate", 0),
        fault("a damaged second certificate", "it rejects the first", f"{leaf},{b64(TRAILING)}", "trailing_data", len(LEAF)),
        fault("a damaged first, an undecodable second", "the text comes first", f"{b64(DAMAGED)},!", "base64", len(b64(DAMAGED)) + 1),
        fault("two in one text", "that is base64-der-concat", b64(LEAF + INTERMEDIATE), "trailing_data", len(LEAF)),
        *nothing("base64-der"),
        *damaged("base64-der", b64),
    ]  # fmt: skip


def base64_der_concat() -> list[Vector]:
    def origin(at: int) -> int:
        return 4 * (at // 3) + at % 3

    def fault(id_: str, why: str, ders: bytes, code: str, offset: int, **more: Any) -> Vector:
        return bad(id_, why, b64(ders), code, offset, encoding="base64-der-concat", **more)

    encoding: dict[str, Any] = {"encoding": "base64-der-concat"}
    return [
        good("one", "", b64(LEAF), LEAF, **encoding),
        good("three", "HAProxy's ssl_c_chain_der", b64(LEAF + INTERMEDIATE + ROOT), LEAF, INTERMEDIATE, ROOT, **encoding),
        good("chain header", "", b64(INTERMEDIATE + ROOT), INTERMEDIATE, ROOT, **encoding, function="parse_chain_header"),
        fault("one too many", "at its first bits", LEAF + INTERMEDIATE, "too_many_certificates", origin(len(LEAF)), max=1),
        fault("two too many", "", LEAF + INTERMEDIATE + ROOT, "too_many_certificates", origin(len(LEAF + INTERMEDIATE)), max=2),
        fault("cut", "the rest counts as one certificate", LEAF + INTERMEDIATE[:-1], "der", 0),
        fault("zeros after", "two empty elements of no kind", LEAF + bytes(4), "certificate", 0),
        fault("one byte after", "its length cannot be read", LEAF + b"0", "der", 0),
        fault("indefinite length", "the rest counts as one certificate", b"\x30\x80" + LEAF + bytes(2), "der", 0, max=1),
        fault("a damaged first certificate", "it must not promote the next", DAMAGED + LEAF, "certificate", 0),
        bad("surplus bits", "QR==", "QR==", "base64", 1, **encoding),
        bad("commas", "that is base64-der", f"{b64(LEAF)},{b64(LEAF)}", "base64", len(b64(LEAF).rstrip("=")), **encoding),
        *nothing("base64-der-concat"),
    ]  # fmt: skip


def base64_pem() -> list[Vector]:
    text = pem(LEAF)

    def origin(at: int) -> int:
        return 4 * (at // 3) + at % 3

    def fault(id_: str, why: str, value: str, code: str, at: int, **more: Any) -> Vector:
        return bad(id_, why, b64(value.encode()), code, origin(at), encoding="base64-pem", **more)

    encoding: dict[str, Any] = {"encoding": "base64-pem"}
    return [
        good("one", "Apache's %{base64:…}", b64(text.encode()), LEAF, **encoding),
        good("two", "", b64(pem(LEAF, INTERMEDIATE).encode()), LEAF, INTERMEDIATE, **encoding),
        fault("text before", "", f"x{text}", "pem", 0),
        fault("text after", "at the character with the first bits", f"{text}x", "pem", len(text)),
        fault("text after, one further", "", f"{text}\nx", "pem", len(text) + 1),
        fault("text after, two further", "", f"{text}\n\nx", "pem", len(text) + 2),
        fault("no END", "", text[:50], "pem", 50),
        fault("base64 inside", "", f"{BEGIN}QR=={END}", "base64", len(BEGIN) + 1),
        fault("one too many", "", pem(LEAF, INTERMEDIATE), "too_many_certificates", len(text), max=1),
        bad("base64 outside", "", f"{b64(text.encode())}!", "base64", len(b64(text.encode()).rstrip("=")), **encoding),
        bad("DER, not PEM", "", b64(LEAF), "pem", 0, **encoding),
        *nothing("base64-pem"),
        *damaged("base64-pem", lambda der: b64(pem(der).encode())),
    ]


def hex_der() -> list[Vector]:
    text = LEAF.hex()

    def fault(id_: str, why: str, value: str, offset: int) -> Vector:
        return bad(id_, why, value, "hex", offset, encoding="hex-der")

    return [
        good("upper case", "HAProxy", text.upper(), LEAF, encoding="hex-der"),
        good("lower case", "", text, LEAF, encoding="hex-der"),
        good("mixed case", "", text[:40].upper() + text[40:], LEAF, encoding="hex-der"),
        fault("odd", "at the end", text[:-1], len(text) - 1),
        fault("space inside", "bytes.fromhex in Python takes it", f"{text[:10]} {text[10:]}", 10),
        fault("colons", "", ":".join(text[at : at + 2] for at in range(0, len(text), 2)), 2),
        fault("0x", "", f"0x{text}", 1),
        fault("no digit before odd", "", f"{text}g", len(text)),
        fault("beyond ASCII", "", f"{text}\xb2", len(text)),
        bad("two", "there is room for one", text + INTERMEDIATE.hex(), "trailing_data", len(LEAF), encoding="hex-der"),
        *nothing("hex-der"),
        *damaged("hex-der", lambda der: der.hex().upper()),
    ]


def rfc9440() -> list[Vector]:
    leaf, issuer, root = (f":{b64(der)}:" for der in (LEAF, INTERMEDIATE, ROOT))

    def fault(id_: str, why: str, value: str, code: str, offset: int, **more: Any) -> Vector:
        return bad(id_, why, value, code, offset, encoding="rfc9440", **more)

    chain: dict[str, Any] = {"function": "parse_chain_header"}
    return [
        good("Client-Cert", "RFC 9440, section 2.2", leaf, LEAF, encoding="rfc9440"),
        good("spaces around", "RFC 9110, section 5.5", f" {leaf}\t", LEAF, encoding="rfc9440"),
        good("Client-Cert-Chain", "RFC 9440, section 2.3", f"{issuer}, {root}", INTERMEDIATE, ROOT, encoding="rfc9440", **chain),
        good("Client-Cert-Chain, one", "", root, ROOT, encoding="rfc9440", **chain),
        fault("no colons", "", b64(LEAF), "byte_sequence", 0),
        fault("no first colon", "", leaf[1:], "byte_sequence", 0),
        fault("no last colon", "at the end", leaf[:-1], "byte_sequence", len(leaf) - 1),
        fault("one colon", "at the end", ":", "byte_sequence", 1),
        fault("parameter", "", f"{leaf};a=1", "byte_sequence", len(leaf) + 4),
        fault("parameter that ends in a colon", "", ":QUJD:;a=:", "base64", 5),
        fault("unpadded", "", ":QQ:", "base64", 3),
        fault("surplus bits", "", ":QR==:", "base64", 2),
        fault("URL-safe", "", ":QUI-:", "base64", 4),
        fault("space inside", "", ":QUJD :", "base64", 5),
        fault("a list", "Client-Cert holds one", f"{leaf},{issuer}", "base64", len(leaf.rstrip(":").rstrip("="))),
        fault("quoted", "", f'"{leaf}"', "byte_sequence", 0),
        fault("colons only, after a space", "a placeholder, too", " ::", "no_certificate", 0),
        fault("chain: one too many", "just after the comma", f"{issuer}, {root}", "too_many_certificates", len(issuer) + 1, max=1, **chain),
        fault("chain: comma at the end", "an empty part has both faults in one place", f"{root},", "byte_sequence", len(root) + 1, **chain),
        fault("chain: empty sequence", "a placeholder only if it is all there is", f"{root}, ::", "base64", len(root) + 3, **chain),
        fault("chain: no colon in the second", "", f"{root}, {b64(LEAF)}", "byte_sequence", len(root) + 2, **chain),
        fault("chain: inner list", "", f"({root})", "byte_sequence", 0, **chain),
        fault("chain: a damaged certificate", "it rejects the whole value", f"{root},:{b64(DAMAGED)}:", "certificate", 0, **chain),
        fault("chain: no certificate", "", "::", "no_certificate", 0, **chain),
        *nothing("rfc9440"),
        *damaged("rfc9440", lambda der: f":{b64(der)}:"),
    ]  # fmt: skip


def xfcc() -> list[Vector]:
    digest = sha256(LEAF).hexdigest()
    cert = f'Cert="{LEAF_URL}"'
    chain_url = quote(pem(LEAF, INTERMEDIATE), safe="")
    chain = f'Chain="{chain_url}"'
    uri, dns = "spiffe://example.org/client", "client.example"
    names = f"URI={uri};DNS={dns}"

    def certified(*general_names: bytes) -> tuple[bytes, str]:
        der = x.certificate(extensions=(x.subject_alt_name(*general_names),))
        return der, f'Cert="{quote(pem(der), safe="")}"'

    two, two_cert = certified(x.tlv(x.URI, b"urn:a"), x.tlv(x.DNS, b"a"), x.tlv(x.URI, b"urn:b"), x.tlv(x.DNS, b"b"))
    _, cut_cert = certified(x.tlv(x.URI, b"urn:a"), x.tlv(x.URI, b"urn:a;DNS=admin"), x.tlv(x.DNS, b"admin"))
    untold, untold_cert = certified(x.tlv(x.EMAIL, b"a@b"), x.tlv(x.IP, bytes(4)), x.tlv(x.URI, b""), x.tlv(x.DNS, b""))
    partly, partly_cert = certified(x.tlv(x.URI, b""), x.tlv(x.URI, b"urn:a"))
    _, high_cert = certified(x.tlv(x.DNS, b"\xe9"))
    nameless_cert = f'Cert="{quote(pem(ROOT), safe="")}"'

    def element(*ders: bytes, **pairs: Any) -> dict[str, Any]:
        empty: dict[str, Any] = {"by": [], "hash": None, "subject": None, "uri": [], "dns": []}
        return empty | pairs | {"sha256": [sha256(der).hexdigest() for der in ders]}

    def ok(id_: str, why: str, value: str, *elements: dict[str, Any]) -> Vector:
        return {"id": id_, "why": why, "function": "parse_xfcc", "input": value, "elements": list(elements)}

    def fault(id_: str, why: str, value: str, code: str, at: int | str, **more: Any) -> Vector:
        offset = at if isinstance(at, int) else value.index(at)
        return bad(id_, why, value, code, offset, function="parse_xfcc", **more)

    def header(id_: str, why: str, value: str, code: str, offset: int, **more: Any) -> Vector:
        return bad(id_, why, value, code, offset, encoding="xfcc", **more)

    return [
        good("header: Cert", "", f"Hash={digest};{cert}", LEAF, encoding="xfcc"),
        good("header: Chain", "it is preferred to Cert", f"{cert};{chain}", LEAF, INTERMEDIATE, encoding="xfcc"),
        header("header: two elements", "whose is the identity?", f"{cert},{cert}", "too_many_elements", len(cert) + 1),
        header("header: no certificate in it", "", f"Hash={digest}", "no_certificate", 0),
        header("header: a chain too long", "", chain, "too_many_certificates", len('Chain="') + len(LEAF_URL), max=1),
        header("header: bytes after the DER", "", f'Cert="{quote(pem(TRAILING))}"', "trailing_data", len(LEAF)),
        ok(
            "everything", "what Envoy writes with all details", f'By=spiffe://a/b;Hash={digest};{cert};{chain};Subject="CN=x,O=\\"y\\"";{names}',
            element(LEAF, INTERMEDIATE, by=["spiffe://a/b"], hash=digest, subject='CN=x,O=\\"y\\"', uri=[uri], dns=[dns]),
        ),
        ok("no certificate", "Istio", f'By=a;Hash={digest};Subject="";URI=b', element(by=["a"], hash=digest, subject="", uri=["b"])),
        ok("empty values", "Envoy writes URI= where there is none", "URI=;DNS=;URI=", element(uri=["", ""], dns=[""])),
        ok("keys in any case", "", f'hASH={digest};dns={dns};CERT="{LEAF_URL}"', element(LEAF, hash=digest, dns=[dns])),
        ok("upper-case Hash", "compared as bytes, kept as written", f"Hash={digest.upper()};{cert}", element(LEAF, hash=digest.upper())),
        ok("unquoted Cert", "percent-encoding needs no quotes", f"Cert={LEAF_URL}", element(LEAF)),
        ok("two hops", "the oldest first", f"By=a;{cert}, By=b;DNS=c", element(LEAF, by=["a"]), element(by=["b"], dns=["c"])),
        ok("tabs before an element", "", "By=a,\t By=b", element(by=["a"]), element(by=["b"])),
        ok("delimiters in quotes", "quotes are respected", 'Subject="a,b;c=d";DNS=e', element(subject="a,b;c=d", dns=["e"])),
        ok("escaped quote", "nothing is unescaped", r'Subject="a\"b\\"', element(subject=r"a\"b\\")),
        ok("quoted names", "any value may be quoted", 'By="a,b";URI="c"', element(by=["a,b"], uri=["c"])),
        ok("equals sign in a value", "", "URI=a=b", element(uri=["a=b"])),
        ok("backslash inside an unquoted value", "no escapes there", r"URI=a\b", element(uri=[r"a\b"])),
        ok("names of the certificate", "each kind on its own, each name once or more, in any order", f"{two_cert};DNS=b;DNS=a;DNS=b;URI=urn:b;URI=urn:a", element(two, dns=["b", "a", "b"], uri=["urn:b", "urn:a"])),
        ok("names of one kind", "the proxy was told to write no others", f"{two_cert};DNS=a;DNS=b", element(two, dns=["a", "b"])),
        ok("no names of the certificate", "what Envoy writes where there is none", f"{nameless_cert};URI=", element(ROOT, uri=[""])),
        ok("empty names of the certificate", "an empty value is no name", f"{untold_cert};URI=;DNS=", element(untold, uri=[""], dns=[""])),
        ok("names without the empty one", "", f"{partly_cert};URI=urn:a", element(partly, uri=["urn:a"])),
        ok("names before the certificate", "the order of pairs says nothing", f"{names};{chain}", element(LEAF, INTERMEDIATE, uri=[uri], dns=[dns])),
        ok("names of another hop", "each element has its own", f"{cert};{names},{two_cert};DNS=a;DNS=b", element(LEAF, uri=[uri], dns=[dns]), element(two, dns=["a", "b"])),
        ok("spaces inside a value", "", "URI=a b;DNS= c", element(uri=["a b"], dns=[" c"])),
        fault("character first", "before anything else", "nonsense\x7f", "character", "\x7f"),
        fault("beyond ASCII", "", 'Subject="CN=\xe9"', "character", "\xe9"),
        fault("line feed", "", "By=a\n;DNS=b", "character", "\n"),
        fault("one element too many", "just after the comma", "By=a, By=b, By=c", "too_many_elements", 11, max=2),
        fault("empty element at the end", "", "By=a,", "xfcc_pair", 5),
        fault("empty element at the beginning", "", ",By=a", "xfcc_pair", 0),
        fault("empty pair", "", "By=a;;DNS=b", "xfcc_pair", 5),
        fault("semicolon at the end", "", "By=a;", "xfcc_pair", 5),
        fault("no equals sign", "", "By=a;DNS", "xfcc_pair", "DNS"),
        fault("quote in a key", "", 'D"NS"=a', "xfcc_pair", 0),
        fault("unknown key", "a newer Envoy, or an injection", "By=a;Foo=b", "xfcc_key", "Foo"),
        fault("empty key", "", "=a", "xfcc_key", 0),
        fault("space before a key", "only before an element", "By=a; DNS=b", "xfcc_key", " DNS"),
        fault("space after a key", "", "By =a", "xfcc_key", 0),
        *(
            fault(f"repeated {key}", "which one counts?", f"{key}=a;{key.lower()}=b", "xfcc_repeated", len(key) + 3)
            for key in ("Hash", "Cert", "Chain", "Subject")
        ),
        fault("open quote", "at the quote", 'DNS=a;Subject="b', "xfcc_quote", '"'),
        fault("quote closed by an escaped one", "at the quote", r'Subject="a\"', "xfcc_quote", '"'),
        fault("quote inside an unquoted value", "", 'URI=a"b"', "xfcc_quote", '"'),
        fault("space before a quote", "so it is inside an unquoted value", 'Subject= "a"', "xfcc_quote", '"'),
        fault("byte after a closing quote", "", 'Subject="a"b', "xfcc_quote", 11),
        fault("space after a closing quote", "", 'Subject="a" ;DNS=b', "xfcc_quote", " "),
        fault("backslash at the end of an open quote", "", 'Subject="a\\', "xfcc_escape", "\\"),
        fault("backslash at the end of an unquoted value", "", "URI=a\\;DNS=b", "xfcc_escape", "\\"),
        fault("backslash at the very end", "", "URI=a\\", "xfcc_escape", "\\"),
        fault("grammar before content", "the header is read as a whole first", "Hash=a,Foo=b", "xfcc_key", "Foo"),
        fault("Hash too short", "", f"Hash={digest[:-1]}", "xfcc_hash", 5),
        fault("Hash empty", "", "Hash=;DNS=a", "xfcc_hash", 5),
        fault("Hash no hex", "", f"Hash={digest[:-1]}g", "xfcc_hash", 5),
        fault("Hash in quotes, too long", "after the quote", f'Hash="{digest}0"', "xfcc_hash", 6),
        fault("Hash of another certificate", "", f"Hash={'0' * 64};{cert}", "xfcc_hash", 5),
        fault("Hash of another certificate of the chain", "", f"Hash={sha256(INTERMEDIATE).hexdigest()};{chain}", "xfcc_hash", 5),
        fault("Cert empty", "", "Cert=", "pem", 5),
        fault("Cert a placeholder", "only a whole value may be one", 'Cert="(null)"', "pem", 6),
        fault("Cert with two", "it holds one", f'Cert="{chain_url}"', "too_many_certificates", 6 + len(LEAF_URL)),
        fault("Cert percent", "offsets are of the header", 'DNS=a;Cert="%zz"', "percent", "%"),
        fault("Cert with a space", "", 'DNS=a;Cert="a b"', "character", " "),
        fault("Cert not percent-encoded", "", f'Cert="{pem(LEAF).replace(chr(10), " ")}"', "character", 16),
        fault("Chain empty", "it holds at least one", f'{cert};Chain=""', "pem", len(cert) + 8),
        fault("Chain of eleven", "more than any real one", f'Chain="{LEAF_URL * 11}"', "too_many_certificates", 7 + 10 * len(LEAF_URL)),
        fault("Chain that begins with another", "at its value", f'{cert};Chain="{quote(pem(INTERMEDIATE, LEAF), safe="")}"', "xfcc_chain", len(cert) + 8),
        fault("Chain with a damaged certificate", "", f'Chain="{quote(pem(LEAF, DAMAGED), safe="")}"', "certificate", 0),
        fault("Chain mismatch before damage", "", f'Cert="{quote(pem(DAMAGED), safe="")}";{chain}', "xfcc_chain", 15 + len(quote(pem(DAMAGED), safe=""))),
        fault("a wrong Hash before damage", "all of the text comes before X.509", f'Hash={"0" * 64};Cert="{quote(pem(DAMAGED), safe="")}"', "xfcc_hash", 5),
        header("header: a URI that is no name of the certificate", "the identity is checked as parse_xfcc does", f"{cert};URI=urn:a", "xfcc_names", len(cert) + 5),
        fault("a URI that is no name of the certificate", "at its value", f"{two_cert};URI=urn:a;URI=urn:c;URI=urn:b", "xfcc_names", "urn:c"),
        fault("a DNS that is no name of the certificate", "at its value", f"{two_cert};DNS=a;DNS=c;DNS=b", "xfcc_names", len(f"{two_cert};DNS=a;DNS=")),
        fault("a URI of the chain", "the end-entity's count", f'Chain="{quote(pem(LEAF, two), safe="")}";URI=urn:a', "xfcc_names", "urn:a"),
        fault("a URI that is missing", "at the first, as Envoy before 1.22 wrote it", f"{two_cert};URI=urn:a", "xfcc_names", "urn:a"),
        fault("a DNS that is missing", "at the first", f"{two_cert};URI=urn:a;URI=urn:b;DNS=b", "xfcc_names", len(f"{two_cert};URI=urn:a;URI=urn:b;DNS=")),
        fault("no URI where the certificate has one", "at the empty value", f"{cert};URI=;DNS={dns}", "xfcc_names", len(cert) + 5),
        fault("a URI where the certificate has none", "", f"{nameless_cert};URI=urn:a", "xfcc_names", "urn:a"),
        fault("a URI that is a DNS of the certificate", "kinds are compared on their own", f"{cert};URI={dns}", "xfcc_names", dns),
        fault("a DNS in another case", "bytes, as Envoy writes them", f"{cert};DNS={dns};DNS={dns.upper()}", "xfcc_names", dns.upper()),
        fault("a URI with a space after it", "", f"{cert};URI={uri} ;DNS={dns}", "xfcc_names", uri),
        fault("a URI that was cut at its semicolon", "the pair after it says what the certificate says", f"{cut_cert};URI=urn:a;URI=urn:a;DNS=admin;DNS=admin", "xfcc_names", "urn:a"),
        fault("a DNS that cannot be written in ASCII", "", f"{high_cert};DNS=\xe9", "character", "\xe9"),
        fault("a DNS that was left out", "", f"{high_cert};DNS=", "xfcc_names", len(high_cert) + 5),
        fault("a URI before the DNS", "in the order of the kinds", f"{cert};DNS=a;URI=urn:a", "xfcc_names", "urn:a"),
        fault("names of the first element before the second", "in order", f"{cert};DNS=a,Hash=1", "xfcc_names", len(cert) + 5),
        fault("damage before names", "", f'Cert="{quote(pem(DAMAGED), safe="")}";URI=urn:a', "certificate", 0),
        fault("first element at fault", "in order", f'{cert};Hash={"0" * 64},Hash=1', "xfcc_hash", len(cert) + 6),
        *nothing("xfcc"),
        *({**vector, "id": f"parse_xfcc: {vector['id']}", "function": "parse_xfcc"} for vector in nothing("xfcc")),
    ]  # fmt: skip


def x509() -> list[Vector]:
    """DER in, whole certificates out."""

    def ok(id_: str, why: str, der: bytes) -> Vector:
        return {"id": id_, "why": why, "der": b64(der), "sha256": [sha256(der).hexdigest()]}

    def fault(id_: str, why: str, der: bytes, code: str, at: int | bytes, *, past: int = 0) -> Vector:
        if isinstance(at, bytes):
            assert der.count(at) == 1, id_
            at = der.index(at) + past
        return {"id": id_, "why": why, "der": b64(der), "code": code, "offset": at}

    certificate, tlv, oid = x.certificate, x.tlv, x.oid
    exts = lambda *found: certificate(extensions=found)  # noqa: E731 - as short as what it stands for
    san = lambda *names: exts(x.subject_alt_name(*names))  # noqa: E731
    directory = lambda *rdns: tlv(x.DIRECTORY, x.name(*rdns))  # noqa: E731
    subject = lambda *rdns: certificate(subject=x.name(*rdns))  # noqa: E731
    named = lambda kind, value, tag=x.UTF8: subject(x.attribute(kind, value, tag))  # noqa: E731

    def rsa(key: bytes) -> bytes:
        return tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.RSA), tlv(x.NULL)), tlv(x.BIT_STRING, b"\0", key))

    def times(before: bytes, after: bytes = x.NOT_AFTER) -> bytes:
        return certificate(validity=tlv(x.SEQUENCE, before, after))

    def too_short(tag: int, *contents: bytes) -> bytes:
        """An element that ends one byte before its content does."""
        content = b"".join(contents)
        return tlv(tag, content[:-1]) + content[-1:]

    basic, usage, purposes = (
        x.basic_constraints(),
        x.key_usage(b"\x07\x80"),
        x.extension(x.EXT_KEY_USAGE, tlv(x.SEQUENCE)),
    )
    true = tlv(x.BOOLEAN, b"\xff")
    many, last = [x.attribute(x.CN, "")] * 256, x.attribute(x.O, "last")
    crowd, last_san = x.name(*many, last), tlv(x.DNS, b"last")
    crowds = {
        "of the subject": (certificate(subject=crowd), last),
        "of the issuer, in one RDN": (certificate(issuer=x.name((*many, last))), last),
        "of the certificate": (san(*[tlv(x.DNS)] * 2048, last_san, tlv(x.IP, b"unread")[:-1]), last_san),
        "of a directory name": (san(tlv(x.DIRECTORY, crowd)), last),
        "of a location": (exts(x.info_access((x.OCSP, tlv(x.DIRECTORY, crowd)))), last),
        "of an issuer of revocation lists": (exts(x.basic_constraints(true), x.extension(x.CRL_DISTRIBUTION_POINTS, tlv(x.SEQUENCE, tlv(x.SEQUENCE, tlv(0xA0, tlv(0xA1, *many, last)))))), last),
    }  # fmt: skip
    long_oid = "1.2.3." + ".".join(["123456"] * 20)
    names = {
        "an empty name list": san(),
        "plain names": san(tlv(x.DNS, b"a.example"), tlv(x.EMAIL, b"a@example"), tlv(x.URI, b"spiffe://a/b?c#d")),
        "addresses": san(tlv(x.IP, bytes((127, 0, 0, 1))), tlv(x.IP, bytes(15) + b"\1"), tlv(x.IP, b"\x20\x01\x0d\xb8" + bytes(8) + b"\0\1\0\2")),
        "an address that maps IPv4": san(tlv(x.IP, bytes(10) + b"\xff\xff\1\2\3\4")),
        "addresses of no length": san(tlv(x.IP, b""), tlv(x.IP, bytes(5)), tlv(x.IP, bytes(8))),
        "names with delimiters": san(tlv(x.DNS, b"a,b"), tlv(x.DNS, b'"'), tlv(x.DNS, b"\\"), tlv(x.DNS, b"it's"), tlv(x.URI, b"x:, DNS:evil.example")),
        "names with control characters": san(tlv(x.DNS, b"a\0b"), tlv(x.EMAIL, b"\r\n"), tlv(x.URI, b"\x7f\x80\xff")),
        "empty names": san(tlv(x.DNS), tlv(x.EMAIL), tlv(x.URI)),
        "registered ID": san(tlv(x.REGISTERED_ID, oid(f"1.2.{2**70}")[2:])),
        "user principal names": san(*(x.other_name(x.UPN, tlv(x.UTF8, value)) for value in (b"a@b", b"a,b", b"it's", b'\xc3\xa9"', b"\xff\xe2\x82"))),
        "other names": san(
            x.other_name(x.SMTP_UTF8_MAILBOX, tlv(x.UTF8, "é@b".encode())),
            x.other_name(x.SRV_NAME, tlv(x.IA5, b"_x.y\xe9")),
            x.other_name(x.SRV_NAME, tlv(x.UTF8, b"_x.y")),
            x.other_name(x.UPN, tlv(x.IA5, b"a@b")),
            x.other_name("1.2.3", tlv(x.UTF8, b"a")),
        ),
        "directory names": san(
            directory(x.attribute(x.C, "DE", x.PRINTABLE), (x.attribute(x.O, "a+b"), x.attribute(x.CN, "c"))),
            directory(x.attribute(x.CN, " a ")),
            directory(x.attribute(x.CN, "#a")),
            directory(x.attribute(x.CN, "a\n\x7fé'")),
            directory(),
        ),
        "directory names of one character": san(*(directory(x.attribute(x.CN, value)) for value in ("#", " ", ",", "\\", ""))),
        "directory name of an unknown type": san(directory(x.attribute("1.2.3.4", "abc"), x.attribute("1.2.3.5", b"\xe9", x.T61))),
        "directory name in two bytes a character": san(directory(x.attribute(x.CN, "#€".encode("utf-16-be"), x.BMP))),
    }  # fmt: skip
    keys = {
        "RSA": x.rsa(),
        "RSA without parameters": x.rsa(parameters=b""),
        "RSA with a sign bit": x.rsa(x.MODULUS),
        "RSA with padding": x.rsa(bytes(2) + x.MODULUS),
        "RSA of nothing": x.rsa(b"", b""),
        "RSA with a small modulus": x.rsa(b"\x0f"),
        "RSA with an exponent of 64 bits": x.rsa(exponent=b"\0" + b"\xff" * 8),
        "RSA with an exponent of 65 bits": x.rsa(exponent=b"\1" + bytes(8)),
        "RSA with bytes after the key": x.rsa(after=b"\5\0"),
        "RSA with a third number": rsa(tlv(x.SEQUENCE, *[tlv(x.INTEGER, b"\3")] * 3)),
        "RSA key that is no sequence": rsa(tlv(x.SET, *[tlv(x.INTEGER, b"\3")] * 2)),
        "RSA key of one number": rsa(tlv(x.SEQUENCE, tlv(x.INTEGER, b"\3"))),
        "RSA key of no bytes": rsa(b""),
        "P-256": x.ec(),
        "a binary curve with an order shorter than a byte string": x.ec(x.G_SECT163K1, oid(x.SECT163K1)),
        "a curve whose order is longer than its field": x.ec(x.G_WTLS8, oid(x.WTLS8)),
        "EC point too short": x.ec(x.G_P256[:-1]),
        "EC point too long": x.ec(x.G_P256 + b"\0"),
        "EC point at infinity": x.ec(b"\0"),
        "EC point of no form": x.ec(b"\5" + x.G_P256[1:]),
        "EC point empty": x.ec(b""),
        "RSA under the OID of X.509 (1988)": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid("2.5.8.1.1"), tlv(x.INTEGER, b"\4\0")), x.rsa()[18:]),
        "RSA with other parameters": x.rsa(parameters=tlv(x.SEQUENCE)),
        "RSA with unused bits": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.RSA), tlv(x.NULL)), tlv(x.BIT_STRING, b"\1", tlv(x.SEQUENCE, *[tlv(x.INTEGER, b"\3")] * 2))),
        "RSA-PSS": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid("1.2.840.113549.1.1.10")), x.rsa()[18:]),
        "EC point off the curve": x.ec(x.G_P256[:-1] + b"\0"),
        "EC point beyond the field": x.ec(b"\2" + (x.P_P256 + 5).to_bytes(32)),
        "EC point compressed": x.ec(b"\3" + x.G_P256[1:33]),
        "EC point compressed, of the other sign": x.ec(b"\2" + x.G_P256[1:33]),
        "EC point compressed, with an x of none": x.ec(b"\2" + bytes(31) + b"\1"),
        "EC point compressed, with a y": x.ec(b"\3" + x.G_P256[1:]),
        "EC point compressed, on P-224": x.ec(b"\2" + x.G_P224[1:29], oid(x.SECP224R1)),
        "EC point compressed, on P-224, with an x of none": x.ec(b"\2" + bytes(28), oid(x.SECP224R1)),
        "EC point compressed, on a binary curve": x.ec(b"\2" + x.G_SECT163K1[1:22], oid(x.SECT163K1)),
        "EC point compressed, on a binary curve, with x zero": x.ec(b"\3" + bytes(21), oid(x.SECT163K1)),
        "EC point compressed, on a binary curve, with an x of none": x.ec(b"\3" + bytes(20) + b"\2", oid(x.SECT163K1)),
        "EC point compressed, on a binary curve of even degree": x.ec(b"\3" + x.G_C2PNB208W1[1:27], oid(x.C2PNB208W1)),
        "EC point hybrid": x.ec(b"\7" + x.G_P256[1:]),
        "EC point hybrid, of the wrong parity": x.ec(b"\6" + x.G_P256[1:]),
        "EC point hybrid, on a binary curve": x.ec(b"\7" + x.G_SECT163K1[1:], oid(x.SECT163K1)),
        "EC point hybrid, on a binary curve, of the wrong parity": x.ec(b"\6" + x.G_SECT163K1[1:], oid(x.SECT163K1)),
        "EC point with unused bits": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.EC), oid(x.SECP224R1)), tlv(x.BIT_STRING, b"\2", x.G_P224)),
        "EC point off the curve with unused bits": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.EC), oid(x.P256)), tlv(x.BIT_STRING, b"\1", x.G_P256)),
        "EC on SM2": x.ec(x.G_SM2, oid(x.SM2)),
        "EC in numbers": x.ec(curve=x.ec_parameters()),
        "EC in numbers, without what is optional": x.ec(curve=x.ec_parameters(cofactor=b"")),
        "EC in numbers, with a seed": x.ec(curve=x.ec_parameters(seed=tlv(x.BIT_STRING, b"\0a"))),
        "EC in numbers, with coefficients of another length": x.ec(curve=x.ec_parameters(a=bytes(100) + (x.P_P256 - 3).to_bytes(32))),
        "EC in numbers, with a compressed generator": x.ec(curve=x.ec_parameters(base=b"\3" + x.G_P256[1:33])),
        "EC in numbers, with a hybrid generator": x.ec(b"\3" + x.G_P256[1:33], x.ec_parameters(base=b"\7" + x.G_P256[1:])),
        "EC in numbers, of a trinomial": x.ec(b"\2" + x.G_SECT233K1[1:31], x.sect233k1()),
        "EC in numbers, of a trinomial, with a compressed generator": x.ec(x.G_SECT233K1, x.sect233k1(base=b"\2" + x.G_SECT233K1[1:31])),
        "EC in numbers, of a trinomial, with a hybrid generator": x.ec(x.G_SECT233K1, x.sect233k1(base=b"\6" + x.G_SECT233K1[1:])),
        "EC in numbers, of a pentanomial": x.ec(x.G_SECT163K1, x.ec_parameters(field=x.binary_field(163, 3, 6, 7), a=b"\1", b=b"\1", base=x.G_SECT163K1, order=x.integer(x.N_SECT163K1), cofactor=x.integer(2))),
        "EC in numbers, of a curve whose name has no OID": x.ec(x.G_OAKLEY3, x.ec_parameters(field=x.binary_field(155, 62), a=b"\0", b=b"\7\x33\x8f", base=x.G_OAKLEY3, order=x.integer(x.N_OAKLEY3), cofactor=x.integer(3))),
        "EC in numbers, with a point off the curve": x.ec(x.G_P256[:-1] + b"\0", x.ec_parameters()),
        "EC on an unknown curve": x.ec(curve=oid("1.2.3.4")),
        "EC without a curve": x.ec(curve=b""),
        "Ed25519": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.ED25519)), tlv(x.BIT_STRING, bytes(33))),
        "numbers of no curve for another algorithm": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid("1.2.3"), tlv(x.SEQUENCE)), tlv(x.BIT_STRING, b"\0")),
    }  # fmt: skip
    three = tlv(x.INTEGER, b"\3")
    bad_rsa = {
        "of indefinite length": b"\x30\x80" + three * 2 + b"\0\0",
        "with a length in two bytes": b"\x30\x81\6" + three * 2,
        "with a modulus whose length is in two bytes": tlv(x.SEQUENCE, b"\2\x81\1\3", three),
        "with an exponent in pieces": tlv(x.SEQUENCE, three, tlv(0x22, three)),
        "in a primitive SEQUENCE": tlv(0x10, three * 2),
        "that is cut": b"\x30\7" + three * 2,
        "of a byte": b"\0",
    }
    bad_curves = {
        "of nothing": tlv(x.SEQUENCE),
        "with an empty version": x.ec_parameters(version=tlv(x.INTEGER)),
        "of version 2": x.ec_parameters(version=x.integer(2)),
        "of version 257": x.ec_parameters(version=x.integer(257)),
        "with a padded version": x.ec_parameters(version=tlv(x.INTEGER, b"\0\1")),
        "with an even modulus": x.ec_parameters(field=x.prime_field(x.P_P256 - 1)),
        "with another modulus": x.ec_parameters(field=x.prime_field(x.P_P256 + 2)),
        "with a modulus of 6000 bits": x.ec_parameters(field=x.prime_field(2**6000 + 1)),
        "with a negative modulus": x.ec_parameters(field=tlv(x.SEQUENCE, oid(x.X962_PRIME), tlv(x.INTEGER, x.P_P256.to_bytes(32)))),
        "with a field whose length is in three bytes": x.ec_parameters(field=b"\x30\x82\0" + x.prime_field()[1:]),
        "with a field in a set": x.ec_parameters(field=b"\x31" + x.prime_field()[1:]),
        "with two moduli": x.ec_parameters(field=tlv(x.SEQUENCE, oid(x.X962_PRIME), *[x.integer(x.P_P256)] * 2)),
        "with another coefficient": x.ec_parameters(b=(x.B_P256 + 1).to_bytes(32)),
        "with a coefficient beyond the field": x.ec_parameters(a=(2 * x.P_P256 - 3).to_bytes(33)),
        "with a coefficient far beyond the field": x.ec_parameters(a=(x.P_P256 * 2**1100 - 3).to_bytes(170)),
        "with a coefficient in pieces": x.ec_parameters().replace(tlv(x.OCTET_STRING, x.B_P256.to_bytes(32)), tlv(0x24, x.B_P256.to_bytes(32))),
        "with an empty seed": x.ec_parameters(seed=tlv(x.BIT_STRING, b"\0")),
        "with unused bits in the seed that are set": x.ec_parameters(seed=tlv(x.BIT_STRING, b"\1a")),
        "with another seed": x.ec_parameters(seed=tlv(x.OCTET_STRING, b"a")),
        "with two seeds": x.ec_parameters(seed=tlv(x.BIT_STRING, b"\0a") * 2),
        "with the negated generator": x.ec_parameters(base=b"\2" + x.G_P256[1:33]),
        "with a generator of the wrong parity": x.ec_parameters(base=b"\6" + x.G_P256[1:]),
        "with a generator off the curve": x.ec_parameters(base=x.G_P256[:-1] + b"\0"),
        "with a generator at infinity": x.ec_parameters(base=b"\0"),
        "with an empty generator": x.ec_parameters(base=b""),
        "with another order": x.ec_parameters(order=x.integer(6)),
        "with an order of zero": x.ec_parameters(order=x.integer(0)),
        "with a negative order": x.sect233k1(order=tlv(x.INTEGER, x.N_SECT233K1.to_bytes(29))),
        "without an order": x.ec_parameters(order=b"", cofactor=b""),
        "with another cofactor": x.ec_parameters(cofactor=x.integer(7)),
        "with a cofactor of zero": x.ec_parameters(cofactor=x.integer(0)),
        "with a negative cofactor": x.ec_parameters(cofactor=tlv(x.INTEGER, b"\xff")),
        "with bytes after them": x.ec_parameters(after=tlv(x.NULL)),
        "of a trinomial, with another term": x.sect233k1(field=x.binary_field(233, 73)),
        "of a trinomial, written as a pentanomial": x.sect233k1(field=x.binary_field(233, 74, 74, 74)),
        "of a trinomial of huge degree": x.sect233k1(field=x.binary_field(2**70, 74)),
        "of a trinomial, with another cofactor": x.sect233k1(cofactor=x.integer(2)),
        # y² + xy = x³ + b over GF(2)[t]/(t⁷ + t + 1), through (1, t).
        "of a curve without a name": x.ec_parameters(field=x.binary_field(7, 1), a=b"\0", b=b"\7", base=b"\4\1\2", order=x.integer(9)),
        "of exponents out of order": x.ec_parameters(field=x.binary_field(7, 3, 2, 1), a=b"\0", b=b"\7", base=b"\4\1\2", order=x.integer(9)),
        "of a reducible polynomial": x.ec_parameters(field=x.binary_field(8, 4), a=b"\0", b=b"\7", base=b"\4\1\2", order=x.integer(9)),
        "modulo a prime with 97 factors 2 below it": x.ec_parameters(field=x.prime_field(131 * 2**97 + 1), a=b"\0", b=b"\4", base=b"\4" + bytes(27) + b"\2", order=x.integer(5)),
    }  # fmt: skip
    access = {
        "one location": x.info_access((x.OCSP, tlv(x.URI, b"http://a"))),
        "locations of all kinds": x.info_access(
            (x.OCSP, tlv(x.URI, b"http://a,b")),
            (x.CA_ISSUERS, tlv(x.URI, b"ldap://x/?y")),
            (x.OCSP, tlv(x.DNS, b"it's")),
            (x.OCSP, tlv(x.URI, b"http://c")),
            ("1.2.3.4", tlv(x.IP, bytes(16))),
            (x.CA_ISSUERS, directory(x.attribute(x.CN, 'é"\\,'))),
            (x.CA_ISSUERS, x.other_name(x.UPN, tlv(x.UTF8, b"a,b"))),
        ),
        "no location": x.info_access(),
        "a location that does not parse": x.extension(
            x.INFO_ACCESS, tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.OCSP), tlv(0x89)))
        ),
        "no sequence": x.extension(x.INFO_ACCESS, tlv(x.NULL)),
        "an EDI name of nothing": x.info_access((x.OCSP, tlv(x.EDI_PARTY))),
        "a method with a long OID": x.info_access((long_oid, tlv(x.URI, b"u"))),
        "a directory name with a bit string": x.info_access(
            (x.OCSP, directory(x.attribute(x.CN, b"\5\xff", x.BIT_STRING)))
        ),
        "bytes after the locations": x.extension(x.INFO_ACCESS, tlv(x.SEQUENCE) + b"\0"),
    }
    authority = {
        "a CA": (x.basic_constraints(true),),
        "a CA that may sign certificates": (x.basic_constraints(true), x.key_usage(b"\x02\x04")),
        "a CA that may not sign certificates": (x.basic_constraints(true), x.key_usage(b"\x01\x02")),
        "a CA whose signing bit is unused": (x.basic_constraints(true), x.key_usage(b"\x05\x44")),
        "no CA": (basic,),
        "no CA though it may sign certificates": (x.key_usage(b"\x02\x04"),),
        "a CA with a length": (x.basic_constraints(true, tlv(x.INTEGER, b"\3")),),
        "true in another byte": (x.basic_constraints(tlv(x.BOOLEAN, b"\1")),),
        "false, spelled out": (x.basic_constraints(tlv(x.BOOLEAN, b"\0")),),
    }
    bad = tlv(x.NULL)
    cached = {
        "a subject key identifier": (x.SUBJECT_KEY_ID, tlv(x.OCTET_STRING, b"a")),
        "an authority key identifier": (x.AUTHORITY_KEY_ID, tlv(x.SEQUENCE, tlv(0x80, b"a"), tlv(0xA1, tlv(x.DNS, b"a")), tlv(0x82, b"\1"))),
        "name constraints": (x.NAME_CONSTRAINTS, tlv(x.SEQUENCE, tlv(0xA0, tlv(x.SEQUENCE, tlv(x.DNS, b"a"), tlv(0x80, b"\0"), tlv(0x81, b"\1"))), tlv(0xA1))),
        "distribution points": (
            x.CRL_DISTRIBUTION_POINTS,
            tlv(
                x.SEQUENCE,
                tlv(x.SEQUENCE, tlv(0xA0, tlv(0xA0, tlv(x.URI, b"a")))),
                tlv(x.SEQUENCE, tlv(0xA0, tlv(0xA1, x.attribute(x.CN, "a"))), tlv(0x81, b"\1\6"), tlv(0xA2, tlv(x.DNS, b"a"))),
                tlv(x.SEQUENCE, tlv(0xA2, directory())),
            ),
        ),
        "a Netscape type": (x.NETSCAPE_TYPE, tlv(x.BIT_STRING, b"\1\6")),
        "addresses": (x.ADDRESS_BLOCKS, tlv(x.SEQUENCE, tlv(x.SEQUENCE, tlv(x.OCTET_STRING, b"\0\1"), tlv(x.NULL)), tlv(x.SEQUENCE, tlv(x.OCTET_STRING), tlv(x.SEQUENCE, tlv(x.BIT_STRING, b"\0"), tlv(x.SEQUENCE, *[tlv(x.BIT_STRING, b"\0")] * 2))))),
        "autonomous systems": (x.AUTONOMOUS_SYSTEMS, tlv(x.SEQUENCE, tlv(0xA0, tlv(x.NULL)), tlv(0xA1, tlv(x.SEQUENCE, tlv(x.INTEGER, b"\1"), tlv(x.SEQUENCE, *[tlv(x.INTEGER, b"\1")] * 2))))),
    }  # fmt: skip
    no_authority = {
        "with all that OpenSSL decodes": tuple(x.extension(kind, content) for kind, content in cached.values()),
        "with bytes after all that OpenSSL decodes": tuple(x.extension(kind, content + b"junk") for kind, content in cached.values()),
        **{f"no CA with two of {id_}": (x.extension(kind, content), x.extension(kind, content)) for id_, (kind, content) in cached.items()},
        **{f"no CA with {id_} of nothing": (x.extension(kind, bad),) for id_, (kind, _) in cached.items()},
        "no CA with a proxy's extension": (x.extension(x.PROXY_CERT_INFO, bad),),
        "no CA with a point that says nothing": (x.extension(x.CRL_DISTRIBUTION_POINTS, tlv(x.SEQUENCE, tlv(x.SEQUENCE, tlv(0x81, b"\0"), tlv(0xA2)))),),
        "no CA with a point named by a bad string": (x.extension(x.CRL_DISTRIBUTION_POINTS, tlv(x.SEQUENCE, tlv(x.SEQUENCE, tlv(0xA0, tlv(0xA1, x.attribute(x.CN, b"\xff")))))),),
        "with an unknown extension that does not parse": (x.extension("1.2.3", bad), x.extension("1.2.3", bad)),
    }  # fmt: skip
    bad_authority = {
        "a key identifier in pieces": (x.SUBJECT_KEY_ID, tlv(0x24, tlv(x.OCTET_STRING, b"a"))),
        "an authority key identifier in pieces": (x.AUTHORITY_KEY_ID, tlv(x.SEQUENCE, tlv(0xA0, tlv(x.OCTET_STRING, b"a")))),
        "name constraints of indefinite length": (x.NAME_CONSTRAINTS, b"\x30\x80\0\0"),
        "a point named by a primitive SEQUENCE": (x.CRL_DISTRIBUTION_POINTS, tlv(x.SEQUENCE, tlv(x.SEQUENCE, tlv(0xA0, tlv(0x80, tlv(x.URI, b"a")))))),
        "unused bits of nothing": (x.NETSCAPE_TYPE, tlv(x.BIT_STRING, b"\1")),
    }  # fmt: skip
    bad_parameters = {
        "an empty BOOLEAN": (tlv(x.BOOLEAN), "certificate"),
        "a padded INTEGER": (tlv(x.INTEGER, b"\0\0"), "certificate"),
        "a NULL with content": (tlv(x.NULL, b"a"), "certificate"),
        "an unfinished OID": (tlv(x.OID, b"\x80"), "certificate"),
        "odd UCS-2": (tlv(x.BMP, b"a"), "certificate"),
        "uneven UCS-4": (tlv(x.UNIVERSAL, b"a"), "certificate"),
        "a primitive SEQUENCE": (tlv(0x10), "certificate"),
        "a string in pieces": (tlv(0x24), "der"),
        "the end of contents": (tlv(0), "der"),
        "unused bits that are set": (tlv(x.BIT_STRING, b"\1\1"), "der"),
    }
    no_text = {
        "a BIT STRING": (x.BIT_STRING, b"\5\xff"),
        "a SEQUENCE": (x.SEQUENCE, b"a"),
        "an ObjectDescriptor": (0x07, b"a"),
        "a REAL": (0x09, b""),
        "a CHARACTER STRING": (0x1D, b"a"),
    }
    values = {
        "UTF-8": (x.UTF8, "é€😀".encode()),
        "Latin-1 in a PrintableString": (x.PRINTABLE, b"\xe9_*"),
        "T61": (x.T61, b"\xe9"),
        "UCS-2": (x.BMP, "é€".encode("utf-16-be")),
        "UCS-4": (x.UNIVERSAL, "é€😀".encode("utf-32-be")),
        "control characters": (x.UTF8, b"a\0b\r\n"),
        "empty": (x.UTF8, b""),
    }
    bad_values = {
        "invalid UTF-8": (x.UTF8, b"\xff\xfe\xfd\xfc"),
        "overlong UTF-8": (x.UTF8, b"\xc0\xaf\xc0\xaf"),
        "a surrogate in UTF-8": (x.UTF8, b"\xed\xa0\x80\xed\xa0\x80"),
        "a surrogate pair in UCS-2": (x.BMP, "😀".encode("utf-16-be")),
        "odd UCS-2": (x.BMP, b"\0a\0b\0"),
        "uneven UCS-4": (x.UNIVERSAL, b"\0\0\0a\0"),
        "UCS-4 beyond Unicode": (x.UNIVERSAL, b"\0\x11\0\0"),
        "a surrogate in UCS-4": (x.UNIVERSAL, b"\0\0\xd8\0"),
        "no string": (x.OCTET_STRING, b"abcd"),
        "a VisibleString": (0x1A, b"abcde"),
        "a set": (x.SET, b"\5\0"),
        "nine unused bits": (x.BIT_STRING, b"\x09\0\0\0"),
    }
    bad_access = {
        "cut": b"junk",
        "a length in two bytes": b"\x30\x81\0",
        "a name in pieces": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.OCSP), tlv(0xA6, tlv(x.IA5, b"u")))),
        "a value in pieces": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.OCSP), x.other_name(x.UPN, tlv(0x2C, tlv(x.UTF8))))),
        "an OID of 587 bytes": tlv(x.SEQUENCE, tlv(x.SEQUENCE, tlv(x.OID, b"\1" * 587), tlv(x.URI, b"u"))),
    }
    bad_sans = {
        # A reader that takes 0x81 for a length finds the end in its place.
        "a length in the long form": tlv(x.SEQUENCE, b"\x82\x81\x05", bytes(128)),
        "an X.400 name that is no sequence": tlv(x.SEQUENCE, tlv(0x83, b"a")),
        "an EDI name of nothing": tlv(x.SEQUENCE, tlv(x.EDI_PARTY)),
        "an EDI name in another type": tlv(x.SEQUENCE, tlv(x.EDI_PARTY, tlv(0xA1, tlv(x.IA5, b"a")))),
        "an EDI name with two parties": tlv(x.SEQUENCE, tlv(x.EDI_PARTY, tlv(0xA1, tlv(x.UTF8), tlv(x.UTF8)))),
        "an other name with an invalid value": tlv(x.SEQUENCE, x.other_name("1.2.3", tlv(x.BOOLEAN))),
        "empty": b"",
        "no sequence": tlv(x.OCTET_STRING, b"a"),
        "an unknown choice": tlv(x.SEQUENCE, tlv(0x89, b"a")),
        "a constructed DNS name": tlv(x.SEQUENCE, tlv(0xA2, tlv(x.IA5, b"a"))),
        "a name that is cut": tlv(x.SEQUENCE, b"\x82\x05a"),
        "a valid name before an invalid one": tlv(x.SEQUENCE, tlv(x.DNS, b"a"), tlv(x.REGISTERED_ID, b"\x80")),
        "bytes after": tlv(x.SEQUENCE, tlv(x.DNS, b"a")) + tlv(x.NULL),
        "an other name without a value": tlv(x.SEQUENCE, tlv(x.OTHER_NAME, oid(x.UPN))),
        "an other name with two values": tlv(
            x.SEQUENCE, tlv(x.OTHER_NAME, oid(x.UPN), tlv(0xA0, tlv(x.NULL), tlv(x.NULL)))
        ),
        "an other name with an empty value": tlv(x.SEQUENCE, x.other_name(x.UPN, b"")),
        "a directory name that is a set": tlv(x.SEQUENCE, tlv(x.DIRECTORY, tlv(x.SET))),
        "a directory name with two names": tlv(x.SEQUENCE, tlv(x.DIRECTORY, x.name(), x.name())),
        "a directory name with a bad string": tlv(x.SEQUENCE, directory(x.attribute(x.CN, b"\xff"))),
    }
    serials = {
        "zero": b"\0",
        "one digit": b"\x0f",
        "a leading zero": b"\0\x80",
        "negative": b"\x80",
        "minus one": b"\xff",
        "twenty bytes": bytes(range(1, 21)),
    }
    bad_integers = {"an empty INTEGER": b"", "a padded INTEGER": b"\0\x7f", "a padded negative INTEGER": b"\xff\x80"}
    bad_serials = {id_: (tlv(x.INTEGER, content), "certificate") for id_, content in bad_integers.items()}
    # A reader that takes 0x81 for a length finds all else in its place.
    bad_serials["a length in the long form"] = b"\x02\x81\x01" + bytes(128), "der"
    bad_oids = {
        "an empty OID": b"",
        "an unfinished OID": b"\x2a\x86",
        "a padded OID": b"\x2a\x80\x01",
        "an OID padded at once": b"\x80\x01",
    }
    unlimited_oid = b"\x2a" + b"\x81" * 585 + b"\1"
    bad_times = {
        "no zone": tlv(x.GENERALIZED_TIME, b"20260101000000.5"),
        "an offset of thirteen hours": tlv(x.UTC_TIME, b"260101000000+1300"),
        "an offset from before 1900": tlv(x.GENERALIZED_TIME, b"19000101000000+0001"),
        "an offset to year 10000": tlv(x.GENERALIZED_TIME, b"99991231235959-0001"),
        "an offset without minutes": tlv(x.UTC_TIME, b"260101000000+01"),
        "a point without a fraction": tlv(x.GENERALIZED_TIME, b"20260101000000.Z"),
        "a fraction in a short year": tlv(x.UTC_TIME, b"260101000000.5Z"),
        "a fraction of a minute": tlv(x.GENERALIZED_TIME, b"202601010000.5Z"),
        "a leap second": tlv(x.UTC_TIME, b"161231235960Z"),
        "no leap day": tlv(x.UTC_TIME, b"250229000000Z"),
        "month 13": tlv(x.UTC_TIME, b"261301000000Z"),
        "hour 24": tlv(x.UTC_TIME, b"260101240000Z"),
        "no digits": tlv(x.UTC_TIME, b"26010100000aZ"),
        "empty": tlv(x.UTC_TIME),
        "a byte after": tlv(x.UTC_TIME, b"260101000000Z\0"),
    }
    odd_times = {
        "no seconds": tlv(x.UTC_TIME, b"2601010000Z"),
        "no seconds but an offset": tlv(x.GENERALIZED_TIME, b"202601010000-0100"),
        "an offset": tlv(x.UTC_TIME, b"260101000000+0100"),
        "the longest offset": tlv(x.UTC_TIME, b"000229235959-1259"),
        "an offset of nothing": tlv(x.GENERALIZED_TIME, b"18991231235959+0000"),
        "an offset into 1900": tlv(x.GENERALIZED_TIME, b"18991231235959-0001"),
        "a fraction": tlv(x.GENERALIZED_TIME, b"20260101000000.50Z"),
        "a fraction and an offset": tlv(x.GENERALIZED_TIME, b"20260101000000.5+0100"),
        "year 0": tlv(x.GENERALIZED_TIME, b"00000229000000Z"),
    }
    return [
        ok("client", "a usual one", LEAF),
        ok("intermediate", "", INTERMEDIATE),
        ok("root", "", ROOT),
        ok("version 1", "no version, no extensions", certificate(version=b"")),
        ok("unique identifiers", "", certificate(unique_ids=tlv(0x81, b"\0\1") + tlv(0x82, b"\0"))),
        ok("no extension in the list", "", tlv(x.SEQUENCE, x.tbs(after=tlv(0xA3, tlv(x.SEQUENCE))), x.ALGORITHM, x.SIGNATURE)),
        ok("empty subject", "", subject()),
        ok("repeated attributes", "a list in Node.js", subject(x.attribute(x.OU, "a"), x.attribute(x.CN, "b"), x.attribute(x.OU, "c"), (x.attribute(x.OU, "d"), x.attribute(x.O, "e")))),
        ok("unknown attribute type", "its OID is the key", named("1.2.3.4.5", "a")),
        ok("attribute types with names of their own", "", subject(x.attribute(x.EMAIL_ADDRESS, b"a@b", x.IA5), x.attribute("0.9.2342.19200300.100.1.25", b"c", x.IA5))),
        ok("extended key usages", "", exts(x.extension(x.EXT_KEY_USAGE, tlv(x.SEQUENCE, oid(x.CLIENT_AUTH), oid(f"2.999.{2**80}"))))),
        ok("no extended key usage in the list", "", exts(purposes)),
        ok("a second information access", "the first counts", exts(access["one location"], access["no location"])),
        ok("years with four digits", "", times(tlv(x.GENERALIZED_TIME, b"20260105030405Z"), tlv(x.GENERALIZED_TIME, b"99991231235959Z"))),
        ok("the year 50", "UTCTime turns there", times(tlv(x.UTC_TIME, b"500101000000Z"), tlv(x.UTC_TIME, b"491231235959Z"))),
        ok("a year of one digit", "", times(tlv(x.GENERALIZED_TIME, b"00010101000000Z"))),
        *(ok(f"subjectAltName: {id_}", "", der) for id_, der in names.items()),
        *(ok(f"key: {id_}", "", certificate(key=key)) for id_, key in keys.items()),
        *(ok(f"infoAccess: {id_}", "", exts(found)) for id_, found in access.items()),
        *(ok(f"ca: {id_}", "", exts(*found)) for id_, found in authority.items()),
        *(ok(f"subject: {id_}", "", named(x.CN, value, tag)) for id_, (tag, value) in values.items()),
        *(ok(f"serial number: {id_}", "", certificate(serial=tlv(x.INTEGER, serial))) for id_, serial in serials.items()),
        *(
            ok(f"time: {id_}", "refused when the time is read", times(time))
            for id_, time in bad_times.items()
        ),
        *(ok(f"a time with {id_}", "as OpenSSL reads it", times(time)) for id_, time in odd_times.items()),
        *(ok(f"subject: {id_}", "no string: Node.js shows no subject", named("2.5.4.45", value, tag)) for id_, (tag, value) in no_text.items()),
        ok("an issuer that is no string", "Node.js shows no issuer", certificate(issuer=x.name(x.attribute(x.CN, "a"), x.attribute(x.CN, b"\0", x.BIT_STRING)))),
        ok("subject: empty RDNs", "", certificate(subject=tlv(x.SEQUENCE, tlv(x.SET), *[tlv(x.SET, x.attribute(x.CN, "a"))] * 2, tlv(x.SET)))),
        ok("extended key usages with long OIDs", "cut at 255 characters", exts(x.extension(x.EXT_KEY_USAGE, tlv(x.SEQUENCE, tlv(x.OID, unlimited_oid[1:]), oid(f"2.{2**70}.{10**300}"))))),
        *(ok(f"ca: {id_}", "", exts(x.basic_constraints(true), *found)) for id_, found in no_authority.items()),
        ok("X.400 and EDI names", "", san(tlv(x.X400, b"a"), tlv(x.EDI_PARTY, tlv(0xA0, tlv(x.UTF8, b"a")), tlv(0xA1, tlv(x.PRINTABLE, b"b"))), tlv(x.EDI_PARTY, tlv(0xA1, tlv(x.T61))))),
        ok("an attribute type with a long OID", "cut at 79 characters", named(long_oid, "a")),
        fault("empty", "", b"", "certificate", 0),
        fault("one byte", "", b"\x30", "der", 0),
        fault("no sequence", "", DAMAGED, "certificate", 0),
        fault("text", "", b"-----BEGIN CERTIFICATE-----", "der", 0),
        fault("bytes after the DER", "", TRAILING, "trailing_data", len(LEAF)),
        fault("one zero after the DER", "", LEAF + b"\0", "trailing_data", len(LEAF)),
        fault("cut", "the length goes beyond the data", LEAF[:-1], "der", 0),
        fault("indefinite length and no more", "", b"\x30\x80", "der", 0),
        fault("length that is cut", "", b"\x30\x82\x01", "der", 0),
        fault("indefinite length", "", b"\x30\x80" + LEAF[4:] + b"\0\0", "der", 0),
        fault("length with a leading zero", "", b"\x30\x83\0" + LEAF[2:], "der", 0),
        fault("long form of a short length", "", b"\x30\x81\x05\x30\x03\x02\x01\x01", "der", 0),
        fault("length of four bytes", "", b"\x30\x84\0\0" + LEAF[2:], "der", 0),
        fault("reserved length", "", b"\x30\xff" + LEAF[2:], "der", 0),
        fault("tag in two bytes", "", b"\x3f\x30" + LEAF[1:], "der", 0),
        fault("nothing inside", "at the end of the element around it", tlv(x.SEQUENCE), "certificate", 2),
        fault("no signature", "", tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM), "certificate", len(tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM))),
        fault("a fourth element", "", tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM, x.SIGNATURE, tlv(x.NULL)), "certificate", len(tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM, x.SIGNATURE))),
        fault("a byte of an algorithm for the signature", "", tlv(x.SEQUENCE, x.tbs(), b"\x30"), "der", len(tlv(x.SEQUENCE, x.tbs()))),
        fault("a byte of an RDN, and no more", "", tlv(x.SEQUENCE, tlv(x.SEQUENCE, tlv(x.INTEGER, b"\1"), x.ALGORITHM, tlv(x.SEQUENCE, b"\x31"))), "der", b"\x30\x01\x31", past=2),
        fault("a byte of a subjectAltName, and no more", "at its Extension", tlv(x.SEQUENCE, x.tbs(extensions=(x.subject_alt_name(b"\x82"),))), "extension", x.subject_alt_name(b"\x82")),
        fault("a version that goes beyond", "the element around it ends inside", tlv(x.SEQUENCE, too_short(x.SEQUENCE, x.VERSION_3)), "der", x.VERSION_3),
        fault("a Validity that goes beyond", "", tlv(x.SEQUENCE, too_short(x.SEQUENCE, tlv(x.INTEGER, b"\1"), x.ALGORITHM, x.ISSUER, tlv(x.SEQUENCE, x.NOT_BEFORE, x.NOT_AFTER))), "der", x.NOT_BEFORE, past=-2),
        fault("an algorithm that goes beyond", "", certificate(key=too_short(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.RSA), tlv(x.NULL)))), "der", oid(x.RSA), past=-2),
        fault("an RDN that goes beyond", "", certificate(subject=too_short(x.SEQUENCE, tlv(x.SET, x.attribute(x.OU, "a")))), "der", tlv(x.SET, x.attribute(x.OU, "a"))),
        fault("an extension that goes beyond", "", certificate(after=tlv(0xA3, too_short(x.SEQUENCE, usage))), "der", usage),
        fault("version without a number", "", certificate(version=b"\xa0\0"), "certificate", b"\xa0\0", past=2),
        fault("two versions", "", certificate(version=tlv(0xA0, tlv(x.INTEGER, b"\2"), tlv(x.INTEGER, b"\1"))), "certificate", b"\xa0\6", past=5),
        *(fault(f"serial number: {id_}", "", certificate(serial=tlv(x.INTEGER, content)), "certificate", x.VERSION_3, past=len(x.VERSION_3)) for id_, content in bad_integers.items()),
        *(
            fault(f"serial number before extensions: {id_}", "all else is as it usually is", certificate(serial=serial, extensions=(usage,)), code, x.VERSION_3, past=len(x.VERSION_3))
            for id_, (serial, code) in bad_serials.items()
        ),
        *(
            fault(f"algorithm: {id_}", "", certificate(algorithm=tlv(x.SEQUENCE, tlv(x.OID, content), tlv(x.NULL))), "certificate", tlv(x.OID, content) + tlv(x.NULL))
            for id_, content in bad_oids.items()
        ),
        fault("algorithm with two parameters", "", certificate(algorithm=tlv(x.SEQUENCE, oid("1.2.3"), tlv(x.NULL), b"\5\1")), "certificate", oid("1.2.3"), past=6),
        fault("parameters that are cut", "", certificate(algorithm=tlv(x.SEQUENCE, oid("1.2.3"), b"\5\1")), "der", oid("1.2.3"), past=4),
        fault("no subject but a key", "a key is no name", certificate(subject=b""), "name", x.ec(), past=2),
        fault("subject: an attribute that is a set", "", certificate(subject=x.name(tlv(x.SET, oid(x.OU)))), "name", tlv(x.SET, oid(x.OU))),
        fault("subject: an RDN that is a sequence", "", certificate(subject=tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.OU)))), "name", tlv(x.SEQUENCE, oid(x.OU))),
        fault("subject: a constructed string", "", named(x.OU, tlv(x.UTF8, b"ab"), 0x2C), "der", tlv(0x2C, tlv(x.UTF8, b"ab"))),
        fault("subject: a primitive SEQUENCE", "", certificate(subject=tlv(0x10, tlv(x.SET, x.attribute(x.OU, "a")))), "der", tlv(0x10, tlv(x.SET, x.attribute(x.OU, "a")))),
        fault("subject: a primitive SET", "", certificate(subject=tlv(x.SEQUENCE, tlv(0x11, x.attribute(x.OU, "a")))), "der", tlv(0x11, x.attribute(x.OU, "a"))),
        fault("subject: an OID of 587 bytes", "", certificate(subject=x.name(tlv(x.SEQUENCE, tlv(x.OID, unlimited_oid), tlv(x.UTF8)))), "der", tlv(x.OID, unlimited_oid)),
        fault("algorithm: an OID of 587 bytes", "", certificate(algorithm=tlv(x.SEQUENCE, tlv(x.OID, unlimited_oid))), "der", tlv(x.OID, unlimited_oid)),
        *(fault(f"parameters: {id_}", "", certificate(algorithm=tlv(x.SEQUENCE, oid("1.2.3"), found)), code, oid("1.2.3"), past=4) for id_, (found, code) in bad_parameters.items()),
        fault("a UTCTime in pieces", "", times(tlv(0x37, x.NOT_BEFORE)), "der", tlv(0x37, x.NOT_BEFORE)),
        fault("a GeneralizedTime in pieces", "", times(tlv(0x38, x.NOT_BEFORE)), "der", tlv(0x38, x.NOT_BEFORE)),
        fault("a unique identifier in pieces", "", certificate(unique_ids=tlv(0xA2, tlv(x.BIT_STRING, b"\0"))), "der", tlv(0xA2, tlv(x.BIT_STRING, b"\0"))),
        fault("a signature with unused bits that are set", "Node.js shows them cleared", tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM, tlv(x.BIT_STRING, b"\3\xff")), "der", tlv(x.BIT_STRING, b"\3\xff")),
        fault("an extension in pieces", "", exts(tlv(x.SEQUENCE, oid("1.2.3.4.5.6"), tlv(0x24))), "der", oid("1.2.3.4.5.6"), past=7),
        *(fault(f"infoAccess: {id_}", "OpenSSL may read it", exts(usage, x.extension(x.INFO_ACCESS, content)), "extension", x.extension(x.INFO_ACCESS, content)) for id_, content in bad_access.items()),
        *(
            fault(f"ca: {id_}", "OpenSSL may read it", exts(x.basic_constraints(true), x.extension(kind, content)), "extension", x.extension(kind, content))
            for id_, (kind, content) in bad_authority.items()
        ),
        fault("subject: an attribute without a value", "at its end", certificate(subject=x.name(tlv(x.SEQUENCE, oid(x.OU)))), "name", oid(x.OU), past=5),
        fault("subject: an attribute with two values", "", certificate(subject=x.name(tlv(x.SEQUENCE, oid(x.OU), tlv(x.UTF8), tlv(x.UTF8)))), "name", oid(x.OU), past=7),
        fault("subject: an attribute that is cut", "", certificate(subject=x.name(tlv(x.SEQUENCE, oid(x.OU), b"\x0c\x05"))), "der", oid(x.OU), past=5),
        *(fault(f"subject: {id_}", "at the string", named(x.OU, value, tag), "name", tlv(tag, value)) for id_, (tag, value) in bad_values.items()),
        *(fault(f"subject: {id_}", "", certificate(subject=x.name(tlv(x.SEQUENCE, tlv(x.OID, content), tlv(x.UTF8)))), "name", tlv(x.OID, content) + tlv(x.UTF8)) for id_, content in bad_oids.items()),
        fault("a time that is a string", "", times(tlv(x.UTF8, b"260101000000Z")), "certificate", tlv(x.UTF8, b"260101000000Z")),
        fault("one time", "at the end", times(b""), "certificate", x.NOT_AFTER, past=len(x.NOT_AFTER)),
        fault("three times", "", times(x.NOT_BEFORE, x.NOT_AFTER + tlv(x.NULL)), "certificate", x.NOT_AFTER, past=len(x.NOT_AFTER)),
        fault("a key of no bits", "", certificate(key=tlv(x.SEQUENCE, x.ALGORITHM, tlv(x.BIT_STRING))), "certificate", tlv(x.BIT_STRING)),
        fault("eight unused bits", "", certificate(key=tlv(x.SEQUENCE, x.ALGORITHM, tlv(x.BIT_STRING, b"\x08\xaa"))), "certificate", tlv(x.BIT_STRING, b"\x08\xaa")),
        *(fault(f"key: RSA {id_}", "at the BIT STRING; OpenSSL may read it", certificate(key=rsa(found)), "der", tlv(x.BIT_STRING, b"\0", found)) for id_, found in bad_rsa.items()),
        *(fault(f"key: EC in numbers, {id_}", "at the parameters", certificate(key=x.ec(curve=found)), "curve", found) for id_, found in bad_curves.items()),
        fault("key: EC in numbers, with the key for a generator", "CVE-2020-0601: its private key is 1, whosever key it is", certificate(key=x.ec(x.G2_P256, x.ec_parameters(base=x.G2_P256))), "curve", x.ec_parameters(base=x.G2_P256)),
        fault("key: EC in numbers, without a key", "the structure comes first", certificate(key=tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.EC), tlv(x.SEQUENCE)), tlv(x.BIT_STRING))), "certificate", tlv(x.BIT_STRING)),
        fault("key: EC in numbers, before bytes after the extensions", "from left to right", certificate(key=x.ec(curve=tlv(x.SEQUENCE)), extensions=(usage,), after=tlv(x.NULL)), "curve", oid(x.EC), past=len(oid(x.EC))),
        fault("unused bits of nothing", "", certificate(key=tlv(x.SEQUENCE, x.ALGORITHM, tlv(x.BIT_STRING, b"\1"))), "der", tlv(x.BIT_STRING, b"\1")),
        fault("unique identifiers in the wrong order", "", certificate(unique_ids=tlv(0x82, b"\0\1") + tlv(0x81, b"\0\1")), "certificate", tlv(0x81, b"\0\1")),
        fault("bytes after the extensions", "", certificate(extensions=(usage,), after=tlv(x.NULL)), "certificate", usage, past=len(usage)),
        fault("two extension lists", "", tlv(x.SEQUENCE, x.tbs(after=tlv(0xA3, tlv(x.SEQUENCE, usage), tlv(x.SEQUENCE))), x.ALGORITHM, x.SIGNATURE), "certificate", usage, past=len(usage)),
        fault("the list's fault before the one after it", "from left to right", tlv(x.SEQUENCE, x.tbs(after=tlv(0xA3, tlv(x.SEQUENCE, b"\x04\x01"), tlv(x.SEQUENCE))), x.ALGORITHM, x.SIGNATURE), "der", b"\x30\x02\x04\x01", past=2),
        fault("critical in two bytes", "", exts(x.extension("1.2.3", b"", tlv(x.BOOLEAN, b"\0\0"))), "certificate", tlv(x.BOOLEAN, b"\0\0")),
        fault("critical in no byte", "", exts(tlv(x.SEQUENCE, oid("2.5.29.99"), tlv(x.BOOLEAN), tlv(x.OCTET_STRING, b"\3abc"))), "certificate", tlv(x.BOOLEAN) + tlv(x.OCTET_STRING, b"\3abc")),
        fault("critical twice", "", exts(x.extension("1.2.3", b"", true + tlv(x.BOOLEAN, b"\0"))), "certificate", tlv(x.BOOLEAN, b"\0")),
        fault("an extension without a value", "at its end", exts(tlv(x.SEQUENCE, oid("1.2.3.4.5.6"))), "certificate", oid("1.2.3.4.5.6"), past=7),
        fault("an extension of a plain type without a value", "at its end", exts(tlv(x.SEQUENCE, oid("2.5.29.99")), usage), "certificate", usage),
        fault("an extension with two values", "", exts(tlv(x.SEQUENCE, oid("1.2.3.4.5.6"), tlv(x.OCTET_STRING), tlv(x.OCTET_STRING))), "certificate", oid("1.2.3.4.5.6"), past=9),
        *(fault(f"subjectAltName: {id_}", "at its Extension", exts(usage, x.extension(x.SUBJECT_ALT_NAME, content)), "extension", x.extension(x.SUBJECT_ALT_NAME, content)) for id_, content in bad_sans.items()),
        fault("basicConstraints: a string", "", exts(x.basic_constraints(tlv(x.UTF8))), "extension", x.basic_constraints(tlv(x.UTF8))),
        fault("basicConstraints: the length first", "", exts(x.basic_constraints(tlv(x.INTEGER, b"\1"), true)), "extension", x.basic_constraints(tlv(x.INTEGER, b"\1"), true)),
        fault("basicConstraints: a negative length", "RFC 5280, section 4.2.1.9: INTEGER (0..MAX); to OpenSSL it is no CA", exts(x.basic_constraints(true, tlv(x.INTEGER, b"\xff"))), "extension", x.basic_constraints(true, tlv(x.INTEGER, b"\xff"))),
        fault("basicConstraints: empty BOOLEAN", "", exts(x.basic_constraints(tlv(x.BOOLEAN))), "extension", x.basic_constraints(tlv(x.BOOLEAN))),
        fault("keyUsage: empty", "", exts(x.key_usage(b"")), "extension", x.key_usage(b"")),
        fault("keyUsage: bytes after", "", exts(x.extension(x.KEY_USAGE, tlv(x.BIT_STRING, b"\0\1") + b"\0")), "extension", x.extension(x.KEY_USAGE, tlv(x.BIT_STRING, b"\0\1") + b"\0")),
        fault("extendedKeyUsage: a string", "", exts(x.extension(x.EXT_KEY_USAGE, tlv(x.SEQUENCE, tlv(x.UTF8)))), "extension", x.extension(x.EXT_KEY_USAGE, tlv(x.SEQUENCE, tlv(x.UTF8)))),
        *(
            fault(f"a second {id_}", "at the second", exts(found, found), "duplicate_extension", found + found, past=len(found))
            for id_, found in {"subjectAltName": x.subject_alt_name(tlv(x.DNS, b"a")), "basicConstraints": basic, "keyUsage": usage, "extendedKeyUsage": purposes}.items()
        ),
        *(fault(f"too many names: {id_}", "at the first that is too many", der, "too_many_names", der.index(last)) for id_, (der, last) in crowds.items()),
        fault("a second that does not parse", "twice is the first fault", exts(usage, x.key_usage(b"")), "duplicate_extension", x.key_usage(b"")),
    ]  # fmt: skip


if __name__ == "__main__":
    write("percent", percent())
    write("base64", base64())
    write("pem", pem_vectors())
    write("url-pem", url_pem())
    write("base64-der", base64_der())
    write("base64-der-concat", base64_der_concat())
    write("base64-pem", base64_pem())
    write("hex-der", hex_der())
    write("rfc9440", rfc9440())
    write("xfcc", xfcc())
    write("x509", x509())
