//! What the service finds wrong with one element.

/// The messages for one element, in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaints(Vec<String>);

/// A result of looking at one element.
pub type Verdict<T> = Result<T, Complaints>;

impl Complaints {
    /// One message.
    pub fn one(message: impl Into<String>) -> Self {
        Self(vec![message.into()])
    }

    /// Adds a message, once.
    pub fn add(&mut self, message: impl Into<String>) {
        let message = message.into();
        if !self.0.contains(&message) {
            self.0.push(message);
        }
    }

    /// Adds another element's messages, as those of a nested object are added to its holder's.
    pub fn add_all(&mut self, other: Self) {
        for message in other.0 {
            self.add(message);
        }
    }

    /// Fails when there is any message.
    pub fn settle(self) -> Verdict<()> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The messages.
    pub fn messages(&self) -> &[String] {
        &self.0
    }
}
