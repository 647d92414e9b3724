-- Rows of journal and audit are numbered as time goes on, so what lies before or
-- behind a moment is found by its number; an index by time cost each transaction
-- a page more, and was read only to remove old rows.
DROP INDEX device_trigger_received;
DROP INDEX audit_at;
