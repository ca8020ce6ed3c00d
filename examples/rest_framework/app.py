"""An API with Django REST framework whose clients are machines: known by their certificates, without accounts."""

import os
import sys
from typing import Any

from django.core.management import execute_from_command_line
from django.core.management.utils import get_random_secret_key
from django.core.wsgi import get_wsgi_application

from clientcert import ClientCertStrategy, PeerCertificate


def find_user(certificate: PeerCertificate) -> Any:
    """Return the user of a client of Acme. With accounts in a database, return the name instead."""
    from django.contrib.auth.models import User  # Django has no models before its settings

    subject = certificate["subject"]
    return User(username=subject["CN"]) if subject.get("O") == "Acme, Inc." else None


CLIENT_CERT_STRATEGY = ClientCertStrategy(
    find_user,
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)
AUTHENTICATION_BACKENDS = ["clientcert.integrations.django.backends.ClientCertBackend"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["clientcert.integrations.rest_framework.ClientCertAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "clientcert.integrations.django",
    "rest_framework",
]

ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "urls"
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or get_random_secret_key()

os.environ.setdefault("DJANGO_SETTINGS_MODULE", __name__)

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
else:
    app = get_wsgi_application()
