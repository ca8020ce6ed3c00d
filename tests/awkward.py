"""Certificates that are hard to read: one for each oddity, by a name that says what it is, and random ones with many.

`cryptography` builds what it agrees to build; the rest is put together byte by byte, unsigned, because no decoder here
looks at a signature. Keys of every kind are in ``oracle/keys.json``, made by Node.js.
"""

from __future__ import annotations

import datetime as dt
import json
from base64 import b64decode
from ipaddress import ip_address
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from vectors import certificates as x
from vectors.certificates import attribute, certificate, extension, name, oid, other_name, subject_alt_name, tlv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

Named = tuple[str, bytes]

KEYS = {
    id_: b64decode(key) for id_, key in json.loads((Path(__file__).parent / "oracle" / "keys.json").read_text()).items()
}

NUMERIC, VISIBLE, GENERAL, GRAPHIC, VIDEOTEX, OBJECT_DESCRIPTOR = 0x12, 0x1A, 0x1B, 0x19, 0x15, 0x07
STRINGS = {
    "UTF8String": (x.UTF8, "utf-8"),
    "NumericString": (NUMERIC, "latin-1"),
    "PrintableString": (x.PRINTABLE, "latin-1"),
    "T61String": (x.T61, "latin-1"),
    "VideotexString": (VIDEOTEX, "latin-1"),
    "IA5String": (x.IA5, "latin-1"),
    "GraphicString": (GRAPHIC, "latin-1"),
    "VisibleString": (VISIBLE, "latin-1"),
    "GeneralString": (GENERAL, "latin-1"),
    "UniversalString": (x.UNIVERSAL, "utf-32-be"),
    "BMPString": (x.BMP, "utf-16-be"),
    "ObjectDescriptor": (OBJECT_DESCRIPTOR, "latin-1"),
    "OCTET STRING": (x.OCTET_STRING, "latin-1"),
    "UTCTime": (x.UTC_TIME, "latin-1"),
    "GeneralizedTime": (x.GENERALIZED_TIME, "latin-1"),
}
TEXTS = {
    "text": "text",
    "no text": "",
    "a digit": "7",
    "commas": "a,b, c",
    "double quotes": '"a" b"',
    "single quotes": "it's",
    "backslashes": "a\\b\\",
    "RFC 2253": " #a+b<c>d;e=f ",
    "a number sign": "#",
    "spaces": "  ",
    "line feeds": "a\nb\r\n",
    "tabs": "\ta\v\f",
    "a NUL": "a\0b",
    "a NUL at the end": "a\0",
    "control characters": "\x01\x1b[0m\x7f",
    "C1 controls": "\x80\x85\x9f",
    "Latin-1": "é\xa0\xadÿ",
    "another attribute": "a\nCN=b",
    "a location": "a\nOCSP - URI:b",
    "escapes": "\\u0022 \\x00 %00 \\n",
    "braces": '{"a":[1]}',
    "an integer": "1",
    "a prototype": "__proto__",
}
SCRIPTS = {
    "Arabic": "مثال",
    "Hebrew": "דוגמה",
    "Chinese": "例子",
    "Japanese": "サンプル",
    "Korean": "예시",
    "Cyrillic": "пример",
    "Greek": "παράδειγμα",
    "Thai": "ตัวอย่าง",
    "Devanagari": "उदाहरण",
    "combining marks": "e\u0301\u0323",
    "a byte order mark": "\ufeffa",
    "a bidirectional override": "a\u202eb\u2066",
    "line separators": "a\u2028b\u2029c",
    "noncharacters": "\ufffe\uffff",
    "private use": "\ue000",
    "a ligature": "ﬁ",
}
ASTRAL = {"emoji": "😀👩‍💻", "the last character": "\U0010ffff"}
TYPES = (
    x.CN, x.C, x.O, x.OU, x.EMAIL_ADDRESS, "2.5.4.4", "2.5.4.5", "2.5.4.7", "2.5.4.8", "2.5.4.9", "2.5.4.12", "2.5.4.15",
    "2.5.4.41", "2.5.4.42", "2.5.4.43", "2.5.4.44", "2.5.4.45", "2.5.4.46", "2.5.4.65", "2.5.4.97",
    "0.9.2342.19200300.100.1.1", "0.9.2342.19200300.100.1.25", "1.3.6.1.4.1.311.60.2.1.3", "1.2.643.100.1",
    "1.2.3.4", "2.999.1", "1.3.6.1.4.1.99999.1", "2.5.4.999", f"2.25.{2**127}", "0.0", "1.39.1", "2.5.29.17",
)  # fmt: skip


def of(*rdns: bytes | tuple[bytes, ...]) -> bytes:
    return certificate(subject=name(*rdns))


def san(*names: bytes) -> bytes:
    return certificate(extensions=(subject_alt_name(*names),))


def directory(*rdns: bytes | tuple[bytes, ...]) -> bytes:
    return tlv(x.DIRECTORY, name(*rdns))


def algorithm(kind: str, *parameters: bytes) -> bytes:
    return tlv(x.SEQUENCE, oid(kind), *parameters)


def key(kind: str, bits: bytes, *parameters: bytes) -> bytes:
    return tlv(x.SEQUENCE, algorithm(kind, *parameters), tlv(x.BIT_STRING, b"\0", bits))


def times(before: bytes, after: bytes = x.NOT_AFTER) -> bytes:
    return certificate(validity=tlv(x.SEQUENCE, before, after))


