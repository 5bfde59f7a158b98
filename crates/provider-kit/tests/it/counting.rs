//! What metrics tell of a call.

use provider_kit::http::{Labels, Purpose};

use crate::server::{PATIENCE, Server, client, reply, write};

#[tokio::test]
async fn calls_are_counted_by_provider_purpose_and_ending() {
    let metrics = runtime::metric::install("provider-kit-tests").unwrap();
    let server = Server::start(vec![reply("503 Busy", "")]).await;
    let labels = Labels {
        provider: "COUNTED",
        purpose: Purpose::LookUp,
    };
    let client = client();
    let gone = {
        let passing = Server::start(Vec::new()).await;
        passing.base_url()
    };
    for base in [server.base_url(), server.base_url(), gone] {
        let _ = client
            .send(&base, &write(), None, PATIENCE, 100, labels)
            .await;
    }
    let told = metrics.render();
    let count = |class: &str, count: usize| {
        let line = format!(
            "tieout_provider_requests_total{{provider=\"COUNTED\",op=\"look_up\",status_class=\"{class}\"}} {count}\n"
        );
        assert!(told.contains(&line), "{line} not in {told}");
    };
    count("5xx", 2);
    count("not_sent", 1);
    let times =
        "tieout_provider_request_duration_seconds_count{provider=\"COUNTED\",op=\"look_up\"} 3\n";
    assert!(told.contains(times), "{told}");
}
