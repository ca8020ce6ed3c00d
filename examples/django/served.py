"""The project in ``app.py`` for an ASGI server."""

import os

from clientcert.integrations.django.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "app")
app = get_asgi_application()
