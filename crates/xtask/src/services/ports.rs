//! Free ports, remembered from run to run so that bookmarks and shell variables stay right.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{Context, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) postgres: u16,
    pub(crate) amqp: u16,
    pub(crate) distribution: u16,
    pub(crate) mapper: u16,
}

impl Ports {
    /// The remembered ones where they are still free, else fresh ones; remembered again.
    pub(crate) fn choose(memory: &Path) -> Result<Self> {
        let remembered = fs::read_to_string(memory)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok());
        let ports = match remembered {
            Some(ports) if Self::are_free(ports) => ports,
            _ => Self::fresh()?,
        };
        fs::write(memory, serde_json::to_string(&ports)?)?;
        Ok(ports)
    }

    fn are_free(self) -> bool {
        [self.postgres, self.amqp, self.distribution, self.mapper]
            .into_iter()
            .all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
    }

    fn fresh() -> Result<Self> {
        // All four are held until all are known, or the kernel might hand one out twice.
        let held = (0..4)
            .map(|_| TcpListener::bind(("127.0.0.1", 0)))
            .collect::<std::io::Result<Vec<_>>>()
            .context(|| "no free port on 127.0.0.1".to_owned())?;
        let mut numbers = Vec::new();
        for listener in &held {
            numbers.push(listener.local_addr()?.port());
        }
        Ok(Self {
            postgres: numbers[0],
            amqp: numbers[1],
            distribution: numbers[2],
            mapper: numbers[3],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_remembered_while_free_and_replaced_when_taken() {
        let folder = std::env::temp_dir().join(format!("xtask-ports-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let memory = folder.join("ports.json");
        let first = Ports::choose(&memory).unwrap();
        assert_eq!(Ports::choose(&memory).unwrap(), first);
        let _taken = TcpListener::bind(("127.0.0.1", first.amqp)).unwrap();
        assert_ne!(Ports::choose(&memory).unwrap().amqp, first.amqp);
        fs::remove_dir_all(folder).unwrap();
    }
}
