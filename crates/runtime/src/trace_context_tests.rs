//! Tests of reading and writing `traceparent`.

use super::TraceContext;

const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_header_survives_reading_and_writing() {
    let context = TraceContext::from_traceparent(SAMPLE).unwrap();
    assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(context.traceparent(), SAMPLE);

    let unsampled = SAMPLE.replace("-01", "-00");
    let context = TraceContext::from_traceparent(&unsampled).unwrap();
    assert_eq!(context.traceparent(), unsampled);
}

#[test]
fn a_new_trace_is_valid_and_its_child_stays_in_it() {
    let context = TraceContext::new();
    assert_eq!(
        TraceContext::from_traceparent(&context.traceparent()),
        Some(context.clone())
    );

    let child = context.child();
    assert_eq!(child.trace_id(), context.trace_id());
    assert_ne!(child.traceparent(), context.traceparent());
    assert_ne!(TraceContext::new().trace_id(), context.trace_id());
}

#[test]
fn a_later_version_may_carry_more() {
    let later = format!("{}-more", SAMPLE.replacen("00", "01", 1));
    assert_eq!(
        TraceContext::from_traceparent(&later)
            .unwrap()
            .traceparent(),
        SAMPLE
    );
}

#[test]
fn malformed_headers_are_refused() {
    let malformed = [
        String::new(),
        "00".to_owned(),
        SAMPLE.to_uppercase(),
        SAMPLE.replacen("00", "ff", 1),
        SAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
        SAMPLE.replace("00f067aa0ba902b7", &"0".repeat(16)),
        SAMPLE.replace("-01", "-zz"),
        SAMPLE.replace('-', "_"),
        format!("{SAMPLE}-more"),
        SAMPLE.replacen("00-4b", "01-4b", 1) + "x",
        "é".repeat(30),
    ];
    for header in malformed {
        assert_eq!(TraceContext::from_traceparent(&header), None, "{header}");
    }
}
