-- Why: accounts, tax codes and facts are imported from the books by whoever holds their lease: once at connecting, then
-- daily, and at once when a refusal suggests that what is known is out of date. `due_at` is empty where a provider has
-- nothing of that sort. Books that are connected already become due now.
-- Locks: lease for the update of its rows; the table is new.

create table books_import (
  books_id uuid not null references books (id),
  account_id bigint not null,
  what text not null constraint books_import_what check (what in ('COMPANY', 'ACCOUNTS', 'TAX_CODES')),
  due_at timestamptz,
  tried_at timestamptz,
  last_at timestamptz,
  failures integer not null default 0,
  last_error text,
  constraint books_import_once primary key (books_id, what)
);
comment on table books_import is 'What is imported from a books, and when it is due again.';

insert into books_import (books_id, account_id, what, due_at)
select l.books_id, l.account_id, w.what, clock_timestamp()
from lease l cross join (values ('COMPANY'), ('ACCOUNTS'), ('TAX_CODES')) as w (what);
update lease set wake = wake + 1, next_at = least(coalesce(next_at, 'infinity'), clock_timestamp());

alter table books_import enable row level security;
alter table books_import force row level security;
create policy own_account on books_import to tieout_producer, tieout_worker, tieout_scheduler, tieout_operator
  using (account_id = tieout_account()) with check (account_id = tieout_account());

grant select, update on books_import to tieout_worker;
grant select, insert, update on books_import to tieout_operator;
grant update (local_tax_code_id) on accounting_tax_code to tieout_operator;
