//! Prints an error with everything behind it, once.

use std::error::Error;

/// The error and all its sources, outermost first, joined by `: `.
///
/// A source that its parent's text already ends with is not repeated: many
/// libraries include the source in their own message.
pub fn chain(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !told.ends_with(&text) {
            told.push_str(": ");
            told.push_str(&text);
        }
        source = cause.source();
    }
    told
}

#[cfg(test)]
#[path = "error_chain_tests.rs"]
mod tests;
