"""Tests of the project, for Django's own runner: ``python app.py test``."""

from django.test import Client, SimpleTestCase, override_settings

from clientcert import PRESETS, ClientCertStrategy, allow_organization
from clientcert.testing import CertificateAuthority, proxy_headers

BEHIND_NGINX = ClientCertStrategy(
    allow_organization(["Acme, Inc."]), certificate_source="nginx", trusted_proxies=["10.0.0.5"]
)


@override_settings(CLIENT_CERT_STRATEGY=BEHIND_NGINX, SECURE_SSL_REDIRECT=False)
class ClientTests(SimpleTestCase):
    """The client of the tests is what a proxy is."""

    def setUp(self) -> None:
        """Make a client with a certificate."""
        alice = CertificateAuthority().issue(subject=[("O", "Acme, Inc."), ("CN", "alice")])
        self.headers = proxy_headers(PRESETS["nginx"], alice.certificate)
        self.proxy = Client(REMOTE_ADDR="10.0.0.5")

    def test_a_client_with_a_certificate_has_an_account(self) -> None:
        """The proxy says who the client is."""
        self.assertContains(self.proxy.get("/", headers=self.headers), "Hello alice")
        self.assertContains(self.proxy.get("/account", headers=self.headers), "alice")

    def test_a_stranger_has_none(self) -> None:
        """Without a certificate, one view answers, and the other does not."""
        self.assertContains(self.proxy.get("/"), "Hello stranger")
        self.assertContains(self.proxy.get("/account"), "A client certificate is required.", status_code=401)

    def test_nobody_but_the_proxy_is_believed(self) -> None:
        """A certificate is public: that somebody sends it proves nothing."""
        stranger = Client(REMOTE_ADDR="10.0.0.6")
        answer = stranger.get("/", headers=self.headers)
        self.assertContains(answer, "did not come through a trusted proxy", status_code=401)
