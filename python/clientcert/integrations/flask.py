"""Flask: an extension, and what views ask for the certificate of their client.

::

    app = Flask(__name__)
    ClientCert(ClientCertStrategy(allow_cn(["alice"])), app)

    @app.get("/")
    def greet():
        return f"Hello {current_client_certificate['subject']['CN']}"

``flask.g.client_user`` is what ``verify`` returned; a policy makes the certificate the user.

`current_client_certificate` and `current_client_identity` are proxies as `flask.request` is one (Flask's documentation,
"Notes On Proxies"): they are false where there is nothing, and never ``is None``. Outside of a request that
`ClientCert` has seen, they raise. Callbacks and hooks get the environ.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from flask import after_this_request, current_app, g, request
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.local import LocalProxy

from clientcert.outcome import Failure
from clientcert.refusal import refusal
from clientcert.wsgi import absence, authenticate, check_plain_strategy, check_tls_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response
    from flask.typing import ResponseReturnValue

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.strategy import ClientCertStrategy
    from clientcert.wsgi import TLSSource

    P = ParamSpec("P")

__all__ = [
    "ClientCert",
    "client_cert_required",
    "current_client_certificate",
    "current_client_identity",
]

_NEEDED = "ClientCert(strategy, app)"


class ClientCert:
    """Authenticates each request, before any other function that `flask.Flask.before_request` registers.

    A request that is refused raises the `werkzeug.exceptions.HTTPException` of its status, for 401
    `werkzeug.exceptions.Unauthorized`, whose description says no more than the client may read:
    `flask.Flask.errorhandler` makes the answer. What ``verify`` raises propagates.

    With ``required=False``, a request that presents no certificate at all goes on; one that presents a certificate
    which is rejected, for whatever reason, is refused all the same. ``tls_source`` is as for
    `clientcert.wsgi.ClientCertMiddleware`. A strategy with an ``async`` verify raises `ConfigurationError`.

    Where there is no application yet, `init_app` takes it, or several.
    """

    def __init__(
        self,
        strategy: ClientCertStrategy,
        app: Flask | None = None,
        *,
        required: bool = True,
        tls_source: TLSSource = "socket",
    ) -> None:
        check_plain_strategy(strategy)
        check_tls_source(tls_source)
        self._strategy = strategy
        self._required = required
        self._tls_source: TLSSource = tls_source
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Authenticate the requests to ``app``; it is ``app.extensions["clientcert"]`` then."""
        app.extensions["clientcert"] = self
        app.before_request_funcs.setdefault(None, []).insert(0, self._authenticate)

    def _authenticate(self) -> None:
        g.client_user = None  # tests may have several requests in one context
        outcome = authenticate(self._strategy, request.environ, self._tls_source, required=self._required)
        if isinstance(outcome, Failure):
            raise _failure(outcome)
        g.client_user = request.environ["clientcert.user"]


def client_cert_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Return ``view`` for clients with a certificate, where `ClientCert` lets others in (``required=False``).

    It goes below ``@app.route``, or into the ``decorators`` of a `flask.views.View`. Without `ClientCert`, each
    request raises `ConfigurationError`.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        absent = absence(request.environ, _NEEDED)
        if absent is not None:
            raise _failure(absent)
        answer: ResponseReturnValue = current_app.ensure_sync(view)(*args, **kwargs)
        return answer

    return guarded


def _failure(failure: Failure) -> HTTPException:
    fields = refusal(failure).fields

    # Not of the exception: a handler of the application may make another response of that.
    @after_this_request
    def add_fields(response: Response) -> Response:
        response.headers.update(fields)
        return response

    exception = default_exceptions.get(failure.status, HTTPException)(failure.message)
    exception.code = failure.status
    return exception


def _current(key: str) -> Any:
    absence(request.environ, _NEEDED)
    return request.environ[key]


current_client_certificate: PeerCertificate = LocalProxy(  # type: ignore[assignment]  # as Flask types its own
    lambda: _current("clientcert.certificate")
)
"""The certificate of the client, if `ClientCert` has found one."""

current_client_identity: ForwardedIdentity = LocalProxy(  # type: ignore[assignment]  # as above
    lambda: _current("clientcert.identity")
)
"""An identity that was forwarded without a certificate."""
