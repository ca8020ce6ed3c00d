"""What went wrong with header lines elsewhere, a rule each, through both shims: none of it makes a certificate.

Each rule is for strategies that have seen nobody, and for ones that know another client of the same proxy.

Names with underscores: CVE-2015-0219 (Django), CVE-2025-64484 (oauth2-proxy). Headers that ``Connection`` names:
CVE-2024-45410 (Traefik), CVE-2025-48865 (Fabio). Certificates of others in the header: CVE-2024-10039 (Keycloak).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from clientcert import PRESETS, ClientCertStrategy, TrustedProxies
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.policy import Policy
from clientcert.testing import CertificateAuthority, asgi_scope, proxy_headers
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware

CA = CertificateAuthority()
ALICE, VICTIM, OTHER = CA.issue("alice"), CA.issue("victim"), CA.issue("other")
PROXY, STRANGER = "10.0.0.5", "203.0.113.9"
SECRET = "c2VjcmV0IG9mIHRoZSBwcm94eQ"
SEPARATORS = [",", ", "]  # gunicorn, waitress


def ask_asgi(strategy, lines, peer=PROXY, *, required=True, extensions=None):
    """The application's user, or the status of the refusal."""
    scope = asgi_scope(headers=lines, peer=peer) | {"extensions": extensions or {}}
    answers = []

    async def app(scope, receive, send):
        answers.append(scope["user"])

    async def send(message):
        answers.append(message.get("status"))

    asyncio.run(ASGIMiddleware(app, strategy, required=required)(scope, None, send))
    return answers[0]


def ask_wsgi(strategy, lines, peer=PROXY, *, required=True, separator=","):
    """The same, with lines that the server has joined and names that it has mapped."""
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": peer}
    for name, value in lines:
        variable = f"HTTP_{name.upper().replace('-', '_')}"
        environ[variable] = f"{environ[variable]}{separator}{value}" if variable in environ else value
    answers = []

    def app(environ, start_response):
        answers.append(environ["clientcert.user"])
        return []

    def start_response(status, headers):
        answers.append(int(status[:3]))

    WSGIMiddleware(app, strategy, required=required)(environ, start_response)
    return answers[0]


both_shims = pytest.mark.parametrize("ask", [ask_asgi, ask_wsgi])
every_preset = pytest.mark.parametrize("preset", PRESETS)


def name_of(certificate):
    return certificate["subject"]["CN"]


def new_strategy(preset="nginx", trusted_proxies=(PROXY,), *, verify=name_of, **options):
    return ClientCertStrategy(
        verify,
        certificate_source=preset,
        trusted_proxies=list(trusted_proxies) if isinstance(trusted_proxies, tuple) else trusted_proxies,
        accept_unverified=PRESETS[preset].verified_by == "nobody",
        **options,
    )


def experienced_strategy(preset="nginx", *args, **options):
    """One that has let in another client of its proxy, and has a policy that is asked once for each."""
    mine = new_strategy(preset, *args, verify=Policy("name_of", name_of, proves=True, is_constant=True), **options)
    for ask in (ask_asgi, ask_wsgi):
        # The one or the other, by whether the secret is asked for.
        answers = [ask(mine, [*sent(preset, OTHER), *secret]) for secret in ([], [("X-Proxy-Secret", SECRET)])]
        assert "other" in answers
    return mine


@pytest.fixture(params=[new_strategy, experienced_strategy], ids=["new", "experienced"])
def strategy(request):
    return request.param


def sent(preset="nginx", issued=ALICE):
    """What the product sends for a client."""
    return list(proxy_headers(PRESETS[preset], issued.certificate).items())


def replaced(preset, value):
    """The same, with another text in the place of the certificate."""
    header = PRESETS[preset].header
    return [(name, value if name == header else text) for name, text in sent(preset)]


@both_shims
@every_preset
def test_what_the_product_sends_is_accepted(backend, ask, preset, strategy):
    assert ask(strategy(preset), sent(preset)) == "alice"


# Who speaks


