use super::{Time, Zone};

fn at(seconds: i64, zone: &str) -> Time {
    Time::from_unix(seconds, Zone::load(zone).expect(zone))
}

fn parse(layout: &str, value: &str) -> Result<String, String> {
    super::parse::parse(layout, value.as_bytes(), &Zone::Utc)
        .map(|time| time.to_go_string())
        .map_err(|error| error.to_string())
}

/// Every element of a layout, for one instant in two zones.
#[test]
fn layout_elements() {
    let utc = at(1_700_000_000, "UTC"); // 2023-11-14 22:13:20
    for (layout, text) in [
        ("2006-01-02T15:04:05Z07:00", "2023-11-14T22:13:20Z"),
        ("Mon Jan _2 15:04:05 MST 2006", "Tue Nov 14 22:13:20 UTC 2023"),
        ("Monday, 02-January-06 3:4:5PM", "Tuesday, 14-November-23 10:13:20PM"),
        ("1/2 03pm __2 002 .000 ,999", "11/14 10pm 318 318 .000 "),
        ("-0700 -07:00 -07 -070000 Z0700", "+0000 +00:00 +00 +000000 Z"),
        ("Janet Month _2006 2", "Janet Month _2023 14"),
    ] {
        assert_eq!(utc.format(layout), text, "{layout}");
    }
    let delhi = at(1_700_000_000, "Asia/Kolkata");
    assert_eq!(delhi.format("15:04 -07:00 MST Z0700"), "03:43 +05:30 IST +0530");
    let lima = at(1_700_000_000, "America/Lima");
    assert_eq!(lima.format("15:04 MST Z07:00"), "17:13 -05 -05:00");
}

/// Years far from ours keep their arithmetic.
#[test]
fn distant_years() {
    assert_eq!(Time::zero().to_go_string(), "0001-01-01 00:00:00 +0000 UTC");
    assert_eq!(at(-62_167_219_201, "UTC").format("2006-01-02"), "-0001-12-31");
    assert_eq!(at(1 << 60, "UTC").format("2006"), "36534630048");
    assert_eq!(at(951_782_400, "UTC").format("2006-01-02 Mon"), "2000-02-29 Tue");
    let _ = at(i64::MAX, "Asia/Tokyo").format("2006-01-02T15:04:05Z07:00 002 Monday");
    let _ = at(i64::MIN, "Asia/Tokyo").format("2006-01-02T15:04:05Z07:00 002 Monday");
}

/// Texts that follow their layout.
#[test]
fn reading() {
    for (layout, value, time) in [
        ("2006-01-02", "2017-12-31", "2017-12-31 00:00:00 +0000 UTC"),
        ("2006-01-02 15:04:05", "2017-12-31 01:02:03.25", "2017-12-31 01:02:03.25 +0000 UTC"),
        (
            "2006-01-02T15:04:05Z07:00",
            "2017-12-31T01:02:03+02:00",
            "2017-12-31 01:02:03 +0200 +0200",
        ),
        ("Jan 2 06 3:04PM MST", "dec 5 17 12:30AM CEST", "2017-12-05 00:30:00 +0000 CEST"),
        ("2006-002", "2020-366", "2020-12-31 00:00:00 +0000 UTC"),
        ("15:04", "23:59", "0000-01-01 23:59:00 +0000 UTC"),
        ("MST", "GMT-5", "-0001-12-31 19:00:00 -0500 GMT-5"),
    ] {
        assert_eq!(parse(layout, value).as_deref(), Ok(time), "{layout} {value}");
    }
}

/// Texts that do not, in Go's words.
#[test]
fn refusals() {
    for (layout, value, error) in [
        (
            "2006-01-02",
            "31/12/2017",
            "parsing time \"31/12/2017\" as \"2006-01-02\": cannot parse \"31/12/2017\" as \"2006\"",
        ),
        ("2006-01-02", "2017-13-01", "parsing time \"2017-13-01\": month out of range"),
        ("2006-01-02", "2017-02-30", "parsing time \"2017-02-30\": day out of range"),
        ("2006-01-02", "2017-01-01x", "parsing time \"2017-01-01x\": extra text: \"x\""),
        (
            "2006-01-02",
            "2017-1-01",
            "parsing time \"2017-1-01\" as \"2006-01-02\": cannot parse \"1-01\" as \"01\"",
        ),
        (
            "2006-01-02",
            "2017_01",
            "parsing time \"2017_01\" as \"2006-01-02\": cannot parse \"_01\" as \"-\"",
        ),
        (
            "2006",
            "é",
            "parsing time \"\\xc3\\xa9\" as \"2006\": cannot parse \"\\xc3\\xa9\" as \"2006\"",
        ),
        ("15", "25", "parsing time \"25\": hour out of range"),
        ("Jan", "Foo", "parsing time \"Foo\" as \"Jan\": cannot parse \"Foo\" as \"Jan\""),
    ] {
        assert_eq!(parse(layout, value).unwrap_err(), error);
    }
}

/// Zone names are exact; nothing else is found.
#[test]
fn zones() {
    assert!(Zone::load("Europe/Berlin").is_some());
    assert!(Zone::load("europe/berlin").is_none());
    assert!(Zone::load("Mars/Olympus").is_none());
    assert!(Zone::load("../etc/passwd").is_none());
}
