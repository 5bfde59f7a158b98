//! The provider kit's conformance suite, run for Xero; and what each setting does to a plan.

#[cfg(test)]
#[path = "conformance/books.rs"]
mod books;
#[cfg(test)]
#[path = "conformance/settings.rs"]
mod settings;

provider_kit::conformance_tests!(crate::books::Books);
