"""Views that tell who asks them."""

from __future__ import annotations

from django.http import JsonResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from clientcert.integrations.django.decorators import client_cert_required
from clientcert.integrations.rest_framework import ClientCertAuthentication


def who(request):
    certificate = request.client_certificate
    return JsonResponse([certificate and certificate["subject"]["CN"], request.user.get_username()], safe=False)


async def awho(request):
    user = await request.auser()
    return JsonResponse([bool(request.client_certificate), user.get_username()], safe=False)


@client_cert_required
def account(request, name):
    return JsonResponse({"name": name})


@client_cert_required
async def aaccount(request, name):
    return JsonResponse({"name": name})


@method_decorator(client_cert_required, name="dispatch")
class Account(View):
    def get(self, request):
        return JsonResponse({})


class Numbers(APIView):
    authentication_classes = (ClientCertAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request):
        return Response([request.user.get_username(), request.auth.certificate["subject"]["CN"]])


class Anybody(Numbers):
    permission_classes = (AllowAny,)

    def get(self, request):
        return Response([request.user.get_username(), request.auth is None])


def identity(request):
    return JsonResponse([request.client_certificate, request.client_identity.spiffe_id], safe=False)


urlpatterns = [
    path("", who),
    path("async", awho),
    path("account/<name>", account),
    path("async/account/<name>", aaccount),
    path("class", Account.as_view()),
    path("numbers", Numbers.as_view()),
    path("anybody", Anybody.as_view()),
    path("identity", identity),
]
