//! A vhost of one test's own, with production's policies on it.
//!
//! Names of queues are fixed in the binaries, so whole processes are kept apart by vhosts. They are made by
//! `rabbitmqctl`, which must mean the broker of `AMQP_URL`: `cargo xtask` puts one for its private broker first
//! in the `PATH`; elsewhere `TIEOUT_TEST_RABBITMQCTL` may name another command, such as
//! `docker compose exec -T rabbitmq rabbitmqctl`.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::{unique, until};

const DEFAULT_URL: &str = "amqp://guest:guest@127.0.0.1:5672/%2f";

/// What production sets on its vhost.
const DEFINITIONS: &str = include_str!("../../../deploy/rabbitmq/definitions.json");

/// An import is done in the background, in milliseconds.
const IMPORT_LIMIT: Duration = Duration::from_secs(20);

/// A vhost that is deleted with this value.
#[derive(Debug)]
pub struct Broker {
    vhost: String,
    server: String,
}

impl Broker {
    /// An empty vhost on the broker of `AMQP_URL`, with the policies of `deploy/rabbitmq/definitions.json`.
    ///
    /// # Panics
    ///
    /// When `rabbitmqctl` cannot reach the broker.
    pub async fn fresh() -> Self {
        let url = std::env::var("AMQP_URL")
            .ok()
            .filter(|url| !url.is_empty())
            .unwrap_or_else(|| DEFAULT_URL.to_owned());
        let at = url.find("://").map_or(0, |at| at + 3);
        let end = url[at..].find('/').map_or(url.len(), |slash| at + slash);
        let broker = Self {
            vhost: unique("tieout_test"),
            server: url[..end].to_owned(),
        };
        let wanted = broker.definitions();
        let policy_count = wanted["policies"].as_array().map_or(0, Vec::len);
        control(&["import_definitions"], &wanted.to_string());
        until(IMPORT_LIMIT, "the vhost has its policies", async || {
            let arguments = [
                "-q",
                "list_policies",
                "-p",
                &broker.vhost,
                "--no-table-headers",
            ];
            let listed = try_control(&arguments, "").ok()?;
            (listed.lines().count() == policy_count).then_some(())
        })
        .await;
        broker
    }

    /// The address of the vhost.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server, self.vhost)
    }

    /// The address of the vhost by way of a proxy.
    pub fn url_at(&self, address: std::net::SocketAddr) -> String {
        let (scheme, authority) = self.server.split_once("://").unwrap_or(("amqp", ""));
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        format!("{scheme}://{user}@{address}/{}", self.vhost)
    }

    /// Where the broker listens.
    pub fn server_address(&self) -> String {
        let authority = self.server.split_once("://").map_or("", |(_, rest)| rest);
        let host = authority.rsplit('@').next().unwrap_or_default();
        if host.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:5672")
        }
    }

    /// How many messages a queue holds, none when it does not exist. The broker counts every few seconds.
    pub fn depth(&self, queue: &str) -> Option<u64> {
        let arguments = [
            "-q",
            "list_queues",
            "-p",
            &self.vhost,
            "--no-table-headers",
            "name",
            "messages",
        ];
        control(&arguments, "").lines().find_map(|line| {
            let (name, depth) = line.split_once('\t')?;
            (name == queue).then(|| depth.trim().parse().ok())?
        })
    }

    /// Cuts every connection to the vhost.
    pub fn cut_connections(&self) {
        let arguments = [
            "-q",
            "close_all_connections",
            "--vhost",
            &self.vhost,
            "test",
        ];
        control(&arguments, "");
    }

    fn definitions(&self) -> Value {
        let production: Value =
            serde_json::from_str(DEFINITIONS).expect("the definitions are JSON");
        let mut policies = production["policies"].clone();
        for policy in policies.as_array_mut().into_iter().flatten() {
            policy["vhost"] = json!(self.vhost);
        }
        json!({
            "vhosts": [{"name": self.vhost}],
            "permissions": [{
                "user": self.user(), "vhost": self.vhost,
                "configure": ".*", "write": ".*", "read": ".*",
            }],
            "policies": policies,
        })
    }

    fn user(&self) -> &str {
        let authority = self.server.split_once("://").map_or("", |(_, rest)| rest);
        let user = authority.rsplit_once('@').map_or("guest", |(user, _)| user);
        user.split(':').next().unwrap_or(user)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Best effort: a broker that is gone has nothing to delete.
        let _ = try_control(&["-q", "delete_vhost", &self.vhost], "");
    }
}

fn control(arguments: &[&str], input: &str) -> String {
    try_control(arguments, input).unwrap_or_else(|why| {
        panic!(
            "rabbitmqctl does not reach the broker of AMQP_URL (run `cargo xtask test`, or name the command in \
             TIEOUT_TEST_RABBITMQCTL): {why}"
        )
    })
}

fn try_control(arguments: &[&str], input: &str) -> Result<String, String> {
    let words = std::env::var("TIEOUT_TEST_RABBITMQCTL").unwrap_or_default();
    let mut words = words.split_whitespace();
    let mut child = Command::new(words.next().unwrap_or("rabbitmqctl"))
        .args(words)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that ended before it read says why below.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{} {}", text(&output.stdout), text(&output.stderr)))
    }
}