@both_shims
@every_preset
def test_a_public_certificate_from_a_stranger_proves_nothing(backend, ask, preset, strategy):
    assert ask(strategy(preset), sent(preset, VICTIM), STRANGER) == 401
    assert ask(strategy(preset), sent(preset, VICTIM), STRANGER, required=False) == 401


@both_shims
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_a_stranger(backend, ask, peer, strategy):
    assert ask(strategy(), sent(), peer) == 401


@both_shims
@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_secret_that_comes_twice_is_no_secret(backend, ask, separator, strategy):
    by_secret = strategy(trusted_proxies=TrustedProxies(secret=("X-Proxy-Secret", SECRET)))
    secret = ("X-Proxy-Secret", SECRET)
    assert ask(by_secret, [*sent(), secret], STRANGER) == "alice"
    options = {"separator": separator} if ask is ask_wsgi else {}
    for other in (SECRET, "guess", ""):
        for pair in ([secret, ("X-Proxy-Secret", other)], [("X-Proxy-Secret", other), secret]):
            assert ask(by_secret, [*sent(), *pair], STRANGER, **options) == 401


# The verdict


@both_shims
@every_preset
def test_a_verdict_must_be_present_single_and_exact(backend, ask, preset, strategy):
    for header, value in PRESETS[preset].verdicts:
        if not value:
            continue
        rest = [line for line in sent(preset) if line[0] != header]
        assert ask(strategy(preset), rest) == 401
        for wrong in ("", f"{value} x", f"{value},", value.swapcase() + ".", "FAILED", "(null)"):
            assert ask(strategy(preset), [*rest, (header, wrong)]) == 401
        for other in (value, "FAILED", ""):
            assert ask(strategy(preset), [*rest, (header, value), (header, other)]) == 401
            assert ask(strategy(preset), [*rest, (header, other), (header, value)]) == 401


@both_shims
def test_a_verdict_that_must_be_empty_may_be_absent_and_nothing_else(backend, ask, strategy):
    """A header without a value is left out by some servers and proxies, and so is not what verifies anything."""
    vetoes = [(preset, name) for preset in PRESETS for name, value in PRESETS[preset].verdicts if not value]
    assert vetoes == [("gcp-lb", "X-Client-Cert-Error")]
    for preset, header in vetoes:
        rest = [line for line in sent(preset) if line[0] != header]
        assert ask(strategy(preset), rest) == "alice"
        for wrong in ("client_cert_chain_invalid_eku", "0", "false", "(null)", '""'):
            assert ask(strategy(preset), [*rest, (header, wrong)]) == 401
        assert ask(strategy(preset), [*rest, (header, ""), (header, "")]) == 401


# What else the proxy says of the certificate


@both_shims
@every_preset
def test_a_cross_check_must_be_present_single_and_true(backend, ask, preset, strategy):
    others = dict(sent(preset, VICTIM))
    for header, _ in PRESETS[preset].cross_checks:
        value = dict(sent(preset))[header]
        rest = [line for line in sent(preset) if line[0] != header]
        assert ask(strategy(preset), rest) == 401
        for wrong in ("", ":", value[:-1], f"{value}0", f"{value} x", others[header], "(null)"):
            assert ask(strategy(preset), [*rest, (header, wrong)]) == 401
        for pair in ([value, others[header]], [others[header], value], [value, value]):
            assert ask(strategy(preset), [*rest, *((header, text) for text in pair)]) == 401
        alias = (header.replace("-", "_"), value)
        assert ask_asgi(strategy(preset), [*sent(preset), alias]) == 401
        victim = (PRESETS[preset].header, others[PRESETS[preset].header])
        forged = [victim if line[0] == victim[0] else line for line in sent(preset)]
        assert ask(strategy(preset), forged) == 401


# Names


