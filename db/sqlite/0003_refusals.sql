-- Refusals that repeat are one row of the audit with a count, and name the MTC
-- user whose device it was; the audit can be cut without breaking its chain.
DROP VIEW audit_log;
CREATE TABLE audit_0003 (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,        -- one more than the row before; a gap shows
  at_ms            INTEGER NOT NULL,                         -- when it was decided; of several: the last
  event            TEXT NOT NULL,                            -- trigger, recall, replace, report, connect, dar, admin
  decision         TEXT NOT NULL,                            -- accepted, refused, failed, ended
  reason           TEXT NOT NULL,                            -- a word of docs/REASONS.md
  request_status   INTEGER,                                  -- Request-Status sent (TS 29.368 6.4.9); NULL: none was
  scs_id           INTEGER,                                  -- no foreign key: an audit row outlives what it speaks of; NULL: unknown
  peer             TEXT,                                     -- Diameter identity of the connection
  origin_host      TEXT,                                     -- Origin-Host that was claimed
  address          TEXT,                                     -- address and port of the connection; of several: the address
  cert_sha256      TEXT,                                     -- certificate of the connection
  device           TEXT,                                     -- identifier as the SCS gave it; never an IMSI
  subscription_id  INTEGER,                                  -- the device, no foreign key; NULL: unknown
  reference        INTEGER,                                  -- Reference-Number; NULL: none
  detail           TEXT,                                     -- more words; never an IMSI
  hash             BLOB NOT NULL CHECK (length(hash) = 32),  -- SHA-256 over the hash of the row before and all columns of this one
  mtc_user_id      INTEGER,                                  -- owner of the device at that time, no foreign key; NULL: none
  times            INTEGER NOT NULL DEFAULT 1 CHECK (times >= 1),   -- how many decisions this row stands for; device, reference and detail are of the last
  first_ms         INTEGER                                   -- of several: when the first was made; NULL: there is one
) STRICT;
INSERT INTO audit_0003 (id, at_ms, event, decision, reason, request_status, scs_id, peer, origin_host, address, cert_sha256,
                        device, subscription_id, reference, detail, hash)
  SELECT id, at_ms, event, decision, reason, request_status, scs_id, peer, origin_host, address, cert_sha256,
         device, subscription_id, reference, detail, hash FROM audit;
-- The number after the last one ever given stays the next, even if that row has been deleted.
DELETE FROM sqlite_sequence WHERE name = 'audit_0003';
INSERT INTO sqlite_sequence (name, seq) SELECT 'audit_0003', seq FROM sqlite_sequence WHERE name = 'audit';
DROP TABLE audit;
ALTER TABLE audit_0003 RENAME TO audit;
CREATE INDEX audit_scs ON audit(scs_id, at_ms);
CREATE INDEX audit_subscription ON audit(subscription_id, at_ms) WHERE subscription_id IS NOT NULL;
CREATE INDEX audit_at ON audit(at_ms);
CREATE INDEX audit_user ON audit(mtc_user_id, id) WHERE mtc_user_id IS NOT NULL;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are not changed'); END;

