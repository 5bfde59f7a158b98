//! The table of seeded bugs: `tests/seeded/bugs.toml`, whose head explains the format.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::failure::{Context, Failure, Result};

/// One mistake somebody could make, and the test that must notice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bug {
    pub(super) name: String,
    pub(super) test: String,
    pub(super) edits: Vec<Edit>,
}

/// One replacement of a text that occurs exactly once in a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    pub(super) file: String,
    pub(super) find: String,
    pub(super) replace: String,
}

impl Edit {
    /// The text with the bug in it.
    pub(super) fn apply(&self, text: &str) -> Result<String> {
        match text.matches(&self.find).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            count => Err(Failure::new(format!(
                "the text to replace occurs {count} times in {}",
                self.file
            ))),
        }
    }

    /// Whether the edit may change a checked query or what it is checked against.
    pub(super) fn is_sql(&self) -> bool {
        ["crates/store/", "migrations/"]
            .iter()
            .any(|folder| self.file.starts_with(folder))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    bug: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    /// For the reader of the table.
    #[serde(rename = "why")]
    _why: String,
    test: String,
    file: Option<String>,
    find: Option<String>,
    replace: Option<String>,
    #[serde(default)]
    edit: Vec<Edit>,
}

impl Row {
    fn into_bug(self) -> Result<Bug> {
        let edits = match (self.file, self.find, self.replace) {
            (Some(file), Some(find), Some(replace)) if self.edit.is_empty() => vec![Edit {
                file,
                find,
                replace,
            }],
            (None, None, None) if !self.edit.is_empty() => self.edit,
            _ => {
                return Err(Failure::new(format!(
                    "{}: give file, find and replace, or a list of edits",
                    self.name
                )));
            }
        };
        Ok(Bug {
            name: self.name,
            test: self.test,
            edits,
        })
    }
}

/// Reads the table.
pub(super) fn read(path: &Path) -> Result<Vec<Bug>> {
    let text = fs::read_to_string(path).context(|| format!("cannot read {}", path.display()))?;
    parse(&text).context(|| path.display().to_string())
}

fn parse(text: &str) -> Result<Vec<Bug>> {
    let table: Table = toml::from_str(text)?;
    table.bug.into_iter().map(Row::into_bug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[[bug]]\nname = \"b\"\nwhy = \"w\"\ntest = \"m::t\"\n";

    #[test]
    fn a_bug_has_one_edit_in_line_or_a_list() {
        let one = parse(&format!(
            "{HEAD}file = \"a\"\nfind = \"x\"\nreplace = \"y\"\n"
        ))
        .unwrap();
        let listed = "[[bug.edit]]\nfile = \"a\"\nfind = \"x\"\nreplace = \"y\"\n";
        let list = parse(&format!("{HEAD}{listed}")).unwrap();
        assert_eq!(one, list);
        let many = parse(&format!("{HEAD}{listed}{listed}")).unwrap();
        assert_eq!(many[0].edits.len(), 2);
    }

    #[test]
    fn a_bug_without_an_edit_or_with_half_of_one_is_refused() {
        assert!(parse(HEAD).is_err());
        assert!(parse(&format!("{HEAD}file = \"a\"\n")).is_err());
        assert!(parse(&format!("{HEAD}typo = \"a\"\n")).is_err());
    }

    #[test]
    fn a_table_without_bugs_is_empty() {
        assert_eq!(parse("# only words\n").unwrap(), []);
    }

    #[test]
    fn a_text_that_occurs_twice_is_refused() {
        let edit = Edit {
            file: "a".to_owned(),
            find: "x".to_owned(),
            replace: "y".to_owned(),
        };
        assert_eq!(edit.apply("axb").unwrap(), "ayb");
        assert!(edit.apply("xx").is_err());
        assert!(edit.apply("ab").is_err());
    }
}
