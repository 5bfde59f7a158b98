//! The query language: `SELECT … FROM … WHERE … ORDERBY … STARTPOSITION … MAXRESULTS …`.

mod evaluate;
mod parse;
mod properties;

pub use evaluate::{instant, run};