def integer(value: int) -> bytes:
    return tlv(x.INTEGER, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


# Names.


def names() -> Iterator[Named]:
    for string, (tag, encoding) in STRINGS.items():
        for id_, text in TEXTS.items():
            yield f"{string} of {id_}", of(attribute(x.CN, text.encode(encoding), tag))
    for string in ("UTF8String", "BMPString", "UniversalString"):
        tag, encoding = STRINGS[string]
        for id_, text in (SCRIPTS | (ASTRAL if string != "BMPString" else {})).items():
            yield f"{string} of {id_}", of(attribute(x.CN, text.encode(encoding), tag))
    for string, (tag, _) in STRINGS.items():
        for content in (
            b"\xff",
            b"\xc3",
            b"\xed\xa0\x80",
            b"\0",
            b"\0\0\0",
            b"\xd8\0\xdc\0",
            b"\0\x11\0\0",
            b"\xf5\x80\x80\x80",
        ):
            yield f"{string} of the bytes {content.hex()}", of(attribute(x.CN, content, tag))
    for kind in TYPES:
        yield f"an attribute of type {kind}", of(attribute(kind, "é,a"))
    yield "no attribute", of()
    yield "no issuer", certificate(issuer=name())
    yield "two attributes in an RDN", of((attribute(x.O, "a"), attribute(x.CN, "b")))
    yield "the same type twice in an RDN", of((attribute(x.CN, "a"), attribute(x.CN, "b")), attribute(x.CN, "c"))
    yield "an RDN of five", of(tuple(attribute(kind, kind) for kind in TYPES[:5]), attribute(x.OU, "last"))
    yield "the same value twice", of(attribute(x.OU, "a"), attribute(x.OU, "a"))
    yield (
        "types between the same type",
        of(
            attribute(x.OU, "a"),
            attribute(x.CN, "b"),
            attribute(x.OU, "c"),
            attribute("1.2.3", "d"),
            attribute("1.2.3", "e"),
        ),
    )
    yield "every type", of(*(attribute(kind, "v") for kind in TYPES))
    yield "fifty of one type", of(*(attribute(x.OU, str(number)) for number in range(50)))
    yield (
        "one type in three strings",
        of(attribute(x.O, "é"), attribute(x.O, "é".encode("utf-16-be"), x.BMP), attribute(x.O, b"\xe9", x.T61)),
    )
    yield "a long value", of(attribute(x.CN, "é" * 5000))
    yield "a constructed string", of(attribute(x.CN, tlv(x.UTF8, b"ab"), 0x2C))
    yield "an INTEGER for a value", of(attribute(x.CN, b"\1", x.INTEGER))
    yield "a NULL for a value", of(attribute(x.CN, b"", x.NULL))
    yield "a BOOLEAN for a value", of(attribute(x.CN, b"\xff", x.BOOLEAN))
    yield "a BIT STRING for a value", of(attribute(x.CN, b"\0ab", x.BIT_STRING))
    yield "an OBJECT IDENTIFIER for a value", of(tlv(x.SEQUENCE, oid(x.CN), oid("1.2.3")))
    yield "a SEQUENCE for a value", of(attribute(x.CN, tlv(x.UTF8, b"a"), x.SEQUENCE))
    yield "a SET for a value", of(attribute(x.CN, b"", x.SET))
    yield "a tag of a context for a value", of(attribute(x.CN, b"ab", 0x80))
    yield "an ENUMERATED for a value", of(attribute(x.CN, b"\1", 0x0A))
    yield "a REAL for a value", of(attribute(x.CN, b"", 0x09))
    yield "attributes of an RDN not in order", of((attribute(x.OU, "b"), attribute(x.CN, "a"), attribute(x.O, "")))
    yield "an attribute type of a long OID", of(attribute("1.2.3." + ".".join(["123456"] * 20), "a"))


# Alternative names.


def general_names() -> Iterator[Named]:
    octets = {f"the byte {byte:02x}": bytes((byte,)) for byte in range(256)}
    texts = {id_: text.encode("latin-1") for id_, text in TEXTS.items()}
    for kind, tag in (("DNS", x.DNS), ("email", x.EMAIL), ("URI", x.URI)):
        yield f"{kind} of every byte", san(*(tlv(tag, b"a" + octet + b"b") for octet in octets.values()))
        for id_, text in texts.items():
            yield f"{kind} of {id_}", san(tlv(tag, text))
        for id_, text in SCRIPTS.items():
            yield f"{kind} of {id_}", san(tlv(tag, text.encode()))
    for id_, octet in octets.items():
        yield f"DNS of {id_}", san(tlv(x.DNS, octet))
    for id_, text in (TEXTS | SCRIPTS | ASTRAL).items():
        yield f"directory name of {id_}", san(directory(attribute(x.CN, text)))
        yield f"directory name of an unknown type of {id_}", san(directory(attribute("1.2.3.4", text)))
    for string, (tag, encoding) in STRINGS.items():
        yield f"directory name in a {string}", san(directory(attribute(x.CN, "é,\\\"'\0 ".encode(encoding), tag)))
        yield f"directory name of no valid {string}", san(directory(attribute(x.CN, b"\xff", tag)))
    yield "directory name of all types", san(directory(*(attribute(kind, "v") for kind in TYPES)))
    yield (
        "directory name with an RDN of two",
        san(directory((attribute(x.O, "a"), attribute(x.CN, "b")), attribute(x.C, "DE"))),
    )
    yield "directory name of nothing", san(directory())
    yield "directory name with a SEQUENCE", san(directory(attribute(x.CN, tlv(x.UTF8, b"a"), x.SEQUENCE)))
    for kind in (
        "1.2.3",
        "2.5.4.3",
        "2.999.1",
        f"1.2.{2**64}",
        "0.0",
        x.CLIENT_AUTH,
        x.RSA,
        "1.2.3." + ".".join(["123456"] * 20),
    ):
        yield f"registered ID {kind}", san(tlv(x.REGISTERED_ID, oid(kind)[2:]))
    for id_, content in {"nothing": b"", "an unfinished OID": b"\x2a\x86", "a padded OID": b"\x2a\x80\1"}.items():
        yield f"registered ID of {id_}", san(tlv(x.REGISTERED_ID, content))
    addresses = (
        "0.0.0.0", "255.255.255.255", "10.0.0.1", "::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:0:0:0:1", "fe80::1:0:0:1",
        "::ffff:1.2.3.4", "::1.2.3.4", "64:ff9b::1.2.3.4", "1:2:3:4:5:6:7:8", "abcd:ef01::", "0:1:0:1:0:1:0:1",
    )  # fmt: skip
    for address in addresses:
        yield f"address {address}", san(tlv(x.IP, ip_address(address).packed))
    for length in (0, 1, 3, 5, 8, 15, 17, 32, 200):
        yield f"address of {length} bytes", san(tlv(x.IP, bytes(range(length))))
    yield "every kind", san(*every_kind())
    yield "X.400 address of nothing", san(tlv(x.X400))
    yield "X.400 address", san(tlv(x.X400, tlv(x.SEQUENCE)))
    yield "EDI party name", san(tlv(x.EDI_PARTY, tlv(0xA1, tlv(x.UTF8, b"party"))))
    yield (
        "EDI party name with an assigner",
        san(tlv(x.EDI_PARTY, tlv(0xA0, tlv(x.UTF8, b"a")), tlv(0xA1, tlv(x.PRINTABLE, b"b")))),
    )
    yield "EDI party name of nothing", san(tlv(x.EDI_PARTY))
    yield "EDI party name of a tag around nothing", san(tlv(x.EDI_PARTY, tlv(0xA1)))
    yield "no alternative name", san()
    yield "200 alternative names", san(*(tlv(x.DNS, f"host-{number}.example".encode()) for number in range(200)))
    yield "a tag of no choice", san(tlv(0x89, b"a"))
    yield "a constructed DNS name", san(tlv(0xA2, tlv(x.IA5, b"a")))
    yield "a primitive directory name", san(tlv(0x84, name()))
    yield (
        "an alternative name of the issuer",
        certificate(extensions=(extension("2.5.29.18", tlv(x.SEQUENCE, tlv(x.DNS, b"a"))),)),
    )
    yield (
        "a critical alternative name",
        certificate(
            extensions=(extension(x.SUBJECT_ALT_NAME, tlv(x.SEQUENCE, tlv(x.DNS, b"a")), tlv(x.BOOLEAN, b"\xff")),)
        ),
    )
    yield (
        "alternative names twice",
        certificate(extensions=(subject_alt_name(tlv(x.DNS, b"a")), subject_alt_name(tlv(x.DNS, b"b")))),
    )
    yield (
        "alternative names with bytes after",
        certificate(extensions=(extension(x.SUBJECT_ALT_NAME, tlv(x.SEQUENCE, tlv(x.DNS, b"a")) + b"\5\0"),)),
    )
    yield "alternative names of junk", certificate(extensions=(extension(x.SUBJECT_ALT_NAME, b"junk"),))


def every_kind() -> tuple[bytes, ...]:
    return (
        tlv(x.DNS, b"a.example"), tlv(x.EMAIL, b"a@example"), tlv(x.URI, b"spiffe://example/a"), tlv(x.IP, bytes(4)),
        directory(attribute(x.CN, "a")), tlv(x.REGISTERED_ID, oid("1.2.3")[2:]), other_name(x.UPN, tlv(x.UTF8, b"a@b")),
        tlv(x.X400, tlv(x.SEQUENCE)), tlv(x.EDI_PARTY, tlv(0xA1, tlv(x.UTF8, b"party"))),
    )  # fmt: skip


OTHER_NAMES = {
    "UPN": x.UPN,
    "SmtpUTF8Mailbox": x.SMTP_UTF8_MAILBOX,
    "XmppAddr": "1.3.6.1.5.5.7.8.5",
    "SRVName": x.SRV_NAME,
    "NAIRealm": "1.3.6.1.5.5.7.8.8",
    "a permanent identifier": "1.3.6.1.5.5.7.8.3",
    "an unknown kind": "1.2.3.4",
}


def other_names() -> Iterator[Named]:
    for id_, kind in OTHER_NAMES.items():
        for what, text in (TEXTS | SCRIPTS | ASTRAL).items():
            tag = x.IA5 if id_ == "SRVName" else x.UTF8
            yield f"{id_} of {what}", san(other_name(kind, tlv(tag, text.encode())))
        for string, (tag, encoding) in STRINGS.items():
            yield f"{id_} in a {string}", san(other_name(kind, tlv(tag, "_é,".encode(encoding))))
        for value in (
            b"\xff\xfe",
            b"\xc3",
            b"\xe2\x82",
            b"a\xf0\x9f\x98b",
            b"\xed\xa0\x80",
            b"\xc0\xaf",
            b"\xf5\x80\x80\x80",
        ):
            yield f"{id_} of the bytes {value.hex()}", san(other_name(kind, tlv(x.UTF8, value)))
        yield f"{id_} of an INTEGER", san(other_name(kind, integer(5)))
        yield f"{id_} of a SEQUENCE", san(other_name(kind, tlv(x.SEQUENCE, tlv(x.UTF8, b"a"))))
        yield f"{id_} of a BOOLEAN", san(other_name(kind, tlv(x.BOOLEAN, b"\xff")))
        yield f"{id_} of a NULL", san(other_name(kind, tlv(x.NULL)))
        yield f"{id_} of a constructed string", san(other_name(kind, tlv(0x2C, tlv(x.UTF8, b"a"))))
        yield f"{id_} of nothing", san(other_name(kind, b""))
        yield f"{id_} of two values", san(other_name(kind, tlv(x.UTF8, b"a") * 2))


# Other extensions.

METHODS = (x.OCSP, x.CA_ISSUERS, "1.3.6.1.5.5.7.48.3", "1.3.6.1.5.5.7.48.5", "1.2.3.4", f"2.25.{2**100}", "2.5.4.3")


def access_to(*descriptions: tuple[str, bytes]) -> bytes:
    return certificate(extensions=(x.info_access(*descriptions),))


def information_access() -> Iterator[Named]:
    for method in METHODS:
        yield f"location by {method}", access_to((method, tlv(x.URI, b"http://a/b")))
    for kind in every_kind():
        yield f"location of kind {kind[0]:02x}", access_to((x.OCSP, kind))
    for tag in (x.URI, x.DNS, x.EMAIL):
        for id_, text in TEXTS.items():
            yield f"location of kind {tag:02x} of {id_}", access_to((x.OCSP, tlv(tag, text.encode("latin-1"))))
        yield (
            f"locations of kind {tag:02x} of every byte",
            access_to(*((x.OCSP, tlv(tag, bytes((byte,)))) for byte in range(256))),
        )
    for id_, text in (TEXTS | SCRIPTS | ASTRAL).items():
        yield f"directory location of {id_}", access_to((x.CA_ISSUERS, directory(attribute(x.CN, text))))
        yield f"location of a UPN of {id_}", access_to((x.CA_ISSUERS, other_name(x.UPN, tlv(x.UTF8, text.encode()))))
    for length in (0, 3, 4, 16, 20):
        yield f"location at an address of {length} bytes", access_to((x.OCSP, tlv(x.IP, bytes(length))))
    yield (
        "locations of many methods and kinds",
        access_to(*((method, kind) for method in METHODS for kind in every_kind())),
    )
    yield "the same location twice", access_to(*[(x.OCSP, tlv(x.URI, b"http://a"))] * 2)
    yield "no location", access_to()
    yield (
        "locations twice",
        certificate(extensions=(x.info_access((x.OCSP, tlv(x.URI, b"a"))), x.info_access((x.OCSP, tlv(x.URI, b"b"))))),
    )
    for id_, content in {
        "junk": b"junk", "nothing": b"", "a SEQUENCE of nothing": tlv(x.SEQUENCE), "a SET": tlv(x.SET),
        "bytes after": tlv(x.SEQUENCE) + b"\0", "an element after": tlv(x.SEQUENCE) + tlv(x.NULL),
        "a method alone": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.OCSP))),
        "a third element": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.OCSP), tlv(x.URI, b"a"), tlv(x.NULL))),
        "a location first": tlv(x.SEQUENCE, tlv(x.SEQUENCE, tlv(x.URI, b"a"), oid(x.OCSP))),
        "a bad location after a good one": tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.OCSP), tlv(x.URI, b"a")), tlv(x.SEQUENCE, oid(x.OCSP), tlv(0x89))),
    }.items():  # fmt: skip
        yield f"information access of {id_}", certificate(extensions=(extension(x.INFO_ACCESS, content),))
    subject_access = "1.3.6.1.5.5.7.1.11"
    yield (
        "information access of the subject",
        certificate(
            extensions=(extension(subject_access, tlv(x.SEQUENCE, tlv(x.SEQUENCE, oid(x.OCSP), tlv(x.URI, b"a")))),)
        ),
    )


