//! Tests of the relay's pace.

use super::*;

fn relayed(taken: usize, published: usize) -> Relayed {
    Relayed {
        taken,
        published,
        trouble: None,
    }
}

#[test]
fn a_full_batch_is_followed_at_once_and_an_empty_outbox_is_looked_at_soon() {
    assert_eq!(next(BATCH, &relayed(500, 500)), (BATCH, Duration::ZERO));
    assert_eq!(next(BATCH, &relayed(499, 499)), (BATCH, IDLE));
    assert_eq!(next(BATCH, &relayed(0, 0)), (BATCH, IDLE));
}

#[test]
fn rows_that_cannot_be_published_are_looked_past_and_not_tried_in_a_rush() {
    let stuck = relayed(500, 0);
    assert_eq!(next(BATCH, &stuck), (1_000, AFTER_FAILURE));
    assert_eq!(next(1_000, &relayed(800, 300)), (1_000, AFTER_FAILURE));
    assert_eq!(next(MOST, &relayed(8_000, 7_000)), (MOST, AFTER_FAILURE));
    assert_eq!(next(MOST, &relayed(20, 20)), (BATCH, IDLE));
}
