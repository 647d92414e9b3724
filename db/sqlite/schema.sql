-- mtc-iwf: the schema that all migrations together make.  Made by `make update-schema`; compared by check_store.
PRAGMA application_id = 1297369431;
PRAGMA user_version = 8;

CREATE TABLE mtc_user (
  id            INTEGER PRIMARY KEY,                         -- named by subscription, device_group and mtc_user_scs
  name          TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63 AND name NOT GLOB '*[^A-Za-z0-9._-]*'),  -- short name, used on the command line
  contact       TEXT,                                        -- where refusals are reported to
  restrict_scs  INTEGER NOT NULL DEFAULT 0 CHECK (restrict_scs IN (0, 1)),   -- 1: only SCSs listed in mtc_user_scs, whatever authorization grants
  created_ms    INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))  -- when the row was made
) STRICT;

CREATE TABLE scs (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,         -- never used again for another SCS: the audit names it
  name            TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63 AND name NOT GLOB '*[^A-Za-z0-9._-]*'),  -- short name, used on the command line and in the audit
  origin_host     TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(origin_host) BETWEEN 1 AND 255 AND origin_host NOT GLOB '*[^A-Za-z0-9._-]*'),  -- its Diameter identity (Origin-Host, RFC 6733 6.3)
  origin_realm    TEXT NOT NULL COLLATE NOCASE CHECK (length(origin_realm) BETWEEN 1 AND 255 AND origin_realm NOT GLOB '*[^A-Za-z0-9._-]*'),       -- Origin-Realm of its requests (RFC 6733 6.4)
  cert_san        TEXT COLLATE NOCASE CHECK (length(cert_san) BETWEEN 1 AND 255 AND cert_san NOT GLOB '*[^A-Za-z0-9._-]*'),  -- dNSName its certificate must carry (TS 33.310); NULL: origin_host
  cert_sha256     TEXT CHECK (length(cert_sha256) = 64 AND cert_sha256 NOT GLOB '*[^0-9a-f]*'),  -- pin: SHA-256 of the DER certificate, lower-case hex; NULL: any with the right name
  domain          TEXT NOT NULL DEFAULT 'outside' CHECK (domain IN ('inside', 'outside')),   -- inside or outside the operator's security domain (TS 33.210)
  security        TEXT NOT NULL DEFAULT 'tls' CHECK (security IN ('tls', 'ndsip')),          -- ndsip: protected below Diameter (TS 33.210), no certificate here
  enabled         INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),              -- 0: every request NOTAUTHORIZED
  valid_from_ms   INTEGER,                                   -- NULL: always
  valid_until_ms  INTEGER,                                   -- NULL: for ever
  rate_per_s      INTEGER CHECK (rate_per_s BETWEEN 1 AND 1000000),                  -- DARs a second; NULL: policy.rate_per_s; above: RATEEXCEEDED (TS 29.368 6.4.9)
  burst           INTEGER CHECK (burst BETWEEN 1 AND 1000000),                       -- DARs at once; NULL: policy.burst
  quota           INTEGER CHECK (quota >= 0),                -- DARs a period; NULL: no quota; above: QUOTAEXCEEDED (TS 29.368 6.4.9)
  quota_period_s  INTEGER NOT NULL DEFAULT 86400 CHECK (quota_period_s BETWEEN 60 AND 31622400),  -- seconds of that period
  payload_max     INTEGER CHECK (payload_max BETWEEN 1 AND 65535),                   -- octets; NULL: policy.payload_max; above: INVPAYLOAD (TS 29.368 6.4.9)
  validity_max_s  INTEGER CHECK (validity_max_s BETWEEN 1 AND 4294967295),           -- seconds; NULL: policy.validity_max_s; above: INVPERIOD (TS 29.368 6.4.9)
  allow_priority  INTEGER NOT NULL DEFAULT 0 CHECK (allow_priority IN (0, 1)),       -- may send Priority-Indication 1 (TS 29.368 6.4.7)
  allow_trigger   INTEGER NOT NULL DEFAULT 1 CHECK (allow_trigger IN (0, 1)),        -- may send Action-Type 1 (TS 29.368 6.4.6)
  allow_recall    INTEGER NOT NULL DEFAULT 1 CHECK (allow_recall IN (0, 1)),         -- may send Action-Type 3
  allow_replace   INTEGER NOT NULL DEFAULT 1 CHECK (allow_replace IN (0, 1)),        -- may send Action-Type 4
  created_ms      INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),  -- when the row was made
  CHECK (security = 'tls' OR domain = 'inside'),             -- NDS/IP is for SCSs inside the operator's domain
  CHECK (valid_from_ms IS NULL OR valid_until_ms IS NULL OR valid_from_ms < valid_until_ms)
) STRICT;