def extensions() -> Iterator[Named]:
    true = tlv(x.BOOLEAN, b"\xff")
    purposes = (
        "1.3.6.1.5.5.7.3.1",
        x.CLIENT_AUTH,
        "2.5.29.37.0",
        "1.3.6.1.4.1.311.20.2.2",
        "1.2.3",
        f"2.999.{2**80}",
        "0.39",
        "2.48",
    )
    for count in range(len(purposes) + 1):
        yield (
            f"{count} key purposes",
            certificate(extensions=(extension(x.EXT_KEY_USAGE, tlv(x.SEQUENCE, *map(oid, purposes[:count]))),)),
        )
    yield (
        "the same purpose twice",
        certificate(extensions=(extension(x.EXT_KEY_USAGE, tlv(x.SEQUENCE, oid("1.2.3"), oid("1.2.3"))),)),
    )
    for id_, content in {
        "junk": b"junk",
        "a string": tlv(x.SEQUENCE, tlv(x.UTF8)),
        "bytes after": tlv(x.SEQUENCE) + b"\0",
        "nothing": b"",
    }.items():
        for what, kind in (
            ("key purposes", x.EXT_KEY_USAGE),
            ("constraints", x.BASIC_CONSTRAINTS),
            ("usage", x.KEY_USAGE),
        ):
            yield f"{what} of {id_}", certificate(extensions=(extension(kind, content),))
    constraints = {
        "a CA": (true,), "no CA": (), "false": (tlv(x.BOOLEAN, b"\0"),), "one": (tlv(x.BOOLEAN, b"\1"),),
        "a length": (true, integer(0)), "a length without a CA": (integer(3),), "a long length": (true, integer(2**100)),
        "a negative length": (true, integer(-1)), "a third element": (true, integer(0), tlv(x.NULL)), "a string": (tlv(x.UTF8, b"a"),),
        "two bytes": (tlv(x.BOOLEAN, b"\xff\xff"),),
    }  # fmt: skip
    usages = {
        "none": (), "signing of certificates": (x.key_usage(b"\2\4"),), "no signing": (x.key_usage(b"\7\x80"),), "no bits": (x.key_usage(b"\0"),),
        "nine bits": (x.key_usage(b"\7\xff\x80"),), "five bits": (x.key_usage(b"\3\xf8"),), "bits that are unused": (x.key_usage(b"\3\xff"),),
        "many bits": (x.key_usage(b"\0" + b"\xff" * 20),), "an unused byte": (x.key_usage(b"\x08\xff"),),
    }  # fmt: skip
    for id_, contents in constraints.items():
        for what, usage in usages.items() if id_ in {"a CA", "no CA", "one", "a length"} else [("none", ())]:
            yield (
                f"constraints of {id_} with usage of {what}",
                certificate(extensions=(x.basic_constraints(*contents), *usage)),
            )
            if id_ == "a CA":
                yield (
                    f"usage of {what} with the old type of a CA",
                    certificate(extensions=(*usage, extension("2.16.840.1.113730.1.1", b"\3\2\0\7"))),
                )
    for what, usage in usages.items():
        yield f"usage of {what} alone", certificate(extensions=usage)
        yield f"usage of {what} in version 1", certificate(version=b"", extensions=usage)
    for kind in (
        "1.2.3.4",
        "2.5.29.36",
        "2.5.29.30",
        "1.3.6.1.5.5.7.1.24",
        "2.5.29.14",
        "2.5.29.35",
        "1.3.6.1.5.5.7.1.3",
    ):
        for id_, content in {"junk": b"junk", "nothing": b"", "a SEQUENCE": tlv(x.SEQUENCE)}.items():
            yield (
                f"critical {kind} of {id_}",
                certificate(extensions=(extension(kind, content, true), subject_alt_name(tlv(x.DNS, b"a")))),
            )
            yield (
                f"{kind} of {id_}, twice",
                certificate(extensions=(extension(kind, content), extension(kind, content))),
            )
    for id_, point in {"nothing": b"", "a tag of no choice": tlv(0xA2, tlv(x.URI, b"a"))}.items():
        points = tlv(x.SEQUENCE, tlv(x.SEQUENCE, tlv(0xA0, point)))
        yield (
            f"a CA with a distribution point named by {id_}",
            certificate(extensions=(x.basic_constraints(true), extension(x.CRL_DISTRIBUTION_POINTS, points))),
        )
    yield (
        "a CA with routing domains and no numbers of systems",
        certificate(
            extensions=(
                x.basic_constraints(true),
                extension(x.AUTONOMOUS_SYSTEMS, tlv(x.SEQUENCE, tlv(0xA1, tlv(x.NULL)))),
            )
        ),
    )
    yield "critical, spelled out as not", certificate(extensions=(extension("1.2.3", b"", tlv(x.BOOLEAN, b"\0")),))
    yield "critical in an odd byte", certificate(extensions=(extension("1.2.3", b"", tlv(x.BOOLEAN, b"\5")),))
    yield "no extension", certificate(after=tlv(0xA3, tlv(x.SEQUENCE)))
    yield "extensions of nothing", certificate(after=tlv(0xA3))
    yield (
        "a hundred extensions",
        certificate(extensions=tuple(extension(f"1.2.3.{number}", b"a") for number in range(100))),
    )
    for kind in (x.EXT_KEY_USAGE, x.BASIC_CONSTRAINTS, x.KEY_USAGE):
        content = tlv(x.BIT_STRING, b"\7\x80") if kind == x.KEY_USAGE else tlv(x.SEQUENCE)
        yield f"extension {kind} twice", certificate(extensions=(extension(kind, content),) * 2)


