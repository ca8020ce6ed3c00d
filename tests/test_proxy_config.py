"""``clientcert proxy-config`` prints what it says, finds what was seen to be dangerous, and is silent about its own."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from clientcert import PRESETS, ClientCertStrategy, ConfigurationError
from clientcert.commands import clientcert
from clientcert.proxy_config import CONFIGURATIONS, SETTINGS
from clientcert.proxy_config.check import CHECKED, UnreadableConfigurationError, dangers, recognise
from clientcert.proxy_config.names import similar_names

ROOT = Path(__file__).parent.parent
DANGEROUS = sorted((ROOT / "tests" / "dangerous").iterdir())
PRODUCTS = {"nginx", "ingress-nginx", "haproxy", "apache", "caddy", "traefik", "envoy"}


def run(*arguments):
    return CliRunner().invoke(clientcert, ["proxy-config", *arguments])


def marked(text):
    """The lines and settings that the comments of a file name: each those of the line below."""
    found, waiting = [], []
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.fullmatch(r"\s*# danger: (.*)", line)
        if mark:
            waiting.append(mark[1])
        elif waiting:
            found += [(number, setting) for setting in waiting]
            waiting = []
    return sorted(found)


# What is printed.


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=lambda c: c.name)
def test_a_configuration_sets_the_headers_of_its_preset_and_nothing_is_left_to_fill_in(configuration):
    preset = PRESETS[configuration.preset]
    text = configuration.configuration()
    assert not re.search(r"@[a-z_]+@", text)
    if configuration.preset not in {"envoy", "ingress-nginx"}:  # these choose the names themselves
        for header in [preset.header, *(header for header, _ in preset.verdicts)]:
            assert header in text


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=lambda c: c.name)
def test_the_comment_of_a_configuration_and_its_application_have_the_same_strategy(configuration):
    strategy = re.search(r"^strategy = .*?^\)$", configuration.application(), re.DOTALL | re.MULTILINE)[0]
    assert "".join(f"#     {line}\n" for line in strategy.splitlines()) in configuration.configuration()
    names = {"__name__": "printed"}
    exec(configuration.application(), names)  # noqa: S102 - it is ours
    assert isinstance(names["strategy"], ClientCertStrategy)


def test_a_certificate_is_required_unless_it_is_said_to_be_optional():
    for configuration in CONFIGURATIONS.values():
        required, optional = configuration.verify
        text = configuration.configuration()
        assert re.search(rf"\b{required}\b", text)
        if optional != required:
            assert configuration.configuration(required=False) != text
            assert re.search(rf"\b{optional}\b", configuration.configuration(required=False))
    assert re.search("ssl_verify_client on;", CONFIGURATIONS["nginx"].configuration())


def test_each_setting_is_in_a_configuration_and_is_put_in_its_place():
    used = {name for configuration in CONFIGURATIONS.values() for name in configuration.settings}
    assert used == SETTINGS.keys()
    for configuration in CONFIGURATIONS.values():
        values = {name: f"value-of.{name}" for name in configuration.settings}
        printed = configuration.configuration(values) + configuration.application(values)
        assert all(value in printed for value in values.values())


@pytest.mark.parametrize("value", ["a b", "a;b", "a\nb", "", "{", "a#b", "$x", "'"])
def test_a_value_that_is_not_one_word_is_refused(value):
    with pytest.raises(ConfigurationError, match=r"^server_name may have"):
        CONFIGURATIONS["nginx"].configuration({"server_name": value})


def test_a_setting_that_the_configuration_has_not_is_refused_with_those_that_it_has():
    with pytest.raises(ConfigurationError, match=r"no setting 'inner_name', only listen_host, .*, proxy_address$"):
        CONFIGURATIONS["nginx"].configuration({"inner_name": "x"})


def test_apache_removes_every_name_that_is_taken_for_one_of_its_headers():
    text = CONFIGURATIONS["apache"].configuration()
    preset = PRESETS["apache"]
    expected = {name for header in (preset.header, *dict(preset.verdicts)) for name in similar_names(header)} | {
        "Connection"
    }
    assert set(re.findall(r"RequestHeader unset (\S+)", text)) == expected


def test_similar_names_are_those_with_underscores_for_hyphens():
    assert similar_names("A-B") == ["A_B"]
    assert similar_names("A-B-C") == ["A-B_C", "A_B-C", "A_B_C"]
    assert similar_names("A") == []
    assert similar_names("-".join("A" * 20)) == ["_".join("A" * 20)]


# What is found.


@pytest.mark.parametrize("path", DANGEROUS, ids=lambda path: path.name)
def test_each_danger_is_found_on_its_line_and_nothing_else(path):
    text = path.read_text()
    found = dangers(text, recognise(text))
    assert [(danger.line, danger.setting) for danger in found] == marked(text)
    assert all(danger.reason for danger in found)


def test_there_is_a_dangerous_configuration_for_each_product():
    assert {recognise(path.read_text()) for path in DANGEROUS} == CHECKED.keys() == PRODUCTS


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=lambda c: c.name)
def test_nothing_is_found_in_what_is_printed(configuration, required):
    text = configuration.configuration(required=required)
    assert recognise(text) == configuration.preset
    assert dangers(text, configuration.preset) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nginx", "proxy_set_header X-SSL-Client-Cert"),
        ("nginx", "proxy_set_header X-SSL-Client-Verify"),
        ("haproxy", "del-header"),
        ("haproxy", "X-SSL-Client-Used %"),
        ("haproxy", "X-SSL-Client-Verify %"),
        ("apache", "unset Connection"),
        ("apache", "unset X_SSL_Client_Cert"),
        ("apache", "unset X-SSL_Client-Verify"),
        ("apache", "set X-SSL-Client-Verify"),
        ("traefik", "middlewares: ["),
        ("envoy", "validation_context: "),
        ("envoy", "headers_with_underscores_action"),
        ("envoy-inner", "match_typed_subject_alt_names"),
        ("ingress-nginx", "auth-tls-pass-certificate-to-upstream"),
    ],
)  # fmt: skip
def test_a_printed_configuration_is_dangerous_without_a_line_that_protects(name, line):
    """Beside a second way to the application, where the line is what makes the way a safe one."""
    lines = CONFIGURATIONS[name].configuration().splitlines()
    kept = [other for other in lines if line not in other]
    assert len(kept) == len(lines) - 1
    text = "\n".join(kept)
    if name == "nginx":
        text += "\n" + CONFIGURATIONS["nginx"].configuration()
    if name == "traefik":
        text = text.replace(
            "  routers:\n", "  routers:\n    safe: {service: application, middlewares: [client-certificate]}\n"
        )
    assert dangers(text, CONFIGURATIONS[name].preset)


@pytest.mark.parametrize(
    ("product", "text", "where"),
    [
        ("nginx", "server { listen 80; }\n}", "line 2: a brace too many, or a semicolon too few"),
        ("nginx", "server {\n listen 80 }", "line 2: a brace too many, or a semicolon too few"),
        ("nginx", "server {\n listen 80;\n", "line 3: it ends in the middle of a directive"),
        ("nginx", 'a b;\nc "d;', "line 2: a quote is not closed"),
        ("apache", 'SSLEngine on\nRequestHeader set A "b', "line 2: a quote is not closed"),
        ("caddy", "a {\n}\n}", "line 3: a brace too many"),
        ("caddy", "a {\n", "it ends inside of a block"),
        ("envoy", "a: [b\nc: d", "line 2: not YAML"),
        ("traefik", "a: @b", "line 1: not YAML"),
        ("ingress-nginx", "[" * 10_000, "too deep"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_line(product, text, where):
    with pytest.raises(UnreadableConfigurationError, match=f"^{re.escape(where)}$"):
        dangers(text, product)


def test_an_alias_of_yaml_is_read_once_and_may_lead_back():
    bomb = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n"
        for a, b in zip("abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz", strict=True)
    )
    assert dangers(f"{bomb}clientAuthType: RequireAnyClientCert\nloop: &loop {{again: *loop}}\n", "traefik")


@pytest.mark.parametrize(
    ("product", "text"),
    [
        ("apache", "SSLEngine on\nSSLVerifyClient require\nRequestHeader set X-Other 1\n"),
        ("traefik", "[a, b]"),
        ("traefik", "{[a]: b, c: d}"),
    ],
)
def test_nothing_is_found_where_there_is_nothing_to_find(product, text):
    assert dangers(text, product) == []


# The command.


def test_the_command_prints_the_configuration_and_the_application():
    configuration = CONFIGURATIONS["haproxy"]
    values = {"server_name": "a.example", "listen_port": "8443"}
    given = ["--set", "listen_port=8443"]
    assert run("haproxy", *given).stdout == configuration.configuration({"listen_port": "8443"})
    assert run("haproxy", "--optional").stdout == configuration.configuration(required=False)
    assert run("nginx", "--python").stdout == CONFIGURATIONS["nginx"].application()
    both = [argument for name, value in values.items() for argument in ("--set", f"{name}={value}")]
    assert run("nginx", *both).stdout == CONFIGURATIONS["nginx"].configuration(values)


def test_the_command_says_what_it_cannot_do():
    assert run().exit_code == 2
    assert "nginx, ingress-nginx, haproxy" in run().stderr
    refused = run("nginx", "--set", "color=red")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("clientcert: nginx has no setting 'color'")


def test_the_check_prints_line_setting_and_reason_and_its_status_is_1():
    path = ROOT / "tests" / "dangerous" / "traefik.yaml"
    result = run("--check", str(path))
    assert (result.exit_code, result.stderr) == (1, "")
    through = "what a client without a certificate sends under the name goes through"
    assert result.stdout.splitlines() == [
        f"{path}:9: forwardedHeaders.insecure: {through}, from anybody",
        f"{path}:14: forwardedHeaders.trustedIPs: {through}, from these",
    ]


def test_the_check_is_silent_where_it_finds_nothing(tmp_path):
    path = tmp_path / "printed"
    path.write_text(run("envoy-inner").stdout)
    for arguments in ([], ["envoy"], ["envoy-inner"]):
        result = run(*arguments, "--check", str(path))
        assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "not recognised as a configuration of a proxy: say of which"),
        (b"\xff", "not UTF-8"),
        (b"proxy_pass {", "read as one of nginx: line 1: it ends in the middle of a directive"),
    ],
)
def test_a_file_that_cannot_be_checked_is_one_line_and_status_1(tmp_path, data, message):
    path = tmp_path / "file"
    path.write_bytes(data)
    result = run("--check", str(path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"clientcert: {path}")
    assert result.stderr.endswith(f"{message}\n")
    assert "No such file" in run("--check", str(tmp_path / "none")).stderr


def test_a_name_in_a_checked_file_is_not_obeyed_by_the_terminal(tmp_path):
    path = tmp_path / "nginx.conf"
    path.write_text("proxy_set_header 'X\x1b[2J' $ssl_client_escaped_cert; proxy_pass http://a;")
    result = run("--check", str(path))
    assert result.exit_code == 1
    assert "X\\x1b[2J" in result.stdout


def test_printing_needs_no_yaml(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert run("nginx").exit_code == 0


def test_a_check_without_the_extra_says_what_to_install():
    program = "import sys; sys.modules['yaml'] = None; from clientcert.cli import main; main()"
    path = ROOT / "tests" / "dangerous" / "nginx.conf"
    command = [sys.executable, "-c", program, "proxy-config", "--check", str(path)]
    result = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.endswith(b"pip install 'clientcert[cli]'\n")


# The examples.


def test_the_examples_are_what_is_printed():
    files = runpy.run_path(str(ROOT / "examples" / "write.py"))["files"]()
    assert {path: path.read_text() for path in files} == files
    printed = {path for file in files for path in file.parent.iterdir()}
    assert {path for path in printed if path.name == "app.py" or path.stem == "clientcert"} == files.keys()


@pytest.mark.parametrize("name", ["nginx.conf", "forward-auth.yml", "Caddyfile", "envoy.yaml"])
def test_nothing_is_found_in_the_configurations_that_ask_forward_auth(name):
    text = (ROOT / "examples" / "forward-auth" / name).read_text()
    assert dangers(text, recognise(text)) == []