CREATE TABLE scs_identity (
  scs_id      INTEGER NOT NULL REFERENCES scs(id) ON DELETE CASCADE,         -- whose number
  e164        TEXT NOT NULL UNIQUE CHECK (length(e164) BETWEEN 5 AND 15 AND e164 NOT GLOB '*[^0-9]*' AND e164 NOT GLOB '0*'),  -- digits with the country code, no "+"
  is_primary  INTEGER NOT NULL DEFAULT 0 CHECK (is_primary IN (0, 1)),       -- 1: used when a DAR has no SCS-Identity; if none is marked, the lowest counts
  PRIMARY KEY (scs_id, e164)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX scs_identity_primary ON scs_identity(scs_id) WHERE is_primary = 1;

CREATE TABLE scs_group (
  id    INTEGER PRIMARY KEY,                                 -- named by scs_group_member and authorization
  name  TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63 AND name NOT GLOB '*[^A-Za-z0-9._-]*')   -- short name, used on the command line
) STRICT;

CREATE TABLE scs_group_member (
  scs_group_id  INTEGER NOT NULL REFERENCES scs_group(id) ON DELETE CASCADE,   -- the group
  scs_id        INTEGER NOT NULL REFERENCES scs(id) ON DELETE CASCADE,         -- an SCS in it; one SCS may be in many
  PRIMARY KEY (scs_group_id, scs_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX scs_group_member_scs ON scs_group_member(scs_id);

CREATE TABLE mtc_user_scs (
  mtc_user_id  INTEGER NOT NULL REFERENCES mtc_user(id) ON DELETE CASCADE,   -- the owner of devices
  scs_id       INTEGER NOT NULL REFERENCES scs(id) ON DELETE CASCADE,        -- an SCS that may reach them, where authorization says so too
  PRIMARY KEY (mtc_user_id, scs_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX mtc_user_scs_scs ON mtc_user_scs(scs_id);

CREATE TABLE subscription (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,        -- never used again for another device: the audit names it
  imsi             TEXT NOT NULL UNIQUE CHECK (length(imsi) BETWEEN 14 AND 15 AND imsi NOT GLOB '*[^0-9]*'),   -- never leaves the operator (TS 23.003 2.2)
  msisdn           TEXT UNIQUE CHECK (length(msisdn) BETWEEN 5 AND 15 AND msisdn NOT GLOB '*[^0-9]*' AND msisdn NOT GLOB '0*'),  -- digits with the country code, no "+" (TS 23.003 3.3); NULL: MSISDN-less
  mtc_user_id      INTEGER REFERENCES mtc_user(id),          -- owner; NULL: the operator itself
  enabled          INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),             -- 0: as if it were not there
  trigger_allowed  INTEGER NOT NULL DEFAULT 1 CHECK (trigger_allowed IN (0, 1)),     -- 0: SERVICEUNAVAILABLE (TS 29.368 6.4.9)
  smssc            TEXT COLLATE NOCASE CHECK (length(smssc) BETWEEN 1 AND 255 AND smssc NOT GLOB '*[^A-Za-z0-9._-]*'),  -- static routing: Diameter identity of its SMS-SC; NULL: t4.smssc of the configuration
  created_ms       INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))  -- when the row was made
) STRICT;

CREATE INDEX subscription_user ON subscription(mtc_user_id) WHERE mtc_user_id IS NOT NULL;

CREATE TABLE external_id (
  ext_id           TEXT NOT NULL PRIMARY KEY CHECK (length(ext_id) BETWEEN 3 AND 253 AND ext_id GLOB '?*@?*' AND ext_id NOT GLOB '*@*@*'
                   AND ext_id NOT GLOB '*[^A-Za-z0-9!#$%&''*+/=?^_`{|}~.@-]*'
                   AND substr(ext_id, instr(ext_id, '@')) = lower(substr(ext_id, instr(ext_id, '@')))),  -- local@domain, the domain in lower case
  subscription_id  INTEGER NOT NULL REFERENCES subscription(id) ON DELETE CASCADE,   -- the device of that name
  scs_id           INTEGER REFERENCES scs(id) ON DELETE CASCADE   -- only this SCS knows the device by this name; NULL: all do
) STRICT, WITHOUT ROWID;

CREATE INDEX external_id_subscription ON external_id(subscription_id);

CREATE INDEX external_id_scs ON external_id(scs_id) WHERE scs_id IS NOT NULL;

CREATE TABLE device_group (
  id                 INTEGER PRIMARY KEY,                    -- named by device_group_member and authorization
  name               TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63 AND name NOT GLOB '*[^A-Za-z0-9._-]*'),  -- short name, used on the command line
  external_group_id  TEXT UNIQUE CHECK (length(external_group_id) BETWEEN 3 AND 253 AND external_group_id GLOB '?*@?*' AND external_group_id NOT GLOB '*@*@*'),  -- External Group Identifier, local@domain (TS 23.003 19.7.3); NULL: none
  mtc_user_id        INTEGER REFERENCES mtc_user(id)         -- owner of the group; NULL: the operator itself
) STRICT;