# Keys.


def keys() -> Iterator[Named]:
    for id_, spki in KEYS.items():
        yield f"key: {id_}", certificate(key=spki)
    for bits in (1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 511, 512, 513, 1000, 2047, 4096, 8192, 16384, 16392, 20000):
        modulus = (1 << bits - 1 | 1).to_bytes((bits + 8) // 8)
        yield f"key: RSA of {bits} bits, not made", certificate(key=x.rsa(modulus))
    for exponent in (0, 1, 2, 3, 0x7F, 0x80, 0xFFFF, 2**31 - 1, 2**31, 2**32, 2**63, 2**64 - 1, 2**64, 2**65, 2**200):
        yield (
            f"key: RSA with the exponent {exponent:#x}",
            certificate(key=x.rsa(exponent=exponent.to_bytes(exponent.bit_length() // 8 + 1))),
        )
    for id_, content in {
        "a negative": b"\x80",
        "a padded": b"\0\0\5",
        "an empty": b"",
        "a zero": b"\0",
        "minus one": b"\xff\xff",
    }.items():
        yield f"key: RSA with {id_} modulus", certificate(key=x.rsa(content))
        yield f"key: RSA with {id_} exponent", certificate(key=x.rsa(exponent=content))
    null, public = tlv(x.NULL), tlv(x.SEQUENCE, integer(2**1023 + 1), integer(3))
    for kind, what in (
        ("1.2.840.113549.1.1.10", "RSA-PSS"),
        ("1.2.840.113549.1.1.7", "RSA-OAEP"),
        (x.SHA256_RSA, "a signature"),
        ("2.5.8.1.1", "X.500 RSA"),
    ):
        for id_, parameters in {
            "nothing": (),
            "NULL": (null,),
            "a SEQUENCE": (tlv(x.SEQUENCE),),
            "a string": (tlv(x.UTF8, b"a"),),
        }.items():
            yield f"key: {what} with parameters of {id_}", certificate(key=key(kind, public, *parameters))
    for id_, parameters in {
        "a SEQUENCE": tlv(x.SEQUENCE),
        "a string": tlv(x.UTF8, b"a"),
        "NULL with a byte": tlv(x.NULL, b"a"),
    }.items():
        yield f"key: RSA with parameters of {id_}", certificate(key=x.rsa(parameters=parameters))
    for id_, bits in {
        "nothing": b"",
        "junk": b"junk",
        "a byte": b"\0",
        "a NULL": null,
        "a cut key": public[:-1],
        "bytes after": public + b"\0",
        # As long as a key of 2048 bits with the exponent 65537.
        "a third element": tlv(x.SEQUENCE, integer(2**2047 + 1), integer(3), null),
        "a short modulus": tlv(x.SEQUENCE, tlv(x.INTEGER, b"\1" * 255), tlv(x.INTEGER, b"\1\2\3\0\0\1")),
    }.items():
        yield f"key: RSA of {id_}", certificate(key=key(x.RSA, bits, null))
    yield from points()
    yield from explicit_parameters()
    for kind, what in (
        (x.ED25519, "Ed25519"),
        ("1.3.101.110", "X25519"),
        ("1.3.101.113", "Ed448"),
        ("1.3.101.111", "X448"),
        ("1.2.3.4", "unknown"),
    ):
        for size in (0, 31, 32, 33, 56, 57):
            yield f"key: {what} of {size} bytes", certificate(key=key(kind, bytes(range(size))))
        yield f"key: {what} with NULL", certificate(key=key(kind, bytes(range(32)), null))
    dsa = tlv(x.SEQUENCE, integer(2**1023 + 1), integer(2**159 + 1), integer(3))
    yield "key: DSA, not made", certificate(key=key("1.2.840.10040.4.1", integer(5), dsa))
    yield "key: DSA without parameters", certificate(key=key("1.2.840.10040.4.1", integer(5)))
    yield "key: DSA of junk", certificate(key=key("1.2.840.10040.4.1", b"junk", dsa))
    yield (
        "key: DH of X9.42",
        certificate(
            key=key(
                "1.2.840.10046.2.1", integer(5), tlv(x.SEQUENCE, integer(2**511 + 1), integer(2), integer(2**159 + 1))
            )
        ),
    )
    for kind, what in (
        ("1.2.643.7.1.1.1.1", "GOST"),
        ("1.2.156.10197.1.301", "SM2"),
        ("2.16.840.1.101.3.4.3.17", "ML-DSA"),
    ):
        yield f"key: {what}", certificate(key=key(kind, bytes(64)))
    for unused in range(1, 8):
        yield (
            f"key: {unused} unused bits",
            certificate(
                key=tlv(x.SEQUENCE, algorithm(x.EC, oid(x.P256)), tlv(x.BIT_STRING, bytes((unused,)), x.G_P256))
            ),
        )


def points() -> Iterator[Named]:
    for id_, curve in {
        "P-256": oid(x.P256),
        "no curve": b"",
        "NULL": tlv(x.NULL),
        "an unknown curve": oid("1.2.3"),
        "a string": tlv(x.UTF8, b"P-256"),
        "RSA": oid(x.RSA),
    }.items():
        yield f"key: a point on {id_}", certificate(key=x.ec(curve=curve))
    for id_, point in {
        "compressed": b"\3" + x.G_P256[1:33], "compressed, the other": b"\2" + x.G_P256[1:33], "hybrid": b"\7" + x.G_P256[1:],
        "hybrid, the other": b"\6" + x.G_P256[1:], "infinity": b"\0", "infinity and more": b"\0\0", "no form": b"\5" + x.G_P256[1:],
        "nothing": b"", "a byte short": x.G_P256[:-1], "a byte long": x.G_P256 + b"\0", "not on the curve": x.G_P256[:-1] + b"\0",
        "zero": b"\4" + bytes(64), "beyond the field": b"\4" + b"\xff" * 64, "compressed, beyond the field": b"\2" + b"\xff" * 32,
        "compressed, not on the curve": b"\2" + bytes(31) + b"\1", "compressed zero": b"\2" + bytes(32),
        "OCTET STRING": tlv(x.OCTET_STRING, x.G_P256),
    }.items():  # fmt: skip
        yield f"key: a point: {id_}", certificate(key=x.ec(point))
    for id_, spki in KEYS.items():
        curve, _, how = id_.partition(", ")
        if how not in {"named", "explicit"}:
            continue
        kind, point = _parts(spki)
        half = 1 + len(point) // 2
        for form in (2, 3):
            yield (
                f"key: {curve}, {how}, compressed as {form}",
                certificate(key=_with_point(kind, bytes((form,)) + point[1:half])),
            )
        for form in (6, 7):
            yield (
                f"key: {curve}, {how}, hybrid as {form}",
                certificate(key=_with_point(kind, bytes((form,)) + point[1:])),
            )
        yield (
            f"key: {curve}, {how}, off the curve",
            certificate(key=_with_point(kind, point[:-1] + bytes((point[-1] ^ 1,)))),
        )
        yield f"key: {curve}, {how}, cut", certificate(key=_with_point(kind, point[:-1]))


CURVES = ("prime256v1", "secp224r1", "brainpoolP320r1", "sect163k1", "sect233k1", "c2pnb208w1")
"""Of every kind of field; the rest of the curves differ in numbers."""


def explicit_parameters() -> Iterator[Named]:
    """Yield curves in numbers: those of a name, and those that somebody has changed."""
    for curve in CURVES:
        algorithm_, point = _parts(KEYS[f"{curve}, explicit"])
        kind, numbers = _elements(_content(algorithm_))
        names = ("version", "field", "coefficients", "base", "order", "cofactor")
        parts = dict(zip(names, _elements(_content(numbers)), strict=True))
        generator, half = _content(parts["base"]), 1 + len(point) // 2
        a, b, *_ = _elements(_content(parts["coefficients"]))
        order = int.from_bytes(_content(parts["order"]))
        longer = tlv(x.OCTET_STRING, b"\0" + _content(a))
        another = tlv(x.OCTET_STRING, b"\1" + _content(a))
        seed = tlv(x.BIT_STRING, b"\0seed")
        for id_, changed in {
            **{f"compressed as {form}": {"base": tlv(x.OCTET_STRING, bytes((form,)), generator[1:half])} for form in (2, 3)},
            **{f"hybrid as {form}": {"base": tlv(x.OCTET_STRING, bytes((form,)), generator[1:])} for form in (6, 7)},
            "without a seed": {"coefficients": tlv(x.SEQUENCE, a, b)},
            "with another seed": {"coefficients": tlv(x.SEQUENCE, a, b, seed)},
            "with a longer coefficient": {"coefficients": tlv(x.SEQUENCE, longer, b)},
            "without a cofactor": {"cofactor": b""},
            "with another coefficient": {"coefficients": tlv(x.SEQUENCE, another, b)},
            "with the coefficients in the other order": {"coefficients": tlv(x.SEQUENCE, b, a)},
            "with the key for a generator": {"base": tlv(x.OCTET_STRING, point)},
            "with a smaller order": {"order": integer(order - 1)},
            "with another cofactor": {"cofactor": integer(3)},
            "of version 3": {"version": integer(3)},
            "of a field of 7 bits": {"field": x.binary_field(7, 1)},
        }.items():  # fmt: skip
            spki = _with_point(tlv(x.SEQUENCE, kind, tlv(x.SEQUENCE, *(parts | changed).values())), point)
            yield f"key: {curve} in numbers, {id_}", certificate(key=spki)


def _parts(spki: bytes) -> tuple[bytes, bytes]:
    """Return the AlgorithmIdentifier and the key of a SubjectPublicKeyInfo."""
    algorithm_, bits = _elements(_content(spki))
    return algorithm_, _content(bits)[1:]


def _with_point(algorithm_: bytes, point: bytes) -> bytes:
    return tlv(x.SEQUENCE, algorithm_, tlv(x.BIT_STRING, b"\0", point))


# Serial numbers, times, structure.


def numbers() -> Iterator[Named]:
    for size in (*range(1, 22), 50, 126):
        yield f"serial of {size} bytes", certificate(serial=tlv(x.INTEGER, b"\x5a" * size))
        yield f"serial of {size} bytes, with a sign byte", certificate(serial=tlv(x.INTEGER, b"\0" + b"\xa5" * size))
        yield f"negative serial of {size} bytes", certificate(serial=tlv(x.INTEGER, b"\xa5" * size))
        yield f"a small digit first, {size} bytes", certificate(serial=tlv(x.INTEGER, b"\x05" * size))
        yield f"the most negative of {size} bytes", certificate(serial=tlv(x.INTEGER, b"\x80" + bytes(size - 1)))
    for id_, content in {
        "zero": b"\0",
        "minus one": b"\xff",
        "one": b"\1",
        "empty": b"",
        "padded": b"\0\1",
        "padded zero": b"\0\0",
        "padded negative": b"\xff\xff",
        "255": b"\0\xff",
    }.items():
        yield f"serial: {id_}", certificate(serial=tlv(x.INTEGER, content))
    for version in (
        b"",
        *(tlv(0xA0, integer(number)) for number in (0, 1, 2, 3, 99, -1)),
        tlv(0xA0),
        tlv(0xA0, tlv(x.NULL)),
    ):
        yield f"version {version.hex() or 'absent'}", certificate(version=version)


UTC_TIMES = (
    "500101000000Z", "491231235959Z", "000229000000Z", "991231235959Z", "700101000000Z", "260131010203Z", "260101000060Z",
    "261301000000Z", "260001000000Z", "260100000000Z", "260132000000Z", "250229000000Z", "260101240000Z", "260101006000Z",
    "2601010000Z", "26010100Z", "260101000000", "260101000000+0000", "260101000000+0130", "260101000000-0800", "2601010000+0100",
    "260101000000+0060", "260101000000+1260", "260101000000+1300",
    "260101000000.5Z", "260101000000z", "26010100000aZ", "", "Z", "260101000000ZZ", " 60101000000Z", "-60101000000Z", "260101000000Z ",
)  # fmt: skip
GENERALIZED_TIMES = (
    "20260101000000Z", "99991231235959Z", "19491231235959Z", "19500101000000Z", "18991231235959Z", "17000101000000Z", "00010101000000Z",
    "00000101000000Z", "00000229000000Z", "00991231235959Z", "09990101000000Z", "20240229000000Z", "19000229000000Z", "20000229000000Z",
    "20380119031408Z", "20260101000060Z", "20261301000000Z", "20260101240000Z", "202601010000Z", "2026010100Z", "20260101Z",
    "20260101000000", "20260101000000.1Z", "20260101000000.Z", "20260101000000.123456789Z", "20260101000000,5Z", "20260101000000+0000",
    "20260101000000-1130", "20260101000000.5+0100", "202601010000+0100", "20260101000000+2400", "2026010100000aZ", "", "260101000000Z",
)  # fmt: skip


def dates() -> Iterator[Named]:
    for tag, kind, texts in (
        (x.UTC_TIME, "UTCTime", UTC_TIMES),
        (x.GENERALIZED_TIME, "GeneralizedTime", GENERALIZED_TIMES),
    ):
        for text in texts:
            yield f"{kind} {text!r}", times(tlv(tag, text.encode()))
            yield f"{kind} {text!r} at the end", times(x.NOT_BEFORE, tlv(tag, text.encode()))
        for month in range(1, 13):
            text = f"{month:02}{28 - month:02}{month:02}{month:02}{month:02}Z"
            yield (
                f"{kind} in month {month}",
                times(tlv(tag, f"{'20' if tag == x.GENERALIZED_TIME else ''}26{text}".encode())),
            )
    yield "the end before the beginning", times(x.NOT_AFTER, x.NOT_BEFORE)
    yield "a NUL in a time", times(tlv(x.UTC_TIME, b"26010100000\0Z"))
    yield "a string for a time", times(tlv(x.UTF8, b"260101000000Z"))
    yield "no time", times(b"", b"")
    yield "a third time", times(x.NOT_BEFORE, x.NOT_AFTER + x.NOT_AFTER)


def structures() -> Iterator[Named]:
    yield "version 1", certificate(version=b"")
    yield "unique identifiers", certificate(unique_ids=tlv(0x81, b"\0\1") + tlv(0x82, b"\0\1"))
    yield "unique identifiers in the other order", certificate(unique_ids=tlv(0x82, b"\0\1") + tlv(0x81, b"\0\1"))
    yield "an empty unique identifier", certificate(unique_ids=tlv(0x81, b""))
    yield "a byte after", x.LEAF + b"\0"
    yield "an element after", x.LEAF + tlv(x.NULL)
    yield "a certificate after", x.LEAF + x.ROOT
    yield "a fourth element", tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM, x.SIGNATURE, tlv(x.NULL))
    yield "an element after the extensions", certificate(after=tlv(x.NULL))
    yield "no signature", tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM)
    yield "signature algorithms that differ", certificate(algorithm=algorithm("1.2.3"))
    yield (
        "a signature algorithm of ten parameters",
        certificate(algorithm=algorithm("1.2.3", tlv(x.SEQUENCE, *[tlv(x.NULL)] * 10))),
    )
    yield "a signature of nothing", tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM, tlv(x.BIT_STRING, b"\0"))
    yield "a signature of no bits", tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM, tlv(x.BIT_STRING))
    yield "a signature with unused bits", tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM, tlv(x.BIT_STRING, b"\3\xf8"))
    yield "an indefinite length", b"\x30\x80" + x.LEAF[4:] + b"\0\0"
    yield "a length not minimal", b"\x30\x83\0" + x.LEAF[2:]
    yield "a SET", b"\x31" + x.LEAF[1:]
    yield "a name in a primitive SEQUENCE", certificate(subject=tlv(0x10, x.CLIENT[2:]))
    yield "an RDN in a primitive SET", certificate(subject=tlv(x.SEQUENCE, tlv(0x11, attribute(x.CN, "a"))))
    yield (
        "an attribute in a primitive SEQUENCE",
        certificate(subject=tlv(x.SEQUENCE, tlv(x.SET, tlv(0x10, oid(x.CN), tlv(x.UTF8, b"a"))))),
    )
    yield "extensions in a primitive SEQUENCE", certificate(after=tlv(0xA3, tlv(0x10, x.key_usage(b"\7\x80"))))
    yield "nothing", b""
    yield "text", b"text"
    yield "90 kilobytes", certificate(subject=name(attribute(x.CN, "a" * 90_000)))
    yield "110 kilobytes", certificate(subject=name(attribute(x.CN, "a" * 110_000)))
    for number in (2048, 2049):
        yield f"{number} alternative names", certificate(extensions=(subject_alt_name(*[tlv(x.DNS, b"a")] * number),))
    for number in (256, 257):
        yield f"{number} attributes in a name", certificate(subject=name(*[attribute(x.OU, "a")] * number))


