//! Missing packages: installed when we may, named exactly when we may not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::place::{self, Place};
use crate::terminal::announce;

/// Debian's own switch against services that start by being installed.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Whether packages can be installed here.
pub(crate) fn is_possible() -> bool {
    place::is_root() && place::program("apt-get").is_some()
}

/// Installs `packages` with apt when root, else fails with the exact command.
pub(crate) fn packages(place: &Place, packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let apt = place::program("apt-get").filter(|_| place::is_root());
    let Some(apt) = apt else {
        return Err(Failure::new(format!(
            "missing on this machine: {names}\n\
             install them with: sudo apt-get install -y {names}\n\
             or start both servers with `docker compose up -d postgres rabbitmq` and set\n\
             DATABASE_URL=postgres://tieout:tieout@127.0.0.1:5432/tieout and\n\
             AMQP_URL=amqp://guest:guest@127.0.0.1:5672/%2f"
        )));
    };
    announce(format!(
        "installing {names} (without starting the system's services)"
    ));
    let policy = Policy::set()?;
    let archives = place.local().join("apt");
    fs::create_dir_all(archives.join("partial"))?;
    let outcome = install(&apt, &archives, packages).or_else(|_| {
        run(Command::new(&apt).args(["update", "-q"]))?;
        install(&apt, &archives, packages)
    });
    drop(policy);
    let _ = fs::remove_dir_all(archives);
    outcome
}

fn install(apt: &Path, archives: &Path, packages: &[&str]) -> Result<()> {
    // Some images delete downloaded packages after every step of dpkg, so ours lie elsewhere.
    let archives = format!("Dir::Cache::Archives={}", archives.display());
    run(Command::new(apt)
        .args([
            "install",
            "-y",
            "-q",
            "--no-install-recommends",
            "-o",
            &archives,
        ])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive"))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .context(|| "cannot run apt-get".to_owned())?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("apt-get failed ({status})")))
}

/// The policy in force while this value lives; one that was there before stays as it is.
struct Policy {
    is_ours: bool,
}

impl Policy {
    fn set() -> Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { is_ours: false });
        }
        fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        Ok(Self { is_ours: true })
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}
