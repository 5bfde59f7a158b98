//! Tests of the tie-out report.

use std::time::Duration;

use serde_json::json;

use super::*;

fn books(count: i64, sum: &str) -> Books {
    let line = json!({"kind": "INVOICE", "currency": "USD", "count": count, "sum": sum});
    Books::from_json(json!([line])).unwrap()
}

#[test]
fn three_equal_sides_tie_out() {
    let side = books(500, "123456.78");
    let report = Report::new(&side, &side, &side, 0);
    assert!(report.ties());
    assert!(report.to_table().ends_with("It ties out."));
}

#[test]
fn sums_of_columns_of_different_width_are_equal() {
    let report = Report::new(
        &books(1, "10.5"),
        &books(1, "10.5000"),
        &books(1, "10.50"),
        0,
    );
    assert!(report.ties());
    assert!(report.to_json().unwrap().contains("\"10.50\""));
}

#[test]
fn a_cent_is_a_difference() {
    let side = books(500, "123456.78");
    let report = Report::new(&side, &side, &books(500, "123456.79"), 0);
    assert!(!report.ties());
    assert_eq!(report.kinds[0].difference.count, 0);
    assert_eq!(report.kinds[0].difference.sum, Decimal::new(1, 2));
}

#[test]
fn a_difference_between_us_and_both_others_shows() {
    let side = books(500, "10.00");
    let report = Report::new(&side, &books(499, "9.00"), &side, 0);
    assert!(!report.ties());
    assert_eq!(report.kinds[0].difference.count, -1);
    assert_eq!(report.kinds[0].difference.sum, Decimal::NEGATIVE_ONE);
}

#[test]
fn a_kind_that_one_side_lacks_counts_as_nothing_there() {
    let side = books(1, "5.00");
    let report = Report::new(&side, &side, &Books::default(), 0);
    assert_eq!(report.kinds[0].books, Total::default());
    assert!(!report.ties());
}

#[test]
fn a_dead_letter_does_not_tie_out() {
    let side = books(1, "5.00");
    assert!(!Report::new(&side, &side, &side, 1).ties());
}

#[test]
fn companies_that_differ_by_opposite_sums_do_not_tie_out() {
    let (less, more, both) = (books(1, "5.00"), books(1, "7.00"), books(2, "12.00"));
    let report = |first: [&Books; 3], second: [&Books; 3]| {
        let companies = vec![
            CompanyRows::new(1, "91".to_owned(), first),
            CompanyRows::new(2, "92".to_owned(), second),
        ];
        Report::new(&both, &both, &both, 0).with_companies(companies, Vec::new())
    };
    assert!(report([&less; 3], [&more; 3]).ties());
    let swapped = report([&less, &less, &more], [&more, &more, &less]);
    assert!(!swapped.ties());
    let table = swapped.to_table();
    assert!(table.contains("account 2, company 92"), "{table}");
    assert!(table.contains("-2.00"), "{table}");
}

#[test]
fn a_disagreement_that_totals_do_not_show_does_not_tie_out() {
    let side = books(1, "5.00");
    let report = Report::new(&side, &side, &side, 0);
    let sentence = "client cl_00001 owes 5 USD, and 4 in the books".to_owned();
    let report = report.with_companies(Vec::new(), vec![sentence]);
    assert!(!report.ties());
    assert!(report.to_table().contains("cl_00001"));
}

#[test]
fn the_json_has_the_promised_shape() {
    let side = books(2, "10.50");
    let process = ProcessUse {
        name: "producer".to_owned(),
        peak_rss_bytes: 1024,
        cpu_seconds: 0.25,
    };
    let report = Report::new(&side, &side, &side, 0)
        .with_cost(Duration::from_micros(1_500_400), vec![process]);
    let written: Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(
        written,
        json!({
            "kinds": [{
                "kind": "INVOICE",
                "currency": "USD",
                "source": {"count": 2, "sum": "10.50"},
                "tieout": {"count": 2, "sum": "10.50"},
                "books": {"count": 2, "sum": "10.50"},
                "difference": {"count": 0, "sum": "0.00"}
            }],
            "companies": [],
            "disagreements": [],
            "deadLetters": 0,
            "wallSeconds": 1.5,
            "processes": [{"name": "producer", "peakRssBytes": 1024, "cpuSeconds": 0.25}]
        })
    );
}

#[test]
fn a_sum_that_is_a_number_is_refused() {
    let line = json!({"kind": "INVOICE", "currency": "USD", "count": 1, "sum": 10.5});
    assert!(Books::from_json(json!([line])).is_err());
}