def built() -> Iterator[Named]:
    """Yield what `cryptography` builds and signs."""
    signer = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = serialization.load_der_public_key(KEYS["RSA of 2048 bits"])
    curves = {
        curve.name: ec.derive_private_key(2, curve()).public_key()
        for curve in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1, ec.SECP256K1)
    }
    for id_, key_ in {"RSA": public, "Ed25519": signer.public_key(), **curves}.items():
        builder = x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")]),
            x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text) for text in [*SCRIPTS.values(), *ASTRAL.values()]]),
            key_,
            2**158 + 1,
            dt.datetime(1950, 1, 1, tzinfo=dt.UTC),
            dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
        )  # fmt: skip
        general = [x509.DNSName(f"{number}.example") for number in range(200)]
        builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=True)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=3), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key_), critical=False)
        yield f"built, with a key of {id_}", builder.sign(signer, None).public_bytes(serialization.Encoding.DER)


def certificates() -> dict[str, bytes]:
    """Return every awkward certificate by its name."""
    kinds = (names, general_names, other_names, information_access, extensions, keys, numbers, dates, structures, built)
    found = list(chain.from_iterable(kind() for kind in kinds))
    named = dict(found)
    assert len(named) == len(found), "two certificates have one name"
    return named


# Random ones.

USUAL = [
    STRINGS[string]
    for string in ("UTF8String", "PrintableString", "T61String", "IA5String", "UniversalString", "BMPString")
]
FRAGMENTS = [*TEXTS.values(), *SCRIPTS.values(), *ASTRAL.values()]


