//! `UTCTime` and `GeneralizedTime` (RFC 5280, section 4.1.2.5).

use crate::der::tag;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment of the proleptic Gregorian calendar, in UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
}

impl Time {
    /// Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, by the tag.
    pub(super) fn read(tag: u8, content: &[u8]) -> Option<Self> {
        let (year, rest) = if tag == tag::UTC_TIME {
            let (digits, rest) = content.split_first_chunk::<2>()?;
            // RFC 5280, section 4.1.2.5.1: 50 to 99 are of the twentieth century.
            let year = number(digits)?;
            (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
        } else {
            let (digits, rest) = content.split_first_chunk::<4>()?;
            (number(digits)?, rest)
        };
        let (fields, b"Z") = rest.split_first_chunk::<10>()? else {
            return None;
        };
        let (fields, _) = fields.as_chunks::<2>();
        let &[month, day, hour, minute, second] = fields else {
            return None;
        };
        let time = Self {
            year,
            month: number(&month)?,
            day: number(&day)?,
            hour: number(&hour)?,
            minute: number(&minute)?,
            second: number(&second)?,
        };
        time.is_valid().then_some(time)
    }

    fn is_valid(self) -> bool {
        let leap = self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let days = match self.month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        self.year >= 1 && (1..=days).contains(&self.day) && self.hour < 24 && self.minute < 60 && self.second < 60
    }

    /// Seconds since 1970 in UTC, without leap seconds.
    pub(super) fn timestamp(self) -> i64 {
        // Days since 0000-03-01, with the leap day at the end of the year.
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let month = i64::from((self.month + 9) % 12);
        let day_of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
        days * 86_400 + i64::from(self.hour * 3600 + self.minute * 60 + self.second)
    }

    /// The time as OpenSSL's `ASN1_TIME_print` has it: `Jan  1 00:00:00 2026 GMT`.
    pub(super) fn print(self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        let month = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default();
        format!("{month} {day:2} {hour:02}:{minute:02}:{second:02} {year} GMT")
    }
}

/// The value of a few decimal digits.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
}