CREATE INDEX device_group_user ON device_group(mtc_user_id) WHERE mtc_user_id IS NOT NULL;

CREATE TABLE device_group_member (
  device_group_id  INTEGER NOT NULL REFERENCES device_group(id) ON DELETE CASCADE,   -- the group
  subscription_id  INTEGER NOT NULL REFERENCES subscription(id) ON DELETE CASCADE,   -- a device in it; one device may be in many
  PRIMARY KEY (device_group_id, subscription_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX device_group_member_subscription ON device_group_member(subscription_id);

CREATE TABLE "authorization" (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,        -- never used again for another row: the audit names it
  scs_id           INTEGER REFERENCES scs(id) ON DELETE CASCADE,             -- who: one SCS
  scs_group_id     INTEGER REFERENCES scs_group(id) ON DELETE CASCADE,       -- who: every SCS in this group
  subscription_id  INTEGER REFERENCES subscription(id) ON DELETE CASCADE,    -- whom: one device
  device_group_id  INTEGER REFERENCES device_group(id) ON DELETE CASCADE,    -- whom: every device in this group
  domain           TEXT CHECK (length(domain) BETWEEN 1 AND 251 AND domain NOT GLOB '*[^a-z0-9.-]*'),   -- whom: domain of the External Identifier used, lower case
  msisdn_from      TEXT CHECK (length(msisdn_from) BETWEEN 5 AND 15 AND msisdn_from NOT GLOB '*[^0-9]*'),  -- whom: range of the MSISDN used; both ends belong to it and have the same length
  msisdn_to        TEXT CHECK (length(msisdn_to) BETWEEN 5 AND 15 AND msisdn_to NOT GLOB '*[^0-9]*'),      -- the other end
  may_trigger      INTEGER NOT NULL DEFAULT 0 CHECK (may_trigger IN (0, 1)),   -- Action-Type 1 (TS 29.368 6.4.6)
  may_recall       INTEGER NOT NULL DEFAULT 0 CHECK (may_recall IN (0, 1)),    -- Action-Type 3
  may_replace      INTEGER NOT NULL DEFAULT 0 CHECK (may_replace IN (0, 1)),   -- Action-Type 4
  may_monitor      INTEGER NOT NULL DEFAULT 0 CHECK (may_monitor IN (0, 1)),   -- monitoring events (TS 23.682 5.6)
  valid_from_ms    INTEGER,                                  -- NULL: always
  valid_until_ms   INTEGER,                                  -- NULL: for ever
  created_ms       INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),  -- when the row was made
  CHECK ((scs_id IS NULL) <> (scs_group_id IS NULL)),
  CHECK ((subscription_id IS NOT NULL) + (device_group_id IS NOT NULL) + (domain IS NOT NULL) + (msisdn_from IS NOT NULL) = 1),
  CHECK ((msisdn_from IS NULL) = (msisdn_to IS NULL)),
  CHECK (msisdn_from IS NULL OR (length(msisdn_from) = length(msisdn_to) AND msisdn_from <= msisdn_to)),
  CHECK (valid_from_ms IS NULL OR valid_until_ms IS NULL OR valid_from_ms < valid_until_ms)
) STRICT;

CREATE INDEX authorization_subscription ON "authorization"(subscription_id, scs_id) WHERE subscription_id IS NOT NULL;

CREATE INDEX authorization_device_group ON "authorization"(device_group_id, scs_id) WHERE device_group_id IS NOT NULL;

CREATE INDEX authorization_domain ON "authorization"(domain, scs_id) WHERE domain IS NOT NULL;

CREATE INDEX authorization_range ON "authorization"(scs_id, msisdn_from) WHERE msisdn_from IS NOT NULL;

CREATE INDEX authorization_group_range ON "authorization"(scs_group_id, msisdn_from) WHERE msisdn_from IS NOT NULL;

CREATE INDEX authorization_scs ON "authorization"(scs_id) WHERE scs_id IS NOT NULL;

CREATE INDEX authorization_scs_group ON "authorization"(scs_group_id) WHERE scs_group_id IS NOT NULL;

CREATE TABLE authorization_port (
  authorization_id  INTEGER NOT NULL REFERENCES "authorization"(id) ON DELETE CASCADE,   -- at most 16 rows each
  port_from         INTEGER NOT NULL CHECK (port_from BETWEEN 0 AND 65535),  -- Application-Port-Identifier (TS 29.368 6.4.11), first of a range
  port_to           INTEGER NOT NULL CHECK (port_to BETWEEN 0 AND 65535),    -- last of the range, which belongs to it
  PRIMARY KEY (authorization_id, port_from),
  CHECK (port_from <= port_to)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER authorization_port_limit BEFORE INSERT ON authorization_port
WHEN (SELECT count(*) FROM authorization_port WHERE authorization_id = NEW.authorization_id) >= 16
BEGIN SELECT RAISE(ABORT, 'an authorization has at most 16 ranges of ports'); END;

CREATE TABLE outbox (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,           -- never used again: a late answer finds no other report
  trigger_id    INTEGER NOT NULL REFERENCES device_trigger(id),              -- the trigger that the report is about
  scs_id        INTEGER NOT NULL REFERENCES scs(id),         -- who gets it
  dest_host     TEXT NOT NULL COLLATE NOCASE CHECK (length(dest_host) <= 255),       -- Destination-Host
  dest_realm    TEXT NOT NULL CHECK (length(dest_realm) <= 255),                     -- Destination-Realm
  ext_id        TEXT CHECK (length(ext_id) <= 253),          -- External-Identifier, if the SCS used it
  msisdn        TEXT CHECK (length(msisdn) <= 15),           -- MSISDN, if the SCS used it
  scs_identity  TEXT CHECK (length(scs_identity) <= 15),     -- SCS-Identity, if the SCS sent it
  reference     INTEGER NOT NULL CHECK (reference BETWEEN 0 AND 4294967295),         -- Reference-Number (TS 29.368 6.4.8)
  outcome       INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 4),                    -- Delivery-Outcome (TS 29.368 6.4.10)
  created_ms    INTEGER NOT NULL,                            -- when the report came
  next_ms       INTEGER NOT NULL,                            -- when it is sent (again)
  expires_ms    INTEGER NOT NULL,                            -- when it is given up
  attempts      INTEGER NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 4294967295) -- how often it has been sent
) STRICT;

