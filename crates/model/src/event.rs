//! Events in: from CloudEvents JSON to checked documents.
