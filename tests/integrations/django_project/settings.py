"""A site with users, and nobody who is let in: each test says who is, by a strategy of its own."""

from clientcert import ClientCertStrategy

CLIENT_CERT_STRATEGY = ClientCertStrategy(lambda certificate: None)
SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "clientcert.integrations.django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "clientcert.integrations.django.middleware.ClientCertMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "clientcert.integrations.django.backends.ClientCertBackend",
]
ROOT_URLCONF = "integrations.django_project.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
