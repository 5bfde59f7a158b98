//! Tests of what a message's history and headers mean.

use std::time::Duration;

use lapin::types::{AMQPValue, FieldTable};

use super::{after_panic, count, requeue_pause, texts};
use crate::Disposition;

#[test]
fn the_fifth_panic_rejects() {
    let fates: Vec<_> = (0..6).map(after_panic).collect();
    let (again, aside) = (Disposition::Requeue, Disposition::Reject);
    assert_eq!(fates, [again, again, again, again, aside, aside]);
}

#[test]
fn a_requeue_is_held_back_longer_each_time_up_to_a_limit() {
    let second = Duration::from_secs(1);
    let pauses = [0, 1, 2, 4, 5, 1_000, i64::MAX]
        .map(|failed| requeue_pause(second, 30 * second, failed).as_secs());
    assert_eq!(pauses, [1, 2, 4, 16, 30, 30, 30]);
}

#[test]
fn headers_become_text_and_tables_are_left_out() {
    let mut table = FieldTable::default();
    table.insert("traceparent".into(), AMQPValue::LongString("00-ab".into()));
    table.insert("x-delivery-count".into(), AMQPValue::LongLongInt(3));
    table.insert("flag".into(), AMQPValue::Boolean(true));
    table.insert(
        "x-death".into(),
        AMQPValue::FieldTable(FieldTable::default()),
    );
    let texts: Vec<_> = texts(&table).into_iter().collect();
    let expected = [
        ("flag", "true"),
        ("traceparent", "00-ab"),
        ("x-delivery-count", "3"),
    ];
    assert_eq!(
        texts,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(count(&table), Some(3));
    assert_eq!(count(&FieldTable::default()), None);
}
