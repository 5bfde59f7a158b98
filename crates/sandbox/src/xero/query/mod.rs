//! Reading lists: the `where` language, order, pages and the filters beside them.

pub mod evaluate;
pub mod listing;
pub mod parse;
pub mod properties;