-- Refusals of one kind from one source: after audit.repeat_after of them they are
-- counted here, and after audit.repeat_s become one row of the audit.  Written by the node.
CREATE TABLE audit_repeat (
  id               INTEGER PRIMARY KEY,                      -- for the node
  event            TEXT NOT NULL,                            -- as in audit, as the next ones; what they have in common
  decision         TEXT NOT NULL,                            -- likewise
  reason           TEXT NOT NULL,                            -- likewise
  request_status   INTEGER NOT NULL,                         -- likewise; -1: none
  scs_id           INTEGER NOT NULL,                         -- likewise; 0: unknown
  peer             TEXT NOT NULL,                            -- likewise; '': unknown
  address          TEXT NOT NULL,                            -- likewise, without the port; '': unknown, or many
  mtc_user_id      INTEGER NOT NULL,                         -- likewise; 0: none
  since_ms         INTEGER NOT NULL,                         -- when the first one was made
  told             INTEGER NOT NULL CHECK (told >= 0),       -- how many of them have a row of their own in the audit
  times            INTEGER NOT NULL CHECK (times >= 0),      -- how many came after these
  first_ms         INTEGER,                                  -- when the first of these came
  last_ms          INTEGER,                                  -- and the last, as those that follow
  origin_host      TEXT,                                     -- of the last
  cert_sha256      TEXT,                                     -- of the last
  device           TEXT,                                     -- of the last
  subscription_id  INTEGER,                                  -- of the last
  reference        INTEGER,                                  -- of the last
  detail           TEXT                                      -- of the last
) STRICT;
CREATE UNIQUE INDEX audit_repeat_key ON audit_repeat(event, decision, reason, request_status, scs_id, peer, address, mtc_user_id);
CREATE INDEX audit_repeat_since ON audit_repeat(since_ms);

-- Where the audit was cut: what the first row that is left is chained to.
CREATE TABLE audit_anchor (
  last_id     INTEGER PRIMARY KEY,                           -- the last row that was removed
  hash        BLOB NOT NULL CHECK (length(hash) = 32),       -- its hash
  at_ms       INTEGER NOT NULL,                              -- when
  kept_in     TEXT                                           -- the file that the rows were moved to; NULL: they are gone
) STRICT;

-- Up to where an MTC user has been told of refusals (notify_user.command).  Written by the node.
CREATE TABLE user_notice (
  mtc_user_id  INTEGER PRIMARY KEY REFERENCES mtc_user(id) ON DELETE CASCADE,   -- who
  audit_id     INTEGER NOT NULL,                             -- the last row of the audit that was told
  at_ms        INTEGER NOT NULL                              -- when
) STRICT;

-- The audit with names and times as text, UTC.
CREATE VIEW audit_log AS
SELECT a.id, strftime('%Y-%m-%dT%H:%M:%fZ', a.at_ms / 1000.0, 'unixepoch') AS at,
       a.event, a.decision, a.reason, a.request_status, s.name AS scs, a.peer, a.origin_host, a.address, a.cert_sha256,
       a.device, a.reference, a.detail, a.times, u.name AS user
FROM audit a LEFT JOIN scs s ON s.id = a.scs_id LEFT JOIN mtc_user u ON u.id = a.mtc_user_id;

-- What an MTC user is told: what was refused of what concerns its devices, from
-- which source, and how often; times as text, UTC.
CREATE VIEW user_report AS
SELECT u.name AS user, r.event, r.reason, s.name AS scs, r.origin_host, r.peer,
       CASE WHEN instr(r.address, ']:') THEN substr(r.address, 1, instr(r.address, ']:')) ELSE r.address END AS address,
       r.cert_sha256, sum(r.times) AS times, count(DISTINCT r.device) AS devices, max(r.device) AS device,
       strftime('%Y-%m-%dT%H:%M:%fZ', min(r.first_ms) / 1000.0, 'unixepoch') AS first,
       strftime('%Y-%m-%dT%H:%M:%fZ', max(r.at_ms) / 1000.0, 'unixepoch') AS last
FROM (SELECT event, reason, scs_id, origin_host, peer, address, cert_sha256, device, subscription_id, mtc_user_id, times,
             coalesce(first_ms, at_ms) AS first_ms, at_ms
      FROM audit WHERE decision = 'refused'
      UNION ALL
      SELECT event, reason, nullif(scs_id, 0), origin_host, nullif(peer, ''), nullif(address, ''), cert_sha256, device,
             subscription_id, nullif(mtc_user_id, 0), times, first_ms, last_ms
      FROM audit_repeat WHERE decision = 'refused' AND times > 0) AS r
     LEFT JOIN subscription d ON d.id = r.subscription_id
     JOIN mtc_user u ON u.id = coalesce(r.mtc_user_id, d.mtc_user_id) LEFT JOIN scs s ON s.id = r.scs_id
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