def _text(random: Random) -> str:
    return "".join(random.choice(FRAGMENTS) for _ in range(random.choice((1, 1, 1, 2, 3))))


def _attribute(random: Random) -> bytes:
    kind, text = random.choice(TYPES), _text(random)
    # A string of the wrong type rejects the whole certificate, so most are of those that there should be.
    tag, encoding = random.choice(USUAL if random.random() < 0.98 else [*STRINGS.values()])
    if tag == x.BMP:
        text = "".join(character for character in text if character <= "\uffff")
    return attribute(kind, text.encode(encoding, "ignore"), tag)


def _name(random: Random) -> bytes:
    return name(
        *(tuple(_attribute(random) for _ in range(random.choice((1, 1, 1, 2, 3)))) for _ in range(random.randrange(5)))
    )


def _general_name(random: Random) -> bytes:
    match random.randrange(8):
        case 0 | 1:
            return tlv(
                random.choice((x.DNS, x.EMAIL, x.URI)),
                _text(random).encode(random.choice(("utf-8", "latin-1")), "ignore"),
            )
        case 2:
            return tlv(random.choice((x.DNS, x.EMAIL, x.URI)), random.randbytes(random.randrange(6)))
        case 3:
            return tlv(x.IP, random.randbytes(random.choice((4, 16, 16, 5))))
        case 4:
            return tlv(x.DIRECTORY, _name(random))
        case 5:
            return other_name(
                random.choice([*OTHER_NAMES.values()]),
                tlv(random.choice((x.UTF8, x.UTF8, x.IA5)), _text(random).encode()),
            )
        case 6:
            return tlv(x.REGISTERED_ID, oid(random.choice((*TYPES, *METHODS)))[2:])
        case _:
            return random.choice(every_kind())


