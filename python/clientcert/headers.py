"""The header lines by which a proxy speaks for its clients: found among all others, with those that could be them.

One name can reach an application in many ways, and a proxy guards one of them. So a line counts as a sign of a forgery
if its name is not that of a watched header, byte for byte, and a server or a gateway could take it for that.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from clientcert import _backend
from clientcert.errors import ConfigurationError
from clientcert.presets import SIMILAR, header_name, similar_name
from clientcert.trust import NAMES_OF_ADDRESSES, Objection

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from clientcert._core import LineFilter
    from clientcert.request import Request
    from clientcert.trust import TrustedProxies

__all__ = ["HeaderLines", "Lines", "WatchedHeaders", "is_field_name"]

Lines = tuple[tuple[bytes, bytes], ...]
"""Header lines of a request, in their order: names and values."""

# Connection is a list with commas (RFC 9110, section 7.6.1); Apache's `ap_get_token` also ends a name at white space
# and semicolons.
_CONNECTION_OPTION = re.compile(rb"[^\s,;]+")

# What nearly every request has: to look it up is a tenth of the work of reading it.
_COMMON_OPTIONS = frozenset({b"keep-alive", b"Keep-Alive", b"close", b"Upgrade", b"upgrade"})


_NAMES = 256  # remembered, none of them longer than the longest that is read
_KEY_BYTES = 16


class HeaderLines:
    """The header lines of one request that matter. It is false if there are none."""

    __slots__ = ("addresses", "alias", "nominated", "repeated", "single")

    def __init__(self) -> None:
        self.single: dict[bytes, bytes] = {}  # the one header that may have several lines has one here, too
        self.repeated: list[bytes] = []
        self.addresses: list[bytes] = []
        self.alias: bytes | None = None  # the watched name that another resembles
        self.nominated: bytes | None = None  # the watched name that ``Connection`` has

    def __bool__(self) -> bool:
        return bool(self.single or self.alias or self.nominated)


class WatchedHeaders:
    """The headers of one proxy, by their names in lower case, and who may set them: ``trust``, None for everybody.

    ``identifying`` are those of them of which it depends what the certificate is. ``list_header`` is the one that may
    have several lines (RFC 9440, section 2.3).
    """

    def __init__(
        self,
        names: Collection[bytes],
        trust: TrustedProxies | None,
        *,
        identifying: Collection[bytes] = (),
        list_header: bytes | None = None,
    ) -> None:
        secret = None if trust is None else trust.secret_header
        self.names: frozenset[bytes] = frozenset(names) if secret is None else frozenset((*names, secret))
        self.list_header = list_header
        self._trust = trust
        self._secret_header = secret
        self._similar = similar = {similar_name(name): name for name in self.names}
        # Others of the same length, such as User-Agent, come with nearly every request.

        @lru_cache(_NAMES)
        def resembled(name: bytes) -> bytes | None:
            return similar.get(similar_name(name))

        self._resembled = resembled
        # What to ask a request for.
        self.read: frozenset[bytes] = self.names | {b"connection", *NAMES_OF_ADDRESSES}
        # A header of addresses that is watched says what its watcher takes it for.
        addresses = NAMES_OF_ADDRESSES - self.names
        others = self.read - addresses - frozenset(identifying)
        groups = map(list, (identifying, addresses, others))
        # Of the lines of a request those that matter: no other could change what its headers say. Addresses differ from
        # client to client, as identifying lines do; the others are alike for all clients of a proxy, as long as nobody
        # meddles.
        self.filter: LineFilter = _backend.core.LineFilter(*groups, SIMILAR, os.urandom(_KEY_BYTES))
        self._harmless = frozenset(option for option in _COMMON_OPTIONS if self._nominated(option) is None)

    def collect(self, request: Request) -> HeaderLines:
        """Return the lines of ``request`` that matter, sorted."""
        return self.sort(self.filter.pick(request.header_lines(self.read)))

    def sort(self, picked: Iterable[tuple[bytes, bytes]]) -> HeaderLines:
        """Return what lines are that the filter has picked."""
        watched, resembled = self.names, self._resembled
        lines = HeaderLines()
        single = lines.single
        members: list[bytes] = []
        for name, value in picked:
            if name in watched:
                if name == self.list_header:
                    members.append(value)
                elif name in single:
                    lines.repeated.append(name)
                else:
                    single[name] = value
            elif name in NAMES_OF_ADDRESSES:
                lines.addresses.append(value)
            elif name == b"connection":
                if value in self._harmless:
                    continue
                lines.nominated = self._nominated(value) or lines.nominated
            elif (meant := resembled(name)) is not None:
                # A proxy that replaces the one name may pass the other, which a server behind it takes for the first.
                lines.alias = meant
        if self.list_header is not None and members:
            single[self.list_header] = b", ".join(members)  # RFC 9110, section 5.3
        return lines

    def values(self, identifying: Lines) -> dict[bytes, bytes] | Objection:
        """Return the value of each header that these lines are of, or why it is not clear what it is."""
        if len(identifying) == 1:  # as nearly always
            return dict(identifying)
        lines = self.sort(identifying)
        return self.ambiguity(lines) or lines.single

    def may_be(self, name: bytes) -> bool:
        """Return whether ``name`` is that of a watched header, or one that a server or a gateway could take for it.

        One that is no field name could be anything: ``"ß".upper()`` is ``"SS"``.
        """
        return similar_name(name) in self._similar or not is_field_name(name)

    def without_nominations(self, connection: bytes) -> bytes | None:
        """Return a ``Connection`` without the options that name a watched header, or None if no option is left."""
        options = _CONNECTION_OPTION.findall(connection)
        kept = [option for option in options if similar_name(option) not in self._similar]
        if len(kept) == len(options):
            return connection
        return b", ".join(kept) or None

    def objection(self, request: Request, lines: HeaderLines) -> Objection | None:
        """Return why ``lines`` may not be what a trusted proxy wrote, or None: first who speaks, then what is there."""
        if self._trust is not None:
            secret = self._secret_header
            shown = None if secret is None or secret in lines.repeated else lines.single.get(secret)
            objection = self._trust.objection(request, shown, lines.addresses)
            if objection is not None:
                return objection
        return self.ambiguity(lines)

    def ambiguity(self, lines: HeaderLines) -> Objection | None:
        """Return why it is not clear which of ``lines`` the proxy has written, or None."""
        if lines.repeated:
            return Objection("duplicate_header", f"{lines.repeated[0].decode()} is there more than once")
        if lines.nominated is not None:
            detail = f"Connection names {lines.nominated.decode()}: a proxy may have removed the true one"
            return Objection("ambiguous_header_name", detail)
        if lines.alias is not None:
            return Objection("ambiguous_header_name", f"a header's name resembles {lines.alias.decode()}")
        return None

    def _nominated(self, connection: bytes) -> bytes | None:
        """Return the watched header that ``Connection`` names, or None.

        Apache removes that header after it has set it, and passes the client's own under a similar name.
        """
        options = _CONNECTION_OPTION.findall(similar_name(connection))
        return next((self._similar[option] for option in options if option in self._similar), None)


def is_field_name(name: bytes) -> bool:
    """Return whether ``name`` is one that HTTP allows (RFC 9110, section 5.1)."""
    try:
        header_name(name.decode("latin-1"))
    except ConfigurationError:
        return False
    return True
