//! What the log says of each document: one line per outcome, with the trace of the event that asked.

use runtime::TraceContext;
use store::claim::Claimed;
use store::record::{Element, Next};
use tracing::Span;
use tracing::field::Empty;

/// The span of one call; it has the trace of the event that asked, where one event alone asked.
pub(crate) fn span(members: &[&Claimed]) -> Span {
    let span = tracing::info_span!("job.process", trace.id = Empty);
    if let [first, rest @ ..] = members
        && rest.iter().all(|other| other.trace == first.trace)
        && let Some(trace) = first
            .trace
            .as_deref()
            .and_then(TraceContext::from_traceparent)
    {
        span.record("trace.id", trace.trace_id());
    }
    span
}

/// One line per document and outcome, with the trace of the event that asked.
pub(crate) fn tell(element: &Element) {
    let item = &element.item;
    let trace = item
        .trace
        .as_deref()
        .and_then(TraceContext::from_traceparent);
    let trace_id = trace.as_ref().map_or("", TraceContext::trace_id);
    let (kind, id) = (item.kind.as_str(), item.source_id.as_str());
    let operation = element.operation.as_str();
    match &item.next {
        Next::Finished { .. } | Next::More => tracing::info!(
            trace.id = trace_id,
            document.kind = kind,
            document.id = id,
            job.attempt = item.attempts,
            "{operation} of {kind} {id} is recorded"
        ),
        Next::Verify { reason, .. } => tracing::warn!(
            trace.id = trace_id,
            document.kind = kind,
            document.id = id,
            job.attempt = item.attempts,
            "{operation} of {kind} {id} is being looked up: {reason}"
        ),
        Next::Later { failure, .. }
        | Next::LookFirst(failure)
        | Next::Park { failure, .. }
        | Next::GiveUp { failure, .. } => {
            tracing::warn!(
                trace.id = trace_id,
                document.kind = kind,
                document.id = id,
                job.attempt = item.attempts,
                failure.kind = failure.kind.as_str(),
                failure.code = failure.code,
                "{operation} of {kind} {id} did not succeed: {}",
                failure.message
            );
        }
    }
}