CREATE INDEX outbox_due ON outbox(next_ms, id);

CREATE INDEX outbox_host ON outbox(dest_host, next_ms);

CREATE INDEX outbox_trigger ON outbox(trigger_id);

CREATE TABLE usage (
  scs_id           INTEGER NOT NULL REFERENCES scs(id) ON DELETE CASCADE,    -- who
  period_start_ms  INTEGER NOT NULL,                         -- a multiple of scs.quota_period_s
  used             INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),             -- DARs in that period
  PRIMARY KEY (scs_id, period_start_ms)
) STRICT, WITHOUT ROWID;

CREATE VIEW journal AS
SELECT t.id, s.name AS scs, t.reference,
       CASE t.action WHEN 1 THEN 'trigger' WHEN 3 THEN 'recall' ELSE 'replace' END AS action,
       coalesce(t.ext_id, t.msisdn) AS device,
       CASE t.state WHEN 1 THEN 'submitting' WHEN 2 THEN 'pending' WHEN 3 THEN 'recalling' WHEN 4 THEN 'replacing'
         WHEN 5 THEN 'delivered' WHEN 6 THEN 'undeliverable' WHEN 7 THEN 'expired' WHEN 8 THEN 'unconfirmed'
         WHEN 9 THEN 'recalled' WHEN 10 THEN 'replaced' WHEN 11 THEN 'refused' WHEN 12 THEN 'uncertain' ELSE 'done' END AS state,
       t.request_status, t.outcome,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.received_ms / 1000.0, 'unixepoch') AS received,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.answered_ms / 1000.0, 'unixepoch') AS answered,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.ended_ms / 1000.0, 'unixepoch') AS ended,
       t.smssc
