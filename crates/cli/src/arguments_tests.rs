//! Tests of the arguments: what is read, and what is refused with words that help.

use clap::CommandFactory as _;

use super::*;

fn read(line: &str) -> Arguments {
    Arguments::try_parse_from(line.split_whitespace()).unwrap()
}

fn refusal(line: &str) -> String {
    Arguments::try_parse_from(line.split_whitespace())
        .unwrap_err()
        .to_string()
}

fn added(options: &str) -> AddIntegration {
    let line = format!(
        "tieout integration add --provider QUICKBOOKS_ONLINE --account 7 --realm 462 {options}"
    );
    let Command::Integration {
        command: IntegrationCommand::Add(add),
    } = read(&line).command
    else {
        panic!("another command");
    };
    *add
}

#[test]
fn the_definitions_are_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn an_integration_needs_provider_account_and_company_only() {
    let add = added("");
    assert_eq!(add.account, AccountId(7));
    assert_eq!(add.realm, "462");
    assert_eq!(add.environment, Environment::Sandbox);
    assert_eq!(
        (add.country.as_str(), add.home_currency.as_str()),
        ("US", "USD")
    );
    assert_eq!(add.frequency, SyncFrequency::RealTime);
    assert_eq!(add.tax_mode, None);
    assert!(
        refusal("tieout integration add --provider X --account 1 --realm 2")
            .contains("provider key")
    );
    assert!(refusal("tieout integration add --provider XERO --account 1").contains("--realm"));
}

#[test]
fn words_are_read_in_either_case() {
    let add = added(
        "--environment production --country de --home-currency EUR --tax-mode non_us --frequency daily \
         --tax-code r19=5 --tax-code r7=6 --item A-1=22 --slot-hour 23 --time-zone Europe/Berlin",
    );
    assert_eq!(add.environment, Environment::Production);
    assert_eq!(add.country, "DE");
    assert_eq!(add.tax_mode, Some(TaxMode::PerLine));
    assert_eq!(add.frequency, SyncFrequency::Daily);
    let pairs: Vec<(&str, &str)> = add
        .tax_code
        .iter()
        .chain(&add.item)
        .map(|pair| (pair.left.as_str(), pair.right.as_str()))
        .collect();
    assert_eq!(pairs, [("r19", "5"), ("r7", "6"), ("A-1", "22")]);
}

#[test]
fn values_that_cannot_be_are_refused_with_what_can() {
    let refused = |options: &str| {
        refusal(&format!(
            "tieout integration add --provider XERO --account 7 --realm 462 {options}"
        ))
    };
    assert!(refusal("tieout totals --account 0").contains("above 0"));
    assert!(refused("--environment test").contains("SANDBOX or PRODUCTION"));
    assert!(refused("--frequency often").contains("REAL_TIME, HOURLY"));
    assert!(refused("--country USA").contains("two letters"));
    assert!(refused("--home-currency XYZ").contains("XYZ"));
    assert!(refused("--tax-mode none").contains("MANUAL_US"));
    assert!(refused("--slot-hour 24").contains("24"));
    assert!(refused("--item =5").contains("LEFT=RIGHT"));
    assert!(refusal("tieout explain BILL 5 --account 1").contains("CREDIT_NOTE"));
    assert!(refusal("tieout dead discard dlq_5 --reason because").contains("32 hexadecimal"));
}

#[test]
fn tokens_are_no_arguments() {
    let mut command = Arguments::command();
    let help = command
        .find_subcommand_mut("integration")
        .and_then(|integration| integration.find_subcommand_mut("add"))
        .unwrap()
        .render_long_help()
        .to_string();
    assert!(help.contains("TIEOUT_ACCESS_TOKEN"));
    assert!(!help.contains("--access-token") && !help.contains("--refresh-token"));
}

#[test]
fn a_document_is_kind_id_and_account() {
    let Command::Explain(document) = read("tieout explain credit-note CN.7 --account 3").command
    else {
        panic!("another command");
    };
    assert_eq!(document.kind, DocumentKind::CreditNote);
    assert_eq!(document.id.as_str(), "CN.7");
    assert_eq!(document.account, AccountId(3));
    assert!(refusal("tieout explain INVOICE a/b --account 3").contains("letters, digits"));
}

#[test]
fn json_may_be_asked_for_anywhere() {
    assert!(read("tieout --json status").json);
    assert!(read("tieout totals --account 1 --json").json);
    assert!(!read("tieout status").json);
}

#[test]
fn a_replay_names_letters_or_a_fingerprint_and_not_both() {
    let id = "dlq_01a20aae60ee70c880dc430a76d07999";
    assert!(refusal("tieout dead replay").contains("required"));
    assert!(
        refusal(&format!("tieout dead replay {id} --fingerprint F"))
            .contains("cannot be used with")
    );
    assert!(refusal("tieout dead replay --fingerprint F --file x").contains("cannot be used with"));
    let Command::Dead {
        command: DeadCommand::Replay(replay),
    } = read(&format!("tieout dead replay {id} {id}")).command
    else {
        panic!("another command");
    };
    assert_eq!(replay.ids.len(), 2);
}

#[test]
fn open_dead_letters_are_listed_unless_others_are_asked_for() {
    let state = |line: &str| match read(line).command {
        Command::Dead {
            command: DeadCommand::List(which),
        } => which.state.stored(),
        other => panic!("{other:?}"),
    };
    assert_eq!(state("tieout dead list"), Some("OPEN"));
    assert_eq!(
        state("tieout dead list --state discarded"),
        Some("DISCARDED")
    );
    assert_eq!(state("tieout dead list --state all"), None);
    assert!(refusal("tieout dead list --limit 0").contains('0'));
}

#[test]
fn a_discard_needs_a_reason_of_some_length() {
    let line = "tieout dead discard dlq_01a20aae60ee70c880dc430a76d07999";
    assert!(refusal(line).contains("--reason"));
    assert!(refusal(&format!("{line} --reason x")).contains("say why"));
}
