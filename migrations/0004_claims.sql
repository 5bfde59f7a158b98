-- Why: an item in hand is named by its claim. Without a number, a move repeated after a lost commit's answer could take an
-- item from a lane that had claimed it again meanwhile, and two lanes of one holder had it in hand.
-- Locks: item for an instant; a constant default rewrites nothing.

alter table item add column claims bigint not null default 0;
comment on column item.claims is 'How often it was claimed. Who moves it without a call, or intends one, must name the latest claim.';
