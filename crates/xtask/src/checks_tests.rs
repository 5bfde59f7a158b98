//! Tests of the check runner: what it keeps of the output and how it reports.

use super::*;

#[test]
fn each_summary_line_is_kept_with_the_name_of_its_binary() {
    let mut summaries = Summaries::default();
    for line in [
        "     \x1b[1m\x1b[92mRunning\x1b[0m unittests src/lib.rs (target/debug/deps/provider_qbo-09ab)",
        "running 2 tests",
        "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        "     Running integration/main.rs (target/debug/deps/integration-77)",
        "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s",
        "   Doc-tests model",
        "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    ] {
        summaries.read(line);
    }
    assert_eq!(
        summaries.lines,
        [
            "provider_qbo: test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; \
             0 filtered out; finished in 0.00s",
            "integration: test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; \
             0 filtered out; finished in 1.50s",
        ]
    );
}

#[test]
fn a_failed_check_fails_the_run_and_stands_beside_the_others() {
    let took = Duration::from_millis(1500);
    let checks = Checks {
        rows: vec![
            ("first", took, Ending::Failed(Failure::new("broken"))),
            ("second", took, Ending::Skipped("no tool")),
            ("third", took, Ending::Passed),
        ],
    };
    let table = checks.table();
    let endings: Vec<&str> = table
        .lines()
        .map(|line| line.split(" s  ").nth(1).unwrap_or_default())
        .collect();
    assert_eq!(endings, ["FAILED", "skipped: no tool", "passed", ""]);
    assert!(table.ends_with("4.5 s"), "{table}");
    let failure = checks.verdict().unwrap_err();
    assert_eq!(failure.to_string(), "failed: first");
}

#[test]
fn the_output_of_the_tests_is_read_to_its_end() {
    let mut summaries = Vec::new();
    let script = "echo '     Running x (a/deps/model-1)' >&2; \
                  echo 'test result: ok. 7 passed; 0 failed; 0 ignored'; exit 4";
    let mut command = Command::new("sh");
    let outcome = run_tests(command.args(["-c", script]), io::sink(), &mut summaries);
    let failure = outcome.unwrap_err();
    assert!(failure.to_string().ends_with("failed (exit status: 4)"));
    assert_eq!(
        summaries,
        ["model: test result: ok. 7 passed; 0 failed; 0 ignored"]
    );
}
