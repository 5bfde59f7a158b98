-- Why: an operator may decide that what was deleted in the books is created again: a new generation of its effects.
-- Locks: none that matter; a right is granted.

grant insert on effect to tieout_operator;