FROM device_trigger t JOIN scs s ON s.id = t.scs_id;

CREATE TABLE scs_gateway (
  scs_id         INTEGER PRIMARY KEY REFERENCES scs(id) ON DELETE CASCADE,   -- whose
  connections    INTEGER NOT NULL DEFAULT 1 CHECK (connections BETWEEN 1 AND 1000),          -- connections through the gateway at a time
  ndsip_address  TEXT CHECK (length(ndsip_address) BETWEEN 2 AND 45 AND ndsip_address NOT GLOB '*[^0-9a-f.:]*')  -- scs.security 'ndsip': the address that the gateway takes it from, IPv6 in lower case; NULL: from none
) STRICT;

CREATE TABLE "audit" (
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

CREATE INDEX audit_user ON audit(mtc_user_id, id) WHERE mtc_user_id IS NOT NULL;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are not changed'); END;

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

CREATE TABLE audit_anchor (
  last_id     INTEGER PRIMARY KEY,                           -- the last row that was removed
  hash        BLOB NOT NULL CHECK (length(hash) = 32),       -- its hash
  at_ms       INTEGER NOT NULL,                              -- when
  kept_in     TEXT                                           -- the file that the rows were moved to; NULL: they are gone
) STRICT;

CREATE TABLE user_notice (
  mtc_user_id  INTEGER PRIMARY KEY REFERENCES mtc_user(id) ON DELETE CASCADE,   -- who
  audit_id     INTEGER NOT NULL,                             -- the last row of the audit that was told
  at_ms        INTEGER NOT NULL                              -- when
) STRICT;

CREATE VIEW audit_log AS
SELECT a.id, strftime('%Y-%m-%dT%H:%M:%fZ', a.at_ms / 1000.0, 'unixepoch') AS at,
       a.event, a.decision, a.reason, a.request_status, s.name AS scs, a.peer, a.origin_host, a.address, a.cert_sha256,
       a.device, a.reference, a.detail, a.times, u.name AS user
FROM audit a LEFT JOIN scs s ON s.id = a.scs_id LEFT JOIN mtc_user u ON u.id = a.mtc_user_id;

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

CREATE TABLE "device_trigger" (
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

CREATE INDEX device_trigger_reference ON device_trigger(scs_id, reference, (action = 3));

CREATE INDEX device_trigger_overdue ON device_trigger(validity_end_ms) WHERE state >= 2 AND state <= 4;

CREATE INDEX device_trigger_unfinished ON device_trigger(id) WHERE state <= 4 AND state <> 2;

CREATE INDEX device_trigger_target ON device_trigger(target_id) WHERE target_id IS NOT NULL;

CREATE TABLE admin_stamp (
  id     INTEGER PRIMARY KEY CHECK (id = 1),                 -- one row
  stamp  INTEGER NOT NULL                                    -- made up anew by each change
) STRICT;

CREATE TRIGGER scs_insert_stamp AFTER INSERT ON scs
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_update_stamp AFTER UPDATE ON scs
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_delete_stamp AFTER DELETE ON scs
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_identity_insert_stamp AFTER INSERT ON scs_identity
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_identity_update_stamp AFTER UPDATE ON scs_identity
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_identity_delete_stamp AFTER DELETE ON scs_identity
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_gateway_insert_stamp AFTER INSERT ON scs_gateway
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_gateway_update_stamp AFTER UPDATE ON scs_gateway
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_gateway_delete_stamp AFTER DELETE ON scs_gateway
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_group_member_insert_stamp AFTER INSERT ON scs_group_member
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_group_member_update_stamp AFTER UPDATE ON scs_group_member
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER scs_group_member_delete_stamp AFTER DELETE ON scs_group_member
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER authorization_insert_stamp AFTER INSERT ON "authorization"
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER authorization_update_stamp AFTER UPDATE ON "authorization"
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER authorization_delete_stamp AFTER DELETE ON "authorization"
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER authorization_port_insert_stamp AFTER INSERT ON authorization_port
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER authorization_port_update_stamp AFTER UPDATE ON authorization_port
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;

CREATE TRIGGER authorization_port_delete_stamp AFTER DELETE ON authorization_port
BEGIN UPDATE admin_stamp SET stamp = random() WHERE id = 1; END;
