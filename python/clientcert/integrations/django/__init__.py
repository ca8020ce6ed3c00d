"""Django: a middleware, an authentication backend, a decorator for views, and system checks.

::

    INSTALLED_APPS = [..., "clientcert.integrations.django"]
    MIDDLEWARE = [..., "clientcert.integrations.django.middleware.ClientCertMiddleware"]
    CLIENT_CERT_STRATEGY = "project.client_certificates.strategy"

`clientcert.integrations.rest_framework` is for views of Django REST framework.
"""
