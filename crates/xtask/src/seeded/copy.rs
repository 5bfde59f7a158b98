//! Copies the work tree, writing only what differs, so that cargo builds only what differs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Failure, Result};

/// Makes `to` hold what `from` holds, ignored files aside, and returns how many files it wrote.
///
/// Contents decide and not times: a file that once had a bug in it is newer here than in the work tree,
/// and giving it back its old time would make cargo take the build with the bug for fresh.
pub(super) fn synchronise(from: &Path, to: &Path) -> Result<usize> {
    let wanted = tracked(from)?;
    fs::create_dir_all(to)?;
    // The tests ask git for the files of the work tree, so the copy is one.
    if !to.join(".git").exists() {
        let status = Command::new("git").args(["init", "-q"]).arg(to).status()?;
        if !status.success() {
            return Err(Failure::new("git init failed in the copy"));
        }
    }
    for stale in present(to)?.difference(&wanted) {
        fs::remove_file(to.join(stale))?;
    }
    let mut written = 0;
    for name in &wanted {
        let bytes =
            fs::read(from.join(name)).context(|| format!("cannot read {}", name.display()))?;
        let copy = to.join(name);
        if fs::read(&copy).is_ok_and(|old| old == bytes) {
            continue;
        }
        if let Some(folder) = copy.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&copy, bytes)?;
        let permissions = fs::metadata(from.join(name))?.permissions();
        fs::set_permissions(&copy, permissions)?;
        written += 1;
    }
    Ok(written)
}

/// Tracked and new files that exist, by their path below `root`.
fn tracked(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context(|| "cannot run git".to_owned())?;
    if !output.status.success() {
        return Err(Failure::new("git cannot list the files of the work tree"));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|name| root.join(name).is_file())
        .collect())
}

/// Every file in the copy, git's own aside.
fn present(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path == root.join(".git") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root)?.to_path_buf());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_written_and_what_is_gone_goes() {
        let base = std::env::temp_dir().join(format!("xtask-copy-{}", std::process::id()));
        let (from, to) = (base.join("from"), base.join("to"));
        fs::create_dir_all(from.join("sub")).unwrap();
        let initialised = Command::new("git").args(["init", "-q"]).arg(&from).status();
        assert!(initialised.unwrap().success());
        fs::write(from.join("a.rs"), "a").unwrap();
        fs::write(from.join("sub/b.rs"), "b").unwrap();
        fs::write(from.join(".gitignore"), "/target\n").unwrap();
        fs::create_dir(from.join("target")).unwrap();
        fs::write(from.join("target/x"), "x").unwrap();

        assert_eq!(synchronise(&from, &to).unwrap(), 3);
        assert!(!to.join("target").exists());
        assert_eq!(synchronise(&from, &to).unwrap(), 0);

        // A bug left behind by a killed run.
        fs::write(to.join("a.rs"), "bug").unwrap();
        fs::remove_file(from.join("sub/b.rs")).unwrap();
        assert_eq!(synchronise(&from, &to).unwrap(), 1);
        assert_eq!(fs::read_to_string(to.join("a.rs")).unwrap(), "a");
        assert!(!to.join("sub/b.rs").exists());
        fs::remove_dir_all(base).unwrap();
    }
}
