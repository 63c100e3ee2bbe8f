//! Where a share group begins: `earliest`, `latest`, or `by_duration:` and how long ago, as Java's durations are written (ISO
//! 8601: `PT1H30M`, `P2DT0.5S`).

const NANOS: i128 = 1_000_000_000;

/// Whether it can be the value of `share.auto.offset.reset`.
pub(super) fn is_reset(value: &str) -> bool {
    match value.strip_prefix("by_duration:") {
        // As many seconds as Java counts.
        Some(duration) => {
            nanos(duration).is_some_and(|nanos| nanos >= 0 && nanos / NANOS <= i128::from(i64::MAX))
        }
        None => matches!(value, "earliest" | "latest"),
    }
}

/// How long a duration is; each of its parts may have a sign of its own.
fn nanos(duration: &str) -> Option<i128> {
    let text = duration.to_ascii_uppercase();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let parts = unsigned.strip_prefix('P')?;
    let (date, mut time) = match parts.split_once('T') {
        Some((_, "")) => return None,
        Some(both) => both,
        None if parts.is_empty() => return None,
        None => (parts, ""),
    };
    let mut seconds = match date.strip_suffix('D') {
        Some(days) => whole(days)? * 86_400,
        None if date.is_empty() => 0,
        None => return None,
    };
    for (unit, length) in [('H', 3_600), ('M', 60)] {
        if let Some((number, behind)) = time.split_once(unit) {
            seconds += whole(number)? * length;
            time = behind;
        }
    }
    let mut fraction = 0;
    if let Some(number) = time.strip_suffix('S') {
        let (number, digits) = number.split_once(['.', ',']).unwrap_or((number, ""));
        seconds += whole(number)?;
        if digits.len() > 9 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        fraction = whole(&format!("{digits:0<9}"))?;
        if number.starts_with('-') {
            fraction = -fraction;
        }
    } else if !time.is_empty() {
        return None;
    }
    let sum = seconds * NANOS + fraction;
    Some(if text.starts_with('-') { -sum } else { sum })
}

fn whole(number: &str) -> Option<i128> {
    number.parse::<i64>().ok().map(i128::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apache_kafka_takes_is_taken_and_nothing_else() {
        for duration in [
            "PT0S",
            "P1D",
            "P1DT2H3M4.5S",
            "pt1h",
            "PT2H-30M",
            "+PT1H",
            "-PT-1H",
            "PT5.S",
            "PT1,5S",
            "PT+1H",
            "P-1DT25H",
            "PT0.000000001S",
            "PT9223372036854775807S",
        ] {
            assert!(is_reset(&format!("by_duration:{duration}")), "{duration}");
        }
        for duration in [
            "",
            "P",
            "PT",
            "P1DT",
            "P1W",
            "PT-1H",
            "-PT1H",
            " PT1H",
            "PT1M1H",
            "PT.5S",
            "PT1.5H",
            "PT-0.5S",
            "PT0.0000000001S",
            "PT99999999999999999999S",
            "PT9223372036854775807M",
        ] {
            assert!(!is_reset(&format!("by_duration:{duration}")), "{duration}");
        }
        for other in ["", "LATEST", "none", "BY_DURATION:PT1H", "PT1H"] {
            assert!(!is_reset(other), "{other}");
        }
        assert!(is_reset("earliest") && is_reset("latest"));
    }
}
