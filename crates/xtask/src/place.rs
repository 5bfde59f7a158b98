//! Where things are: the work tree, the ignored local folder, programs on this machine.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Failure, Result};

/// The work tree and its ignored local folder.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) root: PathBuf,
}

impl Place {
    /// Asks cargo, so that the answer is right from any sub-folder.
    pub(crate) fn find() -> Result<Self> {
        let output = Command::new(cargo())
            .args(["locate-project", "--workspace", "--message-format", "plain"])
            .output()
            .context(|| "cannot run cargo".to_owned())?;
        if !output.status.success() {
            return Err(Failure::new("not inside the workspace"));
        }
        let manifest = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        let root = manifest
            .parent()
            .context(|| "the workspace has no folder".to_owned())?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    /// The ignored folder for everything a run leaves behind.
    pub(crate) fn local(&self) -> PathBuf {
        self.root.join(".local")
    }

    pub(crate) fn target(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR").map_or_else(
            || self.root.join("target"),
            |folder| self.root.join(PathBuf::from(folder)),
        )
    }
}

/// The cargo that started us, or the one on the path.
pub(crate) fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// The full path of a program on `PATH`.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|candidate| is_executable(candidate))
}

/// Whether `path` is a file that somebody may run.
pub(crate) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