def _extensions(random: Random) -> tuple[bytes, ...]:
    found = []
    if random.random() < 0.7:
        found.append(subject_alt_name(*(_general_name(random) for _ in range(random.randrange(6)))))
    if random.random() < 0.4:
        found.append(
            x.info_access(*((random.choice(METHODS), _general_name(random)) for _ in range(random.randrange(5))))
        )
    if random.random() < 0.4:
        found.append(
            extension(
                x.EXT_KEY_USAGE, tlv(x.SEQUENCE, *(oid(random.choice(METHODS)) for _ in range(random.randrange(4))))
            )
        )
    if random.random() < 0.4:
        found.append(
            x.basic_constraints(
                *random.choice(
                    ((), (tlv(x.BOOLEAN, b"\xff"),), (tlv(x.BOOLEAN, b"\xff"), integer(random.randrange(300))))
                )
            )
        )
    if random.random() < 0.4:
        found.append(x.key_usage(bytes((0, random.randrange(256)))))
    if random.random() < 0.2:
        found.append(
            extension(
                random.choice(("1.2.3.4", "2.5.29.14")),
                random.randbytes(random.randrange(20)),
                random.choice((b"", tlv(x.BOOLEAN, b"\xff"))),
            )
        )
    random.shuffle(found)
    return tuple(found)


