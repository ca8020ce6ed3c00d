"""The authentication backend: which user a certificate belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.backends import RemoteUserBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured

from clientcert.identity_mapping import MappedIdentity

if TYPE_CHECKING:
    from django.http import HttpRequest

    from clientcert.outcome import Success

__all__ = ["ClientCertBackend"]


class ClientCertBackend(RemoteUserBackend):
    """Find the active user whose name is what ``verify`` returned, letter for letter.

    A database may compare names without regard to case or accents: a user whose name only resembles is none. Where
    ``verify`` returns a user of Django, that is the user, if it is active.

    Of a `clientcert.MappedIdentity`, the name counts; its groups are not those of Django.

    Unlike `django.contrib.auth.backends.RemoteUserBackend`, it makes no user of a name that is not there, unless a
    subclass has ``create_unknown_user = True``. ``clean_username`` and ``configure_user`` are as Django documents them.
    """

    create_unknown_user = False

    def get_username_of(self, outcome: Success) -> str:
        """Return the name of the user, which a subclass may find in ``outcome.certificate`` instead."""
        name = outcome.user.user if isinstance(outcome.user, MappedIdentity) else outcome.user
        if not isinstance(name, str):
            raise ImproperlyConfigured(
                f"verify returned {type(name).__name__}, and ClientCertBackend wants a user or the name of one: return"
                " that, or override get_username_of in a subclass of it"
            )
        return name

    def authenticate(  # type: ignore[override]  # other credentials: Django passes by a backend that wants others
        self, request: HttpRequest | None, client_cert: Success
    ) -> Any:
        """Return the user, or None."""
        if isinstance(client_cert.user, AbstractBaseUser):
            return self._active(client_cert.user)
        name = self.get_username_of(client_cert)
        return self._exactly(name, super().authenticate(request, name))

    async def aauthenticate(  # type: ignore[override]  # as above
        self, request: HttpRequest | None, client_cert: Success
    ) -> Any:
        """Return the user, or None."""
        if isinstance(client_cert.user, AbstractBaseUser):
            return self._active(client_cert.user)
        name = self.get_username_of(client_cert)
        return self._exactly(name, await super().aauthenticate(request, name))

    def _active(self, user: Any) -> Any:
        return user if self.user_can_authenticate(user) else None

    def _exactly(self, name: str, user: Any) -> Any:
        return user if user is not None and user.get_username() == self.clean_username(name) else None
