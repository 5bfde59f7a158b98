-- Why: tax codes are imported with the rates they are made of, and some providers do not say what a code comes to.
-- Locks: accounting_tax_code for an instant, without a rewrite: the default is a constant, and nothing is checked anew.

alter table accounting_tax_code add column components jsonb not null default '[]';
alter table accounting_tax_code alter column rate drop not null;
