//! Tenants are walls: what a worker's role sees without an account, and as another account.

use tests::scripted::{Ask, Books, Scripted};

use super::rig::Rig;

/// Tables without documents, on which statements across tenants stand: the lease alone.
const WITHOUT_WALL: &str = "'lease'";

/// A row in every table of the account's that real work does not fill.
const OTHER_ROWS: &str = "
  insert into token_set (id, account_id, provider, environment, key_version)
    values (gen_random_uuid(), 7001, 'MADE_UP', 'SANDBOX', 1);
  insert into accounting_mapping (account_id, integration_id, source_type, source_field, target_field, mapping_type)
    select account_id, id, 'INVOICE', 'number', 'number', 'DIRECT' from accounting_integration;
  insert into accounting_account (account_id, integration_id, external_id, name, account_type)
    select account_id, id, '1', 'Sales', 'Income' from accounting_integration;
  insert into accounting_tax_code (account_id, integration_id, external_id, name, rate)
    select account_id, id, '1', 'Standard', 20 from accounting_integration;
  insert into books_import (books_id, account_id, what) select books_id, account_id, 'ACCOUNTS' from lease;
  insert into account_feed (account_id) values (7001);
  insert into control_total values (7001, '2026-01-02', 'INVOICE', 'USD', 1, 10);
  insert into job (id, account_id, integration_id, cause, requested_by)
    select gen_random_uuid(), account_id, id, 'MANUAL', 'a test' from accounting_integration;
  insert into late_reply (account_id, books_id, attempt_id, effect_id, landed)
    select account_id, books_id, id, effect_id, '{}' from attempt limit 1;
  insert into finding (account_id, books_id, item_id, code, message)
    select account_id, books_id, id, 'A_TEST', 'a test' from item limit 1;
  insert into dead_letter (id, account_id, subject, source, cause, message, owner, fingerprint)
    values (gen_random_uuid(), 7001, 'a test', 'WORK', 'A_TEST', 'a test', 'OPERATOR', 'A_TEST');
";

/// What the worker's role sees of each table: a number of rows, or the code of the error.
fn seen(rig: &Rig, account: &str) -> Vec<(String, String)> {
    let printed = rig.db.sql(&format!(
        "create temp table walled as
           select c.table_name::text as name from information_schema.columns c
           join information_schema.tables t using (table_schema, table_name)
           where c.table_schema = 'public' and c.column_name = 'account_id' and t.table_type = 'BASE TABLE'
             and c.table_name not in ({WITHOUT_WALL});
         grant select on walled to tieout_worker;
         create function pg_temp.seen(name text) returns text language plpgsql as $$
           declare found bigint;
           begin
             execute format('select count(*) from %I', name) into found;
             return found::text;
           exception when others then return sqlstate;
           end $$;
         {account}
         set role tieout_worker;
         select name, pg_temp.seen(name) from walled order by name"
    ));
    printed
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(name, seen)| (name.to_owned(), seen.to_owned()))
        .collect()
}

/// No right on the table at all.
const NO_RIGHT: &str = "42501";
/// The account was never set in this session.
const NOT_SET: &str = "42704";
/// The account is set to nothing, as it is after a transaction that had set it.
const EMPTY: &str = "22P02";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_sees_nothing_without_an_account_and_nothing_of_another() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    rig.worker(&Scripted::new(), &books)
        .process_one(rig.books)
        .await
        .unwrap();
    assert_eq!(books.asked(Ask::Write), 1);
    rig.db.sql(OTHER_ROWS);

    let own = seen(&rig, "set tieout.account_id = '7001';");
    assert!(own.len() >= 19, "{own:?}");
    let empty: Vec<_> = own.iter().filter(|(_, seen)| seen == "0").collect();
    assert!(
        empty.is_empty(),
        "a new table needs a row in this test: {empty:?}"
    );

    for (name, seen) in seen(&rig, "set tieout.account_id = '7002';") {
        assert!(seen == "0" || seen == NO_RIGHT, "{name}: {seen}");
    }
    for (name, seen) in seen(&rig, "") {
        assert!(seen == NOT_SET || seen == NO_RIGHT, "{name}: {seen}");
    }
    for (name, seen) in seen(&rig, "set tieout.account_id = '';") {
        assert!(seen == EMPTY || seen == NO_RIGHT, "{name}: {seen}");
    }
}

/// Whoever reads is one thing, whoever writes another: a row of another account cannot be made either.
#[tokio::test]
async fn a_worker_cannot_write_a_row_of_another_account() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let refused = rig.db.sql(
        "create function pg_temp.tried() returns text language plpgsql as $$
           begin
             insert into finding (account_id, books_id, item_id, code, message)
               select 7001, i.books_id, i.id, 'A_TEST', 'a test' from (select gen_random_uuid() as books_id,
                 gen_random_uuid() as id) i;
             return 'written';
           exception when others then return sqlstate || ' ' || sqlerrm;
           end $$;
         set tieout.account_id = '7002';
         set role tieout_worker;
         select pg_temp.tried()",
    );
    assert!(refused.contains("row-level security"), "{refused}");
}

/// Every table with an account is walled, also for its owner; a new one cannot be forgotten.
#[tokio::test]
async fn every_table_with_an_account_has_its_wall_forced() {
    let rig = Rig::new().await;
    let open = rig.db.sql(&format!(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'account_id'
         where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
           and not (c.relrowsecurity and c.relforcerowsecurity) and c.relname not in ({WITHOUT_WALL})"
    ));
    assert_eq!(open, "");
}