@every_preset
def test_a_name_that_differs_by_case_underscores_or_dots_is_refused_from_anybody(backend, preset, strategy):
    header = PRESETS[preset].header
    value = dict(sent(preset, VICTIM))[header]
    for alias in (header.replace("-", "_"), header.replace("-", "."), header.replace("-", "_", 1)):
        for lines in ([*sent(preset), (alias, value)], [(alias, value), *sent(preset)], replaced(preset, "")[1:]):
            assert ask_asgi(strategy(preset), [*lines, (alias, value)]) == 401
            assert ask_asgi(strategy(preset), [*lines, (alias, value)], required=False) == 401


def test_a_name_that_the_server_has_not_put_into_lower_case_is_refused(backend, strategy):
    """ASGI, "HTTP connection scope": names are in lower case, as RFC 9113, section 8.2, has them in HTTP/2."""
    for name, value in sent():
        for raw in (name.encode(), name.upper().encode()):
            lines = [(line.lower().encode(), text.encode()) for line, text in sent() if line != name]
            scope = {"type": "http", "method": "GET", "headers": [*lines, (raw, value.encode())], "client": (PROXY, 1)}
            statuses = []

            async def send(message, statuses=statuses):
                statuses.append(message.get("status"))

            asyncio.run(ASGIMiddleware(None, strategy(), required=False)(scope, None, send))
            assert statuses[0] == 401


@both_shims
@every_preset
@pytest.mark.parametrize("form", ["{}", "close, {}", "{} ,close", "keep-alive;{}"])
def test_a_watched_name_in_connection_is_refused_with_and_without_its_header(backend, ask, preset, form, strategy):
    """A proxy that obeys has removed the true header, and passed the client's own under a similar name."""
    for name, _ in sent(preset):
        for spelled in (name, name.upper(), name.replace("-", "_")):
            connection = ("Connection", form.format(spelled))
            for lines in ([connection], [*sent(preset), connection]):
                assert ask(strategy(preset), lines) == 401
                assert ask(strategy(preset), lines, required=False) == 401


def test_a_header_that_has_been_removed_lowers_no_requirement(backend, strategy):
    """Without the header, the proxy's own certificate is that of the connection."""
    extensions = {"tls": {"client_cert": CA.issue("proxy").der}}
    falls_back = strategy(fallback_to_socket=True)
    for lines in ([], [("Connection", "X-SSL-Client-Cert")], replaced("nginx", ""), replaced("nginx", "junk")):
        assert ask_asgi(falls_back, lines, extensions=extensions) == 401
    assert ask_asgi(falls_back, [("Connection", "X-SSL-Client-Cert")], STRANGER, extensions=extensions) == 401
    assert ask_asgi(falls_back, [], STRANGER, extensions=extensions) == "proxy"


# Lines


@both_shims
@every_preset
@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_line_that_is_repeated_is_refused_whichever_is_first(backend, ask, preset, separator, strategy):
    header = PRESETS[preset].header
    forged = (header, dict(sent(preset, VICTIM))[header])
    options = {"separator": separator} if ask is ask_wsgi else {}
    for lines in ([forged, *sent(preset)], [*sent(preset), forged], [*sent(preset), sent(preset)[0]]):
        assert ask(strategy(preset), lines, **options) == 401
    for empty in ("", "(null)", "::"):
        for lines in ([(header, empty), *sent(preset)], [*sent(preset), (header, empty)]):
            assert ask(strategy(preset), lines, required=False, **options) == 401
            assert ask(strategy(preset), lines, **options) == 401


@pytest.mark.parametrize("separator", SEPARATORS)
@every_preset
def test_a_comma_in_one_line_is_refused_where_the_encoding_has_none(backend, preset, separator, strategy):
    header = PRESETS[preset].header
    values = [dict(sent(preset, issued))[header] for issued in (VICTIM, ALICE)]
    assert ask_wsgi(strategy(preset), replaced(preset, separator.join(values))) == 401
    for value in (f",{values[0]}", f"{values[0]},", f"{values[0]},,"):
        assert ask_wsgi(strategy(preset), replaced(preset, value)) == 401


# Values


