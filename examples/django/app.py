"""A Django project in one file that knows its clients by their certificates: settings, views and URLs."""

import os
import sys

from django.core.management import execute_from_command_line
from django.core.management.utils import get_random_secret_key
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from clientcert import ClientCertStrategy, allow_organization
from clientcert.integrations.django.decorators import client_cert_required

CLIENT_CERT_STRATEGY = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)
CLIENT_CERT_REQUIRED = False
INSTALLED_APPS = ["clientcert.integrations.django"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "clientcert.integrations.django.middleware.ClientCertMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = __name__
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or get_random_secret_key()
CSRF_COOKIE_SECURE = True
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_HSTS_SECONDS = 31_536_000
SECURE_SSL_REDIRECT = True


def greet(request: HttpRequest) -> HttpResponse:
    """Answer anybody, by name if there is a certificate."""
    certificate = request.client_certificate
    name = certificate["subject"]["CN"] if certificate else "stranger"
    return HttpResponse(f"Hello {name}\n", content_type="text/plain")


@client_cert_required
def account(request: HttpRequest) -> JsonResponse:
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = request.client_certificate
    return JsonResponse({"subject": dict(certificate["subject"]), "fingerprint": certificate["fingerprint256"]})


urlpatterns = [path("", greet), path("account", account)]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", __name__)

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
else:
    app = get_wsgi_application()
