//! `UTCTime` and `GeneralizedTime` as OpenSSL's `ASN1_TIME_print` reads and prints them.
//!
//! RFC 5280, section 4.1.2.5, has seconds, no fraction and the zone `Z`. OpenSSL also takes times without
//! seconds, with a fraction of a second, and with an offset.

use std::fmt::Write as _;

use crate::der::tag;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Days from 0000-03-01 to 1970-01-01 of the proleptic Gregorian calendar.
const EPOCH: i64 = 719_468;
/// Days in 400 years.
const CYCLE: i64 = 146_097;
/// Seconds in a day.
const DAY: i64 = 86_400;

/// A moment of the proleptic Gregorian calendar, in UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time<'a> {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    /// The fraction of a second, with its point, or nothing.
    fraction: &'a [u8],
}

impl<'a> Time<'a> {
    /// Reads `YYMMDDhhmm[ss]` or `YYYYMMDDhhmm[ss[.f…]]`, by the tag, and `Z` or `±hhmm`.
    pub(super) fn read(tag: u8, content: &'a [u8]) -> Option<Self> {
        let (year, rest) = if tag == tag::UTC_TIME {
            let (year, rest) = pair(content)?;
            // RFC 5280, section 4.1.2.5.1: 50 to 99 are of the twentieth century.
            (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
        } else {
            let (century, rest) = pair(content)?;
            let (year, rest) = pair(rest)?;
            (100 * century + year, rest)
        };
        let (month, rest) = pair(rest)?;
        let (day, rest) = pair(rest)?;
        let (hour, rest) = pair(rest)?;
        let (minute, rest) = pair(rest)?;
        let mut time = Self { year, month, day, hour, minute, second: 0, fraction: &[] };
        let mut zone = rest;
        if !matches!(rest, [b'Z' | b'+' | b'-', ..]) {
            (time.second, zone) = pair(rest)?;
            if let (tag::GENERALIZED_TIME, [b'.', digits @ ..]) = (tag, zone) {
                let length = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
                if length == 0 {
                    return None;
                }
                (time.fraction, zone) = zone.split_at_checked(1 + length)?;
            }
        }
        if !time.is_valid() {
            return None;
        }
        match zone {
            b"Z" => Some(time),
            [b'+', offset @ ..] => time.earlier(offset_seconds(offset)?),
            [b'-', offset @ ..] => time.earlier(-offset_seconds(offset)?),
            _ => None,
        }
    }

    fn is_valid(self) -> bool {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days = match self.month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        (1..=days).contains(&self.day) && self.hour < 24 && self.minute < 60 && self.second < 60
    }

    /// The time so many seconds before; OpenSSL moves none out of the years 1900 to 9999 (`OPENSSL_gmtime_adj`).
    fn earlier(self, seconds: i64) -> Option<Self> {
        if seconds == 0 {
            return Some(self);
        }
        let time = Self { fraction: self.fraction, ..Self::from_timestamp(self.timestamp() - seconds) };
        (1900..=9999).contains(&time.year).then_some(time)
    }

    /// Seconds since 1970 in UTC, without leap seconds and without the fraction.
    pub(super) fn timestamp(self) -> i64 {
        // Days since 0000-03-01, with the leap day at the end of the year.
        let year = self.year - i64::from(self.month <= 2);
        let month = (self.month + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + self.day - 1;
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = 365 * year + leap_days + day_of_year - EPOCH;
        days * DAY + self.hour * 3600 + self.minute * 60 + self.second
    }

    fn from_timestamp(timestamp: i64) -> Self {
        let days = timestamp.div_euclid(DAY) + EPOCH;
        let second = timestamp.rem_euclid(DAY);
        let of_cycle = days.rem_euclid(CYCLE);
        let year_of_cycle = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
        let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let month = (5 * of_year + 2) / 153;
        Self {
            year: year_of_cycle + 400 * days.div_euclid(CYCLE) + i64::from(month >= 10),
            month: (month + 2) % 12 + 1,
            day: of_year - (153 * month + 2) / 5 + 1,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            fraction: &[],
        }
    }

    /// The time as OpenSSL prints it: `Jan  1 00:00:00 2026 GMT`.
    pub(super) fn print(self) -> String {
        let Self { year, month, day, hour, minute, second, fraction } = self;
        let month = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default();
        let mut text = String::with_capacity(24 + fraction.len());
        text.push_str(month);
        text.push(' ');
        text.push(if day < 10 { ' ' } else { digit(day / 10) });
        text.push(digit(day));
        for (separator, number) in [(' ', hour), (':', minute), (':', second)] {
            text.extend([separator, digit(number / 10), digit(number)]);
        }
        text.push_str(&String::from_utf8_lossy(fraction));
        // `{year}` would take as long as all the rest: the years that end a certificate's life have four digits.
        match year {
            1000..=9999 => text.extend([' ', digit(year / 1000), digit(year / 100), digit(year / 10), digit(year)]),
            _ => drop(write!(text, " {year}")),
        }
        text.push_str(" GMT");
        text
    }
}

/// The last digit of a number.
fn digit(number: i64) -> char {
    u8::try_from(number % 10).map_or('0', |digit| char::from(b'0' + digit))
}

/// The value of the two digits that `text` begins with, and what follows them.
fn pair(text: &[u8]) -> Option<(i64, &[u8])> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => {
            Some((i64::from(10 * (tens - b'0') + ones - b'0'), rest))
        }
        _ => None,
    }
}

/// The seconds in `hhmm`; OpenSSL has at most twelve hours and 59 minutes.
fn offset_seconds(offset: &[u8]) -> Option<i64> {
    let (hours, rest) = pair(offset)?;
    let (minutes, rest) = pair(rest)?;
    (hours <= 12 && minutes < 60 && rest.is_empty()).then_some(hours * 3600 + minutes * 60)
}
