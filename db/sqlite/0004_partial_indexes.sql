-- SQLite makes a table of its own for a list of more than two values, each time
-- it asks whether a row belongs to an index: seven for each trigger. Ranges say
-- the same.
DROP INDEX device_trigger_overdue;
CREATE INDEX device_trigger_overdue ON device_trigger(validity_end_ms) WHERE state >= 2 AND state <= 4;
DROP INDEX device_trigger_unfinished;
CREATE INDEX device_trigger_unfinished ON device_trigger(id) WHERE state <= 4 AND state <> 2;
