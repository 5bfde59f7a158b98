-- Why: the first schema. The specification's tables under its names, and what the core protocol needs
-- (books, lease, document, item, effect, call, attempt, late_reply, link, quota, token_set, app_limit,
-- outbox, dead_letter, job, slot). Row-level security is on from the start: whoever runs the fleet is never
-- the owner of the tables, every transaction names its account, and an unnamed account is an error.
-- Locks: none that matter; every table is new.

-- Roles are shared by all databases of a server, so two databases may be migrated at once.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['tieout_producer', 'tieout_worker', 'tieout_scheduler', 'tieout_operator'] loop
    begin
      if not exists (select from pg_roles where rolname = wanted) then
        execute format('create role %I nologin noinherit', wanted);
      end if;
    exception when duplicate_object or unique_violation then
      null;
    end;
  end loop;
end
$$;

-- The account of this transaction. Not set, or set to nothing, is an error and never "all accounts".
create function tieout_account() returns bigint
  language sql stable parallel safe
  as $$ select current_setting('tieout.account_id')::bigint $$;

create table installation (
  only_one boolean primary key default true constraint installation_only_one check (only_one),
  name text not null constraint installation_name_shape check (name ~ '^[a-z0-9]{4,16}$'),
  system_identifier bigint not null,
  mode text not null default 'NORMAL' constraint installation_mode check (mode in ('NORMAL', 'RECOVERY')),
  created_at timestamptz not null default clock_timestamp()
);
comment on table installation is 'This installation: the name in markers, and the identity of the database it last ran on.';

create table books (
  id uuid primary key,
  provider text not null constraint books_provider_shape check (provider ~ '^[A-Z][A-Z0-9_]{1,39}$'),
  environment text not null constraint books_environment check (environment in ('PRODUCTION', 'SANDBOX')),
  external_id text not null constraint books_external_id_size check (length(external_id) between 1 and 200),
  facts jsonb not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  constraint books_identity unique (provider, environment, external_id)
);
comment on table books is 'One company in one provider. Limits, names and numbers are unique per books.';