def _time(random: Random) -> bytes:
    if random.random() < 0.05:
        return tlv(x.UTC_TIME, random.choice(UTC_TIMES).encode())
    text = f"{random.randrange(100):02}{random.randrange(1, 13):02}{random.randrange(1, 29):02}{random.randrange(24):02}{random.randrange(60):02}{random.randrange(60):02}Z"
    if random.random() < 0.5:
        return tlv(x.UTC_TIME, text.encode())
    return tlv(x.GENERALIZED_TIME, f"{random.randrange(100):02}{text}".encode())


def random_certificate(random: Random) -> bytes:
    """Return a certificate with many oddities at once; what is random in it is ``random``'s."""
    return certificate(
        version=random.choice((x.VERSION_3, x.VERSION_3, b"")),
        serial=integer(random.getrandbits(random.randrange(1, 160)) - random.choice((0, 0, 2**20))),
        issuer=_name(random),
        subject=_name(random),
        validity=tlv(x.SEQUENCE, _time(random), _time(random)),
        key=random.choice([*KEYS.values()]),
        extensions=_extensions(random),
    )


def mutate(random: Random, data: bytes) -> bytes:
    """Return ``data`` with one thing done to it: to its bytes as they stand, or inside with lengths that are right."""
    elements = _elements(data) if random.random() < 0.6 else []
    return b"".join(_mutated(random, elements)) if elements else _damaged(random, data)


def _damaged(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) or 1)
    length = random.randrange(1, 20)
    match random.randrange(9):
        case 0:
            return data[:at] + bytes(byte ^ 1 << random.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :]
        case 1:
            return data[:at]
        case 2:
            return data + random.choice((b"\0", b"\5\0", b"\n", random.randbytes(length), data[:at]))
        case 3:
            return data[:at] + random.randbytes(random.randrange(1, 3)) + data[at:]
        case 4:
            return data[:at] + data[at + random.randrange(1, 4) :]
        case 5:
            return data[:at] + data[at : at + length] + data[at:]
        case _:
            return data[:at] + random.randbytes(1) + data[at + 1 :]


def _mutated(random: Random, elements: list[bytes]) -> list[bytes]:
    """Return the elements with one of them changed, most often inside, or taken away, or there twice."""
    at = random.randrange(len(elements))
    element = elements[at]
    match random.randrange(50):  # most often deep inside
        case 0:
            changed = []
        case 1:
            changed = [element, element]
        case 2:
            changed = [
                random.choice((tlv(x.NULL), tlv(x.SEQUENCE), oid("1.2.3"), integer(random.randrange(300)))),
                element,
            ]
        case 3:
            changed = [
                bytes((random.choice((element[0] ^ 1 << random.randrange(8), random.randrange(256))),)) + element[1:]
            ]
        case _:
            changed = [_mutated_content(random, element)]
    return [*elements[:at], *changed, *elements[at + 1 :]]


def _mutated_content(random: Random, element: bytes) -> bytes:
    tag, content = element[0], _content(element)
    if tag == x.BIT_STRING and content[:1] == b"\0":  # a key
        inner = _elements(content[1:])
        return tlv(tag, b"\0", *_mutated(random, inner)) if inner else tlv(tag, _damaged(random, content))
    inner = _elements(content) if tag & 0x20 or tag == x.OCTET_STRING else []
    return tlv(tag, *_mutated(random, inner)) if inner else tlv(tag, _damaged(random, content))


def _elements(content: bytes) -> list[bytes]:
    """Return the elements that ``content`` is made of; none if it is not."""
    elements = []
    while content:
        if len(content) < 2 or content[1] > 0x83:
            return []
        size = _header(content)
        length = content[1] if content[1] < 0x80 else int.from_bytes(content[2:size])
        if size + length > len(content):
            return []
        elements.append(content[: size + length])
        content = content[size + length :]
    return elements


def _header(element: bytes) -> int:
    return 2 if element[1] < 0x80 else 2 + (element[1] & 0x7F)


def _content(element: bytes) -> bytes:
    return element[_header(element) :]
