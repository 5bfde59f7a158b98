//! Marks are read back, cut ones are not, and none is longer than a contact number.

use super::*;

fn marker(installation: &str, bits: u128, generation: i32) -> Marker {
    Marker {
        installation: installation.to_owned(),
        effect: effect(bits).unwrap(),
        generation,
    }
}

#[test]
fn a_mark_is_read_back_from_among_other_words() {
    for bits in [0, 1, u128::MAX, 0x0197_f3a0_0000_7000_8000_0000_0000_1000] {
        for (name, generation) in [("acme", 1), ("abcdefgh12345678", 999)] {
            let own = marker(name, bits, generation);
            let mark = of(&own);
            assert!(mark.len() <= 50, "{mark} does not fit a contact number");
            assert_eq!(all(&mark), std::slice::from_ref(&own));
            assert_eq!(
                all(&format!("tie tie1- {mark}{mark} x")),
                [own.clone(), own]
            );
        }
    }
}

#[test]
fn a_cut_or_changed_mark_is_none() {
    let mark = of(&marker("acme", 7, 12));
    for length in 0..mark.len() {
        assert_eq!(all(&mark[..length]), [], "{length}");
    }
    for odd in [
        mark.replace("tie12", "tie012"),
        mark.replace("tie12", "tie1234"),
        mark.replace("acme", "Acme"),
        mark.replace("acme", ""),
        // More than 128 bits.
        format!("tie1-acme-{}", "z".repeat(26)),
    ] {
        assert_eq!(all(&odd), [], "{odd}");
    }
}

#[test]
fn people_cannot_write_a_mark_and_their_words_stay() {
    let mark = of(&marker("acme", 7, 1));
    assert_eq!(all(&disarmed(&mark)), []);
    assert_eq!(
        all(&disarmed(&format!("ti{mark}e1-acme-{}", &mark[10..]))),
        []
    );
    assert_eq!(disarmed("a tied tie"), "a tied tie");
    assert_eq!(without(&format!("PO 7 {mark}")).trim(), "PO 7");
}