create table token_set (
  id uuid primary key,
  account_id bigint not null,
  provider text not null,
  environment text not null,
  access_sealed bytea,
  refresh_sealed bytea,
  previous_refresh_sealed bytea,
  key_version integer not null,
  access_expires_at timestamptz,
  refresh_expires_at timestamptz,
  generation bigint not null default 0,
  state text not null default 'ACTIVE' constraint token_set_state check (state in ('ACTIVE', 'BROKEN', 'REVOKED')),
  last_error text,
  refresh_run uuid,
  refresh_until timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table token_set is 'One consent. Both tokens are sealed; refreshing is single-flight through refresh_run.';

create table accounting_integration (
  id bigint generated always as identity primary key,
  account_id bigint not null,
  provider text not null constraint accounting_integration_provider_shape check (provider ~ '^[A-Z][A-Z0-9_]{1,39}$'),
  books_id uuid not null references books (id),
  token_set_id uuid references token_set (id),
  is_active boolean not null default false,
  client_id text,
  client_secret_sealed bytea,
  client_secret_key_version integer,
  sync_settings jsonb not null default '{}',
  sync_frequency text not null default 'REAL_TIME' constraint accounting_integration_frequency
    check (sync_frequency in ('REAL_TIME', 'HOURLY', 'DAILY', 'WEEKLY', 'MANUAL')),
  last_sync_at timestamptz,
  last_error text,
  error_count integer not null default 0,
  is_healthy boolean not null default true,
  deleted_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  created_by bigint not null default 0,
  constraint accounting_integration_once_per_books unique (account_id, provider, books_id)
);
comment on table accounting_integration is 'One account''s connection to one books. Delete is a state; nothing cascades.';
create unique index accounting_integration_one_active_per_books on accounting_integration (books_id) where is_active;
create index accounting_integration_account on accounting_integration (account_id);

create table accounting_mapping (
  id bigint generated always as identity primary key,
  account_id bigint not null,
  integration_id bigint not null references accounting_integration (id),
  source_type text not null constraint accounting_mapping_source_type check (source_type in
    ('INVOICE', 'PAYMENT', 'CLIENT', 'TAX_CODE', 'ACCOUNT', 'LINE_ITEM', 'CREDIT_NOTE')),
  source_field text not null,
  target_field text not null,
  mapping_type text not null constraint accounting_mapping_type
    check (mapping_type in ('DIRECT', 'LOOKUP', 'CALCULATED', 'CUSTOM')),
  default_value text,
  value_mapping jsonb,
  conditions jsonb,
  is_required boolean not null default false,
  is_active boolean not null default true,
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create index accounting_mapping_integration on accounting_mapping (integration_id);

create table accounting_account (
  id bigint generated always as identity primary key,
  account_id bigint not null,
  integration_id bigint not null references accounting_integration (id),
  external_id text not null,
  name text not null,
  account_type text not null,
  account_number text,
  description text,
  parent_account_id text,
  level integer not null default 0,
  is_active boolean not null default true,
  can_post boolean not null default true,
  last_sync_at timestamptz not null default clock_timestamp(),
  constraint accounting_account_once unique (integration_id, external_id)
);

create table accounting_tax_code (
  id bigint generated always as identity primary key,
  account_id bigint not null,
  integration_id bigint not null references accounting_integration (id),
  external_id text not null,
  name text not null,
  description text,
  rate numeric(12, 6) not null,
  is_active boolean not null default true,
  is_sales_tax boolean not null default true,
  is_purchase_tax boolean not null default false,
  local_tax_code_id text,
  last_sync_at timestamptz not null default clock_timestamp(),
  constraint accounting_tax_code_once unique (integration_id, external_id)
);

create table event (
  account_id bigint not null,
  event_id text not null,
  sequence bigint,
  body_hash text not null,
  received_at timestamptz not null default clock_timestamp(),
  constraint event_once primary key (account_id, event_id)
);
comment on table event is 'Events taken in; the same id with another body is refused, never merged.';

create table account_feed (
  account_id bigint primary key,
  contiguous bigint not null default 0,
  highest bigint not null default 0,
  ahead bigint[] not null default '{}',
  gap_since timestamptz,
  gap_asked_at timestamptz
);
comment on table account_feed is 'How far the events of an account are complete; numbers past a gap wait in ahead.';

create table control_total (
  account_id bigint not null,
  day date not null,
  kind text not null,
  currency text not null,
  document_count bigint not null,
  document_sum numeric(24, 4) not null,
  constraint control_total_once primary key (account_id, day, kind, currency)
);

create table document (
  account_id bigint not null,
  kind text not null,
  source_id text not null,
  version bigint not null constraint document_version_positive check (version > 0),
  lifecycle text not null constraint document_lifecycle check (lifecycle in ('LIVE', 'VOIDED', 'DELETED')),
  body jsonb not null,
  body_hash text not null,
  currency text,
  total numeric(24, 4),
  event_id text,
  trace text,
  received_at timestamptz not null default clock_timestamp(),
  constraint document_once primary key (account_id, kind, source_id, version)
);
comment on table document is 'Versioned snapshots as ProjectLedger sent them; never updated in place.';

create table job (
  id uuid primary key,
  account_id bigint not null,
  integration_id bigint not null references accounting_integration (id),
  cause text not null constraint job_cause check (cause in ('SLOT', 'REPLAY', 'MANUAL')),
  requested_by text not null,
  total integer not null default 0,
  created_at timestamptz not null default clock_timestamp()
);

create table item (
  id uuid primary key,
  account_id bigint not null,
  books_id uuid not null references books (id),
  integration_id bigint not null references accounting_integration (id),
  kind text not null,
  source_id text not null,
  wanted_version bigint not null,
  version bigint,
  state text not null constraint item_state check (state in
    ('queued', 'running', 'verifying', 'waiting', 'parked', 'done', 'partial', 'skipped', 'failed')),
  lane smallint not null,
  rank smallint not null,
  due_at timestamptz,
  attempts integer not null default 0,
  crash_count integer not null default 0,
  fence bigint,
  look_first boolean not null default false,
  reason text,
  failure jsonb,
  owner text not null default 'SYSTEM',
  waits_for text,
  job_id uuid references job (id),
  trace text,
  wanted_at timestamptz not null default clock_timestamp(),
  done_at timestamptz,
  updated_at timestamptz not null default clock_timestamp(),
  constraint item_one_per_document unique (books_id, kind, source_id),
  constraint item_due_when_ready check (state not in ('queued', 'waiting', 'verifying') or due_at is not null)
);
comment on table item is 'Where a document stands in one books: one row for good, so one open item per document and books is a key.';
create index item_ready on item (books_id, lane, rank, due_at)
  where state in ('queued', 'waiting', 'verifying', 'parked') and due_at is not null;
create index item_running on item (books_id) where state = 'running';
create index item_waiters on item (books_id, waits_for) where waits_for is not null;
create index item_open on item (state, due_at) where state in ('queued', 'running', 'verifying', 'waiting', 'parked');

create table effect (
  id uuid primary key,
  account_id bigint not null,
  books_id uuid not null references books (id),
  item_id uuid not null references item (id),
  kind text not null,
  part text not null default '',
  generation integer not null default 1,
  state text not null default 'WANTED' constraint effect_state check (state in ('WANTED', 'DONE', 'ENDED', 'CONFLICT')),
  created_at timestamptz not null default clock_timestamp(),
  constraint effect_once unique (item_id, kind, part, generation)
);
comment on table effect is 'One object or relation to bring about; an item is one document in one books, so this is unique there too.';

create table link (
  effect_id uuid primary key references effect (id),
  account_id bigint not null,
  books_id uuid not null references books (id),
  effect_kind text not null,
  external_id text not null,
  revision text not null,
  fingerprint text not null,
  state text not null constraint link_state check (state in ('ACTIVE', 'INACTIVE', 'GONE', 'ENDED')),
  version bigint not null,
  currency text,
  tax numeric(24, 4),
  gross numeric(24, 4),
  updated_at timestamptz not null default clock_timestamp(),
  constraint link_one_effect_per_object unique (books_id, effect_kind, external_id)
);

create table call (
  id uuid primary key,
  account_id bigint not null,
  books_id uuid not null references books (id),
  integration_id bigint not null,
  fence bigint not null,
  purpose text not null constraint call_purpose check (purpose in ('WRITE', 'LOOKUP', 'READ')),
  closes uuid references call (id),
  key text not null,
  request jsonb not null,
  body bytea not null,
  opened_at timestamptz not null default clock_timestamp(),
  sends integer not null default 1,
  settle_at timestamptz not null,
  absent_since timestamptz,
  status integer,
  reply_headers jsonb,
  reply bytea,
  correlation text,
  answered_at timestamptz,
  closed_at timestamptz,
  close_reason text
);
comment on table call is 'One request with its exact bytes, committed before it is sent; reads included.';
create index call_open on call (books_id) where closed_at is null;
create index call_recent on call (books_id, opened_at);

create table attempt (
  id uuid primary key,
  account_id bigint not null,
  books_id uuid not null references books (id),
  call_id uuid not null references call (id),
  item_id uuid not null references item (id),
  effect_id uuid not null references effect (id),
  ordinal smallint not null,
  operation text not null,
  version bigint not null,
  mapping_version bigint not null default 0,
  plan_hash text not null,
  step jsonb not null,
  marker jsonb not null,
  outcome text constraint attempt_outcome check (outcome in
    ('DONE', 'ADOPTED', 'FAILED', 'ABSENT', 'NOT_SENT', 'CONFLICT')),
  outcome_at timestamptz,
  failure jsonb,
  landed jsonb,
  constraint attempt_place unique (call_id, ordinal),
  constraint attempt_outcome_dated check ((outcome is null) = (outcome_at is null))
);
comment on table attempt is 'An effect''s part in a call. The outcome is written once.';
create unique index attempt_one_open_per_effect on attempt (effect_id) where outcome is null;
create index attempt_item on attempt (item_id);

create table late_reply (
  id bigint generated always as identity primary key,
  account_id bigint not null,
  books_id uuid not null references books (id),
  attempt_id uuid not null references attempt (id),
  effect_id uuid not null references effect (id),
  landed jsonb not null,
  received_at timestamptz not null default clock_timestamp(),
  read_at timestamptz
);
comment on table late_reply is 'A success that came after a look-up had closed its attempt; read before the next intent on that effect.';
create index late_reply_unread on late_reply (effect_id) where read_at is null;

create table accounting_sync_log (
  id bigint generated always as identity primary key,
  account_id bigint not null,
  integration_id bigint not null,
  sync_type text not null constraint accounting_sync_log_type check (sync_type in ('EXPORT', 'IMPORT', 'RECONCILE')),
  entity_type text not null,
  entity_id text not null,
  external_id text,
  status text not null constraint accounting_sync_log_status check (status in
    ('SUCCESS', 'FAILED', 'PARTIAL', 'SKIPPED', 'PENDING', 'IN_PROGRESS')),
  operation text not null constraint accounting_sync_log_operation
    check (operation in ('CREATE', 'UPDATE', 'DELETE', 'READ')),
  call_id uuid,
  error_message text,
  error_code text,
  retry_count integer not null default 0,
  next_retry_at timestamptz,
  started_at timestamptz not null,
  completed_at timestamptz,
  duration integer
);
comment on table accounting_sync_log is 'What happened, per document and attempt; request and reply are those of call_id. Append only.';
create index accounting_sync_log_recent on accounting_sync_log (integration_id, id desc);
create index accounting_sync_log_entity on accounting_sync_log (integration_id, entity_type, entity_id);

create table finding (
  id bigint generated always as identity primary key,
  account_id bigint not null,
  books_id uuid not null references books (id),
  item_id uuid not null references item (id),
  effect_id uuid,
  code text not null,
  message text not null,
  detail jsonb not null default '{}',
  raised_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz
);
comment on table finding is 'A named difference between ProjectLedger and the books.';
create unique index finding_one_open on finding (item_id, code) where closed_at is null;

create table quota (
  books_id uuid not null references books (id),
  scope text not null,
  window_start timestamptz not null,
  used integer not null,
  constraint quota_once primary key (books_id, scope, window_start)
);
comment on table quota is 'What calls were charged, per minute; debited with the intent.';

create table app_limit (
  provider text not null,
  client_id text not null,
  paused_until timestamptz,
  reason text,
  constraint app_limit_once primary key (provider, client_id)
);

create table outbox (
  id uuid primary key,
  exchange text not null,
  routing_key text not null,
  body jsonb not null,
  trace text,
  created_at timestamptz not null default clock_timestamp(),
  published_at timestamptz
);
create index outbox_unpublished on outbox (created_at) where published_at is null;

create table dead_letter (
  id uuid primary key,
  account_id bigint,
  subject text not null,
  source text not null constraint dead_letter_source check (source in ('WORK', 'MESSAGE')),
  provider text,
  item_id uuid references item (id),
  version bigint,
  cause text not null,
  message text not null,
  owner text not null,
  fingerprint text not null,
  raw bytea,
  origin jsonb not null default '{}',
  times integer not null default 1,
  state text not null default 'OPEN' constraint dead_letter_state check (state in ('OPEN', 'REPLAYED', 'RESOLVED', 'DISCARDED')),
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz,
  closed_by text
);
comment on table dead_letter is 'What the fleet gave up on by itself. The row is the truth, the queue a signal.';
create unique index dead_letter_one_open on dead_letter (subject) where state in ('OPEN', 'REPLAYED');
create index dead_letter_state_at on dead_letter (state, last_at);

create table slot (
  integration_id bigint not null references accounting_integration (id),
  key text not null,
  at timestamptz not null,
  run_at timestamptz not null default clock_timestamp(),
  job_id uuid,
  items integer not null default 0,
  constraint slot_once primary key (integration_id, key)
);
comment on table slot is 'The ledger of calendar slots: each runs exactly once.';

create table leader (
  role text primary key,
  run uuid,
  fence bigint not null default 0,
  expires_at timestamptz
);
insert into leader (role) values ('scheduler');

create table operator_action (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor text not null,
  action text not null,
  subject text not null,
  reason text
);
comment on table operator_action is 'Who replayed, discarded or changed what. Append only.';

create table lease (
  books_id uuid primary key references books (id),
  provider text not null,
  account_id bigint not null,
  integration_id bigint not null references accounting_integration (id),
  run uuid,
  fence bigint not null default 0,
  expires_at timestamptz,
  wake bigint not null default 0,
  next_at timestamptz,
  not_before timestamptz,
  reason text,
  owner text,
  constraint lease_held_until check ((run is null) = (expires_at is null))
) with (fillfactor = 50);
comment on table lease is 'Who may work on a books. The statements on it are S1 to S11 of ARCHITECTURE.md.';
create index lease_due on lease (provider, next_at) where next_at is not null;
