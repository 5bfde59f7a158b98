-- Why: tenants are walls. Every table with an account gets row-level security, forced on the owner too, and
-- each binary's role gets the least it needs. Locks: each table for an instant; all are empty.

do $$
declare
  walled text;
begin
  foreach walled in array array[
    'token_set', 'accounting_integration', 'accounting_mapping', 'accounting_account', 'accounting_tax_code',
    'event', 'account_feed', 'control_total', 'document', 'job', 'item', 'effect', 'link', 'call', 'attempt', 'late_reply',
    'accounting_sync_log', 'finding'
  ] loop
    execute format('alter table %I enable row level security', walled);
    execute format('alter table %I force row level security', walled);
    execute format(
      'create policy own_account on %I to tieout_producer, tieout_worker, tieout_scheduler, tieout_operator '
      'using (account_id = tieout_account()) with check (account_id = tieout_account())', walled);
  end loop;
end
$$;

-- Undecodable messages have no account; everything else in dead_letter has one.
alter table dead_letter enable row level security;
alter table dead_letter force row level security;
create policy own_account on dead_letter to tieout_producer, tieout_worker, tieout_scheduler, tieout_operator
  using (case when account_id is null then true else account_id = tieout_account() end)
  with check (case when account_id is null then true else account_id = tieout_account() end);

-- Operators look across accounts; what they change, they change inside one account.
do $$
declare
  seen text;
begin
  foreach seen in array array[
    'accounting_integration', 'document', 'item', 'effect', 'link', 'call', 'attempt', 'late_reply',
    'accounting_sync_log', 'finding', 'dead_letter', 'account_feed', 'job'
  ] loop
    execute format('create policy operator_reads on %I for select to tieout_operator using (true)', seen);
  end loop;
end
$$;

-- The scheduler sees when and where across accounts, never what: the columns below hold no documents.
create policy scheduler_reads on accounting_integration for select to tieout_scheduler using (true);
create policy scheduler_reads on token_set for select to tieout_scheduler using (true);
create policy scheduler_reads on item for select to tieout_scheduler using (true);
create policy scheduler_reads on account_feed for select to tieout_scheduler using (true);
create policy scheduler_reads on dead_letter for select to tieout_scheduler using (true);

grant usage on schema public to tieout_producer, tieout_worker, tieout_scheduler, tieout_operator;
grant select on installation, books to tieout_producer, tieout_worker, tieout_scheduler, tieout_operator;

-- Producer: takes documents in.
grant select, insert on event, document, job to tieout_producer;
grant select, insert, update on account_feed, control_total, item, lease, dead_letter to tieout_producer;
grant select on accounting_integration, call, attempt to tieout_producer;
grant select, insert on link, effect to tieout_producer;
grant insert, select on outbox to tieout_producer;
grant update (published_at) on outbox to tieout_producer;

-- Worker: brings effects about.
grant select on accounting_mapping, document, event, job, app_limit to tieout_worker;
grant select, insert, update on item, effect, link, call, attempt, late_reply, finding, quota, dead_letter to tieout_worker;
grant select, update on lease, token_set, accounting_integration to tieout_worker;
grant select, insert on accounting_sync_log, outbox to tieout_worker;
grant update (published_at) on outbox to tieout_worker;
grant select, insert, update on accounting_account, accounting_tax_code, app_limit to tieout_worker;
grant update (facts) on books to tieout_worker;
grant update (mode, system_identifier) on installation to tieout_worker;

-- Scheduler: time, outbox, keeping.
grant select (id, account_id, provider, books_id, is_active, deleted_at, sync_frequency, sync_settings, token_set_id)
  on accounting_integration to tieout_scheduler;
grant select (id, account_id, provider, state, access_expires_at, refresh_expires_at) on token_set to tieout_scheduler;
grant select, insert on slot, job to tieout_scheduler;
grant update (items) on slot to tieout_scheduler;
grant select, update on item, lease, leader to tieout_scheduler;
grant select, insert, update on account_feed to tieout_scheduler;
grant select, insert, update on outbox, dead_letter to tieout_scheduler;
grant delete on outbox to tieout_scheduler;

-- Operator: the command line.
grant select on all tables in schema public to tieout_operator;
revoke select on token_set from tieout_operator;
grant select (id, account_id, provider, environment, state, generation, access_expires_at, refresh_expires_at,
  last_error, created_at, updated_at), insert on token_set to tieout_operator;
grant insert on books, accounting_integration, lease, job, operator_action to tieout_operator;
grant update on books, accounting_integration, lease, item, dead_letter, effect, installation to tieout_operator;
grant insert on installation, outbox to tieout_operator;
