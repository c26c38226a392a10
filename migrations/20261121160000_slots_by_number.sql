-- A slot is freed by its number, and one that goes from a lease to the next is one update that writes
-- no index.
DROP INDEX lease_slot_by_holder;
ALTER TABLE lease DROP COLUMN holds_slots;
