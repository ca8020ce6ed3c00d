"""The views of the API."""

from django.http import HttpResponse
from django.urls import path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response


@api_view()
@permission_classes([AllowAny])
def greet(request: Request) -> HttpResponse:
    """Answer anybody, by name if there is a certificate."""
    return HttpResponse(f"Hello {request.user.get_username() or 'stranger'}\n", content_type="text/plain")


@api_view()
def account(request: Request) -> Response:
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = request.auth.certificate
    return Response({"subject": dict(certificate["subject"]), "fingerprint": certificate["fingerprint256"]})


urlpatterns = [path("", greet), path("account", account)]
