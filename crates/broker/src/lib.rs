//! All AMQP of Tieout: the topology, confirmed publishing, supervised consuming.
//!
//! Nobody else names the client library. Publishing and consuming use a connection each: a
//! broker under a disk or memory alarm stops reading from connections that publish, and acks
//! must get through all the same.
//!
//! ```text
//!            +------------------- supervise: one per role -------------------+
//!            |  connect -> declare -> serve ... trouble -> backoff 0.2-5 s   |
//!  publish ->|  Publisher:  bounded window of publishes in flight, confirms  |
//!  handler <-|  Subscriber: prefetch bounds handlers, ack on the own channel |
//!            +---------------------------------------------------------------+
//! ```
//!
//! The client library's own recovery stays off. Every step has a deadline; heartbeats and a
//! watchdog notice a broker that is frozen; on trouble everything is rebuilt, with health not
//! ready and a reason. After a minute without a session `fatal()` resolves, so that the process
//! can exit and say so.
//!
//! Deliberately absent: retries of messages, delays and de-duplication. They are rows.

mod backoff;
mod fault;
mod instant;
mod link;
mod meters;
mod publisher;
mod subscriber;
mod supervise;
pub mod topology;
mod vitals;
mod watch;

pub use link::InvalidAddress;
pub use publisher::{Message, PublishError, Publisher, PublisherOptions};
pub use subscriber::{Delivery, Disposition, Drained, QueueSpec, Subscriber, SubscriberOptions};
pub use topology::{Exchange, Queue, QueueKind, Topology};
