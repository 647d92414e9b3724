-- An entry of an index that is keyed by device lands on a page of its own, and the
-- node wrote all of these pages at each commit. What it never asks for goes: the
-- audit by device and by SCS, and the journal by device, which only the foreign
-- key needed; so does what another index finds as well: a retransmission has the
-- number of the first, and a number on T4 is that of one SCS. Ids of devices are never used again: one that is left in the
-- journal when its device is deleted names no other.
DROP INDEX audit_subscription;
DROP INDEX audit_scs;
DROP INDEX outbox_scs;

-- The journal, whose foreign key can only go with the table.
CREATE TABLE device_trigger_0005 (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,        -- never used again for another row
  scs_id           INTEGER NOT NULL REFERENCES scs(id),      -- who asked
  reference        INTEGER NOT NULL CHECK (reference BETWEEN 0 AND 4294967295),      -- Reference-Number (TS 29.368 6.4.8); of a recall: the one recalled
  action           INTEGER NOT NULL CHECK (action IN (1, 3, 4)),                     -- Action-Type (TS 29.368 6.4.6): 1 trigger, 3 recall, 4 replace
  target_id        INTEGER REFERENCES device_trigger(id) ON DELETE SET NULL,         -- recall, replace: the row it is about
  old_reference    INTEGER CHECK (old_reference BETWEEN 0 AND 4294967295),           -- Old-Reference-Number of a replace (TS 29.368 6.4.12)
  subscription_id  INTEGER,                                  -- the device, no foreign key; NULL: known to the HSS only
  imsi             TEXT NOT NULL CHECK (length(imsi) <= 15 AND imsi NOT GLOB '*[^0-9]*'),   -- as sent on T4; never leaves the operator
  ext_id           TEXT CHECK (length(ext_id) <= 253),       -- External-Identifier that the SCS used; NULL: it used the MSISDN
  msisdn           TEXT CHECK (length(msisdn) <= 15),        -- MSISDN that the SCS used; NULL: it used the External-Identifier
  scs_identity     TEXT CHECK (length(scs_identity) <= 15),  -- SCS-Identity that the SCS sent; NULL: none
  smea             TEXT NOT NULL CHECK (length(smea) <= 15), -- number of the SCS on T4 (SM-RP-SMEA, TS 29.337)
  dest_host        TEXT NOT NULL CHECK (length(dest_host) <= 255),           -- where the report goes: Origin-Host of the DAR
  dest_realm       TEXT NOT NULL CHECK (length(dest_realm) <= 255),          -- and its Origin-Realm
  state            INTEGER NOT NULL CHECK (state BETWEEN 1 AND 13),  -- 1 submitting 2 pending 3 recalling 4 replacing 5 delivered 6 undeliverable 7 expired 8 unconfirmed 9 recalled 10 replaced 11 refused 12 uncertain 13 done; 1 to 4 are under way
  request_status   INTEGER,                                  -- Request-Status of the answer (TS 29.368 6.4.9); NULL: not answered yet
  outcome          INTEGER,                                  -- Delivery-Outcome (TS 29.368 6.4.10); NULL: none yet
  diagnostic       INTEGER,                                  -- MTC-Error-Diagnostic (TS 29.337); NULL: none
  end_to_end       INTEGER NOT NULL CHECK (end_to_end BETWEEN 0 AND 4294967295),     -- End-to-End identifier of the DAR (RFC 6733 3), to know a retransmission
  content_hash     BLOB NOT NULL CHECK (length(content_hash) = 32),  -- SHA-256 of what was asked, likewise
  received_ms      INTEGER NOT NULL,                         -- when the DAR came
  answered_ms      INTEGER,                                  -- when the SMS-SC had answered
  ended_ms         INTEGER,                                  -- when it reached a final state
  validity_end_ms  INTEGER,                                  -- end of the Validity-Time (RFC 4006 8.33); NULL for a recall
  priority         INTEGER NOT NULL DEFAULT 0 CHECK (priority IN (0, 1)),            -- Priority-Indication (TS 29.368 6.4.7)
  port             INTEGER CHECK (port BETWEEN 0 AND 65535), -- Application-Port-Identifier (TS 29.368 6.4.11); NULL: none
  smssc            TEXT CHECK (length(smssc) <= 255),        -- Diameter identity of the SMS-SC that has it, or was asked last
  payload          BLOB,                                     -- Payload (TS 29.368 6.4.5); emptied when the row ends
  nodes            BLOB                                      -- Serving-Node and Additional-Serving-Node AVPs of the HSS (TS 29.336); emptied when the row ends
) STRICT;
INSERT INTO device_trigger_0005 SELECT * FROM device_trigger;
-- The number after the last one ever given stays the next, even if that row has been deleted.
DELETE FROM sqlite_sequence WHERE name = 'device_trigger_0005';
INSERT INTO sqlite_sequence (name, seq) SELECT 'device_trigger_0005', seq FROM sqlite_sequence WHERE name = 'device_trigger';
DROP TABLE device_trigger;
ALTER TABLE device_trigger_0005 RENAME TO device_trigger;
CREATE UNIQUE INDEX device_trigger_active ON device_trigger(scs_id, reference) WHERE action <> 3 AND state <= 4;
CREATE INDEX device_trigger_reference ON device_trigger(scs_id, reference, (action = 3));
CREATE INDEX device_trigger_device ON device_trigger(smea, imsi) WHERE action <> 3 AND state <= 4;
CREATE INDEX device_trigger_overdue ON device_trigger(validity_end_ms) WHERE state >= 2 AND state <= 4;
CREATE INDEX device_trigger_unfinished ON device_trigger(id) WHERE state <= 4 AND state <> 2;
CREATE INDEX device_trigger_target ON device_trigger(target_id) WHERE target_id IS NOT NULL;
CREATE INDEX device_trigger_received ON device_trigger(received_ms);
