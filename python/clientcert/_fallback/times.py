"""UTCTime and GeneralizedTime as OpenSSL's ``ASN1_TIME_print`` reads and prints them.

RFC 5280, section 4.1.2.5, has seconds, no fraction and the zone ``Z``. OpenSSL also takes times without seconds, with a
fraction of a second, and with an offset.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import NamedTuple, Self

from clientcert._fallback import der

__all__ = ["Time", "read"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FIELDS = r"(\d\d)(\d\d)(\d\d)(\d\d)"
_ZONE = r"(?:Z|([+-])(\d\d)(\d\d))"
_UTC_TIME = re.compile(rf"(\d\d){_FIELDS}(\d\d)?(){_ZONE}", re.ASCII)
_GENERALIZED_TIME = re.compile(rf"(\d{{4}}){_FIELDS}(?:(\d\d)(\.\d+)?)?{_ZONE}", re.ASCII)

_NUMBERS = {f"{number:02}": number for number in range(100)}
_PLACES = range(0, 12, 2)  # of the numbers in ``YYMMDDHHMMSSZ``, the UTCTime of RFC 5280

_DAY = 86_400  # seconds
_EPOCH = date(1970, 1, 1).toordinal()
_CYCLE = 400  # years, after which the calendar repeats
_CYCLE_DAYS = 146_097
_MOST_OFFSET_HOURS = 12  # to OpenSSL
_MOST_MINUTES = 59
_EARLIEST_MOVED = 1900  # the year; OpenSSL moves no time to one before (``OPENSSL_gmtime_adj``), nor beyond 9999


class Time(NamedTuple):
    """A moment of the proleptic Gregorian calendar, in UTC, from year 0 to 9999."""

    year: int
    month: int
    day: int
    second: int  # of the day
    fraction: str  # of a second, with its point, or nothing

    @property
    def timestamp(self) -> int:
        """Seconds since 1970 in UTC, without leap seconds and without the fraction."""
        # Python's calendar begins with year 1.
        days = date(self.year or _CYCLE, self.month, self.day).toordinal() - (0 if self.year else _CYCLE_DAYS)
        return (days - _EPOCH) * _DAY + self.second

    def __str__(self) -> str:
        """Return the time as OpenSSL prints it: ``Jan  1 00:00:00 2026 GMT``."""
        minutes, second = divmod(self.second, 60)
        hour, minute = divmod(minutes, 60)
        clock = f"{hour:02}:{minute:02}:{second:02}{self.fraction}"
        return f"{_MONTHS[self.month - 1]} {self.day:2} {clock} {self.year} GMT"

    def earlier(self, seconds: int) -> Self | None:
        """Return the time so many seconds before, or None for one that OpenSSL does not move."""
        if seconds == 0:
            return self
        days, second = divmod(self.timestamp - seconds, _DAY)
        try:
            moved = date.fromordinal(days + _EPOCH)
        except (OverflowError, ValueError):
            return None
        if moved.year < _EARLIEST_MOVED:
            return None
        return type(self)(moved.year, moved.month, moved.day, second, self.fraction)


def read(data: bytes, at: int) -> Time | None:
    """Return the Time at ``at``; None where it is no time."""
    tag, start, stop = der.read(data, at, len(data))
    text = data[start:stop].decode("latin-1")
    if tag == der.UTC_TIME and text[12:] == "Z":
        try:
            return _time(tag, [_NUMBERS[text[place : place + 2]] for place in _PLACES])
        except KeyError:  # no other UTCTime is as long
            return None
    pattern = _UTC_TIME if tag == der.UTC_TIME else _GENERALIZED_TIME
    found = pattern.fullmatch(text)
    if found is None:
        return None
    *digits, fraction, sign, offset_hours, offset_minutes = found.groups()
    moment = _time(tag, [int(field or 0) for field in digits], fraction or "")
    if sign is None or moment is None:
        return moment
    hours, minutes = int(offset_hours), int(offset_minutes)
    if hours > _MOST_OFFSET_HOURS or minutes > _MOST_MINUTES:
        return None
    ahead = hours * 3600 + minutes * 60
    return moment.earlier(-ahead if sign == "-" else ahead)


def _time(tag: int, numbers: list[int], fraction: str = "") -> Time | None:
    """Return the Time of a year, of which a UTCTime has two digits, month, day, hour, minute and second."""
    year, month, day, hour, minute, second = numbers
    if tag == der.UTC_TIME:
        year += 1900 if year >= 50 else 2000  # noqa: PLR2004 - RFC 5280, section 4.1.2.5.1
    try:
        datetime(year or _CYCLE, month, day, hour, minute, second)  # noqa: DTZ001 - checked, not used
    except ValueError:
        return None
    return Time(year, month, day, hour * 3600 + minute * 60 + second, fraction)
