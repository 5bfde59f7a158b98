//! The test harness: databases, vhosts, processes and sandboxes for the integration tests.
