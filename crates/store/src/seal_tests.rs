//! Sealed values open only where they were sealed.

use super::*;

const KEYS: &str =
    "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,2:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn place() -> Place {
    Place {
        table: "token_set",
        column: "access",
        row: Uuid::from_u128(7),
        account: AccountId(1),
    }
}

#[test]
fn a_sealed_value_opens_where_it_was_sealed() {
    let sealer = Sealer::parse(KEYS).unwrap();
    let locked = sealer.seal(&place(), "a secret").unwrap();
    assert_eq!(sealer.open(&place(), 2, &locked).unwrap(), "a secret");
    assert!(!locked.windows(8).any(|w| w == b"a secret"));
}

#[test]
fn a_sealed_value_moved_anywhere_else_does_not_open() {
    let sealer = Sealer::parse(KEYS).unwrap();
    let locked = sealer.seal(&place(), "a secret").unwrap();
    let elsewhere = [
        Place {
            table: "other",
            ..place()
        },
        Place {
            column: "refresh",
            ..place()
        },
        Place {
            row: Uuid::from_u128(8),
            ..place()
        },
        Place {
            account: AccountId(2),
            ..place()
        },
    ];
    for place in elsewhere {
        assert_eq!(sealer.open(&place, 2, &locked), Err(SealError::Refused));
    }
    assert_eq!(sealer.open(&place(), 1, &locked), Err(SealError::Refused));
    assert_eq!(
        sealer.open(&place(), 9, &locked),
        Err(SealError::UnknownVersion(9))
    );
}

#[test]
fn every_flipped_byte_is_noticed() {
    let sealer = Sealer::parse(KEYS).unwrap();
    let locked = sealer.seal(&place(), "a secret").unwrap();
    for index in 0..locked.len() {
        let mut bad = locked.clone();
        bad[index] ^= 1;
        assert_eq!(
            sealer.open(&place(), 2, &bad),
            Err(SealError::Refused),
            "byte {index}"
        );
    }
}

#[test]
fn keys_that_are_not_keys_are_refused_by_number() {
    assert_eq!(Sealer::parse("").unwrap_err(), SealError::NoKeys);
    assert_eq!(Sealer::parse("1:short").unwrap_err(), SealError::BadKeys(1));
    assert_eq!(
        Sealer::parse(&format!("{KEYS},x:y")).unwrap_err(),
        SealError::BadKeys(3)
    );
}
