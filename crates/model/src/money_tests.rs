//! Tests of the bounds of money: the wrong side of each border, and the table of currencies.

use super::*;

fn places<T>(places: u32) -> Result<T, MoneyError> {
    Err(MoneyError::TooManyPlaces {
        given: String::new(),
        places,
    })
}

fn digits<T>(digits: u32) -> Result<T, MoneyError> {
    Err(MoneyError::TooManyDigits {
        given: String::new(),
        digits,
    })
}

/// Parses, forgetting the spelling that an error repeats.
fn parsed<T: FromStr<Err = MoneyError>>(text: &str) -> Result<T, MoneyError> {
    text.parse().map_err(|error| match error {
        MoneyError::TooManyDigits { digits, .. } => MoneyError::TooManyDigits {
            given: String::new(),
            digits,
        },
        MoneyError::TooManyPlaces { places, .. } => MoneyError::TooManyPlaces {
            given: String::new(),
            places,
        },
        other @ (MoneyError::NotDecimal(_)
        | MoneyError::UnknownCurrency(_)
        | MoneyError::Inexact) => other,
    })
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

#[test]
fn an_amount_has_15_digits_and_4_places_and_no_more() {
    for inside in [
        "999999999999999",
        "-999999999999999",
        "99999999999.9999",
        "0.0001",
        "-0.0001",
    ] {
        assert_eq!(parsed::<Amount>(inside).unwrap().to_string(), inside);
    }
    assert_eq!(parsed::<Amount>("1000000000000000"), digits(15));
    assert_eq!(parsed::<Amount>("-1000000000000000"), digits(15));
    assert_eq!(parsed::<Amount>("999999999999.9999"), digits(15));
    assert_eq!(parsed::<Amount>("0.00001"), places(4));
}

#[test]
fn quantities_prices_and_rates_have_bounds_of_their_own() {
    assert!(parsed::<Quantity>("9999999.99999").is_ok());
    assert_eq!(parsed::<Quantity>("99999999.99999"), digits(12));
    assert_eq!(parsed::<Quantity>("0.000001"), places(5));

    assert!(parsed::<UnitPrice>("99999999.999999").is_ok());
    assert_eq!(parsed::<UnitPrice>("999999999.999999"), digits(14));
    assert_eq!(parsed::<UnitPrice>("0.0000001"), places(6));

    assert!(parsed::<Rate>("999999.999999").is_ok());
    assert_eq!(parsed::<Rate>("9999999.999999"), digits(12));
    assert_eq!(parsed::<Rate>("0.0000001"), places(6));
}

#[test]
fn only_plain_decimals_are_numbers() {
    for odd in [
        "", "-", ".", "-.5", ".5", "5.", "+5", "1e3", "1E3", "1,000", "1_000", " 1", "1 ", "1.2.3",
        "--1", "0x10", "NaN", "inf", "007", "-01.5", "00", "１", "1\n", "½",
    ] {
        assert_eq!(
            parsed::<Amount>(odd),
            Err(MoneyError::NotDecimal(odd.to_owned())),
            "{odd:?}"
        );
    }
    let long = format!("0.{}", "0".repeat(70));
    assert!(matches!(
        parsed::<Amount>(&long),
        Err(MoneyError::NotDecimal(_))
    ));
}

#[test]
fn a_number_has_one_spelling_whatever_zeros_it_came_with() {
    for (given, kept) in [
        ("10.50", "10.5"),
        ("10.5", "10.5"),
        ("10.00", "10"),
        ("0.000000000000000000000000000000000000", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("100", "100"),
        ("1.50000000000000000000000000000000000000", "1.5"),
    ] {
        assert_eq!(amount(given).to_string(), kept);
    }
    assert_eq!(
        Amount::new(Decimal::new(1050, 2)).unwrap().to_string(),
        "10.5"
    );
}

#[test]
fn a_decimal_outside_the_bounds_does_not_become_an_amount() {
    assert!(Amount::new(Decimal::new(1, 4)).is_ok());
    assert!(Amount::new(Decimal::new(1, 5)).is_err());
    assert!(Amount::new(Decimal::MAX).is_err());
    assert!(Quantity::new(Decimal::from(1_000_000_000_000_i64)).is_err());
}

#[test]
fn amounts_are_strings_in_json_and_numbers_are_refused() {
    assert_eq!(serde_json::to_string(&amount("12.50")).unwrap(), "\"12.5\"");
    assert_eq!(
        serde_json::from_str::<Amount>("\"12.50\"").unwrap(),
        amount("12.5")
    );
    assert!(serde_json::from_str::<Amount>("12.50").is_err());
    assert!(serde_json::from_str::<Amount>("\"1000000000000000\"").is_err());
}

#[test]
fn sums_are_exact_up_to_the_bound_and_refused_past_it() {
    let most = amount("999999999999999");
    assert_eq!(most.minus(Amount::ZERO), Ok(most));
    assert!(most.plus(amount("1")).is_err());
    assert!(amount("-999999999999999").minus(amount("1")).is_err());
    assert!(most.plus(amount("0.01")).is_err());
    assert_eq!(sum([amount("0.1"), amount("0.2")]), Ok(amount("0.3")));
    assert_eq!(sum([]), Ok(Amount::ZERO));
    assert!(sum([most, most, amount("-999999999999999")]).is_err());
}

#[test]
fn half_a_unit_goes_away_from_zero_or_to_the_even_neighbour() {
    for (value, half_up, half_even) in [
        ("0.005", "0.01", "0.00"),
        ("-0.005", "-0.01", "0.00"),
        ("0.015", "0.02", "0.02"),
        ("-0.015", "-0.02", "-0.02"),
        ("0.0149", "0.01", "0.01"),
        ("2.675", "2.68", "2.68"),
        ("2.665", "2.67", "2.66"),
    ] {
        let value: Decimal = value.parse().unwrap();
        let wanted = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(Rounding::HalfUp.apply(value, 2), wanted(half_up));
        assert_eq!(Rounding::HalfEven.apply(value, 2), wanted(half_even));
    }
}

#[test]
fn each_currency_of_the_tables_is_known_once_with_its_minor_unit() {
    let odd: Vec<_> = ODD_MINOR_UNITS.iter().map(|(code, _)| *code).collect();
    let even: Vec<_> = HUNDREDTHS.split_ascii_whitespace().collect();
    let mut all: Vec<_> = odd.iter().chain(&even).copied().collect();
    for code in &all {
        let currency: Currency = code.parse().unwrap();
        assert_eq!(currency.as_str(), *code);
        assert_eq!(currency.to_string(), *code);
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "no code stands in both tables, or twice");
}

#[test]
fn minor_units_follow_iso_4217() {
    for (code, units) in [
        ("EUR", 2),
        ("USD", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("ISK", 0),
        ("CLP", 0),
        ("KWD", 3),
        ("BHD", 3),
        ("TND", 3),
        ("CLF", 4),
        // A fifth of an ariary and of an ouguiya is written with two places in ISO 4217.
        ("MGA", 2),
        ("MRU", 2),
        // No paper smaller than one, yet two places in ISO 4217.
        ("HUF", 2),
        ("TWD", 2),
        ("IDR", 2),
    ] {
        assert_eq!(code.parse::<Currency>().unwrap().minor_units(), units);
    }
}

#[test]
fn what_is_no_currency_in_use_is_refused() {
    for odd in [
        "",
        "EU",
        "EURO",
        "eur",
        "Eur",
        "E R",
        "EÜ",
        "XXX",
        "XTS",
        "XAU",
        "HRK",
        "DEM",
        "ZZZ",
        " EUR",
        "EUR ",
        "€",
        "₿₿₿",
    ] {
        assert_eq!(
            odd.parse::<Currency>(),
            Err(MoneyError::UnknownCurrency(odd.to_owned())),
            "{odd:?}"
        );
    }
    assert!(serde_json::from_str::<Currency>("\"eur\"").is_err());
    assert!(serde_json::from_str::<Currency>("978").is_err());
}