@both_shims
@every_preset
@pytest.mark.parametrize("character", ["\0", "\x01", "\x0b", "\x0c", "\x1f", "\x7f", "\x80", "\xa0"])
def test_a_value_with_a_control_character_is_refused(backend, ask, preset, character, strategy):
    value = dict(sent(preset))[PRESETS[preset].header]
    for broken in (character + value, value[:100] + character + value[100:], value + character):
        assert ask(strategy(preset), replaced(preset, broken)) == 401


@both_shims
@every_preset
@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\n\t"])
def test_a_line_break_in_a_value_is_refused_but_between_the_lines_of_pem(backend, ask, preset, line_break, strategy):
    value = dict(sent(preset))[PRESETS[preset].header]
    answer = ask(strategy(preset), replaced(preset, value[:-40] + line_break + value[-40:]))
    assert answer == ("alice" if PRESETS[preset].encoding == "pem" else 401)


@both_shims
@every_preset
@pytest.mark.parametrize("empty", ["", " ", "\t", "(null)", "::", ":(null):"])
def test_what_proxies_write_for_none_is_no_certificate_and_no_identity(backend, ask, preset, empty, strategy):
    alone = [(PRESETS[preset].header, empty)]
    assert ask(strategy(preset), alone) == 401
    assert ask(strategy(preset), alone, required=False) is None
    # Beside what is said of a certificate, it is a certificate that something has taken away.
    says_something = len(sent(preset)) > 1 and preset != "openshift-router"
    assert ask(strategy(preset), replaced(preset, empty)) == 401
    assert ask(strategy(preset), replaced(preset, empty), required=False) == (401 if says_something else None)


@both_shims
@every_preset
@pytest.mark.parametrize(
    "text", ["-", '""', "null", "NULL", "(NULL)", "nil", "<nil>", "None", "undefined", "0", "false", ":", ":::", "()"]
)
def test_any_other_text_for_none_is_refused_as_one_that_was_presented(backend, ask, preset, text, strategy):
    says_none = text == '""' and PRESETS[preset].quoted
    assert ask(strategy(preset), replaced(preset, text)) == 401
    assert ask(strategy(preset), replaced(preset, text), required=False) == (None if says_none else 401)


@both_shims
def test_a_value_in_double_quotes_is_not_the_value(backend, ask, strategy):
    for preset in PRESETS:
        value = dict(sent(preset))[PRESETS[preset].header]
        assert ask(strategy(preset), replaced(preset, f'"{value}"')) == 401


# Types


def test_text_in_the_place_of_bytes_is_no_header(backend, strategy):
    text = {name.lower(): value for name, value in sent()}
    good = {name.encode(): value.encode() for name, value in text.items()}
    bad = [text, {name: value.encode() for name, value in text.items()}, {n.encode(): v for n, v in text.items()}]
    bad += [{name: kind(value) for name, value in good.items()} for kind in (list, len)]
    for lines in bad:
        scope = {"type": "http", "method": "GET", "headers": list(lines.items()), "client": (PROXY, 40000)}
        called = []

        async def app(scope, receive, send, called=called):
            called.append(scope)

        async def send(message):
            pass

        with suppress(TypeError, AttributeError):  # the server's fault
            asyncio.run(ASGIMiddleware(app, strategy())(scope, None, send))
        assert called == []


@pytest.mark.parametrize("kind", [str.encode, list, len, lambda _: None])
def test_what_is_no_text_in_an_environ_is_no_header(backend, kind, strategy):
    for at in range(2):
        lines = [(name, kind(value) if at == number else value) for number, (name, value) in enumerate(sent())]
        try:
            answer = ask_wsgi(strategy(), lines)
        except (TypeError, AttributeError):  # the server's fault
            answer = 500
        assert answer in {401, 500}


# What is not asked


@pytest.mark.parametrize("scheme", ["http", "https", None])
def test_the_scheme_changes_nothing(backend, scheme, strategy):
    lines = [*sent(), ("X-Forwarded-Proto", scheme)] if scheme else sent()
    assert ask_asgi(strategy(), lines) == ask_wsgi(strategy(), lines) == "alice"
