-- mtc-iwf, schema version 1.  The schema is a public interface: administrators
-- work on it with plain SQL.  Times are milliseconds since the epoch, UTC.
-- Released migrations are never edited; a change is a new file.

-- The customer who owns devices.
CREATE TABLE mtc_user (
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63),  -- short name, used on the command line
  contact       TEXT,                                        -- where refusals are reported to
  restrict_scs  INTEGER NOT NULL DEFAULT 0 CHECK (restrict_scs IN (0, 1)),   -- 1: only SCSs listed in mtc_user_scs, whatever authorization grants
  created_ms    INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
) STRICT;

-- One Service Capability Server (TS 23.682 4.4.2).
CREATE TABLE scs (
  id              INTEGER PRIMARY KEY,
  name            TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63),        -- short name, used on the command line and in the audit
  origin_host     TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(origin_host) BETWEEN 1 AND 255),  -- its Diameter identity (Origin-Host)
  origin_realm    TEXT NOT NULL COLLATE NOCASE CHECK (length(origin_realm) BETWEEN 1 AND 255),        -- Origin-Realm of its requests
  cert_san        TEXT COLLATE NOCASE,                       -- dNSName its certificate must carry; NULL: origin_host
  cert_sha256     TEXT CHECK (cert_sha256 IS NULL OR (length(cert_sha256) = 64 AND cert_sha256 NOT GLOB '*[^0-9a-f]*')),  -- pin: SHA-256 of the DER certificate; NULL: any with the right name
  domain          TEXT NOT NULL DEFAULT 'outside' CHECK (domain IN ('inside', 'outside')),   -- of the operator's security domain (TS 33.210)
  security        TEXT NOT NULL DEFAULT 'tls' CHECK (security IN ('tls', 'ndsip')),          -- ndsip: protected below Diameter, no certificate here
  enabled         INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),              -- 0: every request NOTAUTHORIZED
  valid_from_ms   INTEGER,                                   -- NULL: always
  valid_until_ms  INTEGER,                                   -- NULL: for ever
  rate_per_s      INTEGER CHECK (rate_per_s BETWEEN 1 AND 1000000),                  -- DARs a second; NULL: policy.rate_per_s; above: RATEEXCEEDED
  burst           INTEGER CHECK (burst BETWEEN 1 AND 1000000),                       -- DARs at once; NULL: policy.burst
  quota           INTEGER CHECK (quota >= 0),                -- DARs a period; NULL: no quota; above: QUOTAEXCEEDED
  quota_period_s  INTEGER NOT NULL DEFAULT 86400 CHECK (quota_period_s BETWEEN 60 AND 31622400),
  payload_max     INTEGER CHECK (payload_max BETWEEN 1 AND 65535),                   -- octets; NULL: policy.payload_max; above: INVPAYLOAD
  validity_max_s  INTEGER CHECK (validity_max_s BETWEEN 1 AND 4294967295),           -- NULL: policy.validity_max_s; above: INVPERIOD
  allow_priority  INTEGER NOT NULL DEFAULT 0 CHECK (allow_priority IN (0, 1)),       -- may send Priority-Indication 1
  allow_trigger   INTEGER NOT NULL DEFAULT 1 CHECK (allow_trigger IN (0, 1)),
  allow_recall    INTEGER NOT NULL DEFAULT 1 CHECK (allow_recall IN (0, 1)),
  allow_replace   INTEGER NOT NULL DEFAULT 1 CHECK (allow_replace IN (0, 1)),
  created_ms      INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  CHECK (security = 'tls' OR domain = 'inside'),             -- NDS/IP is for SCSs inside the operator's domain
  CHECK (valid_from_ms IS NULL OR valid_until_ms IS NULL OR valid_from_ms < valid_until_ms)
) STRICT;

-- E.164 numbers of an SCS: SCS-Identity on Tsp and S6m, SM-RP-SMEA on T4.
CREATE TABLE scs_identity (
  scs_id      INTEGER NOT NULL REFERENCES scs(id) ON DELETE CASCADE,
  e164        TEXT NOT NULL UNIQUE CHECK (length(e164) BETWEEN 5 AND 15 AND e164 NOT GLOB '*[^0-9]*' AND e164 NOT GLOB '0*'),
  is_primary  INTEGER NOT NULL DEFAULT 0 CHECK (is_primary IN (0, 1)),   -- used when a DAR has no SCS-Identity
  PRIMARY KEY (scs_id, e164)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX scs_identity_primary ON scs_identity(scs_id) WHERE is_primary = 1;

-- "A kind of SCS": authorization by group membership.
CREATE TABLE scs_group (
  id    INTEGER PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63)
) STRICT;
CREATE TABLE scs_group_member (
  scs_group_id  INTEGER NOT NULL REFERENCES scs_group(id) ON DELETE CASCADE,
  scs_id        INTEGER NOT NULL REFERENCES scs(id) ON DELETE CASCADE,
  PRIMARY KEY (scs_group_id, scs_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX scs_group_member_scs ON scs_group_member(scs_id);

-- SCSs that an MTC user allows for its own devices (mtc_user.restrict_scs = 1).
CREATE TABLE mtc_user_scs (
  mtc_user_id  INTEGER NOT NULL REFERENCES mtc_user(id) ON DELETE CASCADE,
  scs_id       INTEGER NOT NULL REFERENCES scs(id) ON DELETE CASCADE,
  PRIMARY KEY (mtc_user_id, scs_id)
) STRICT, WITHOUT ROWID;

-- The device.
CREATE TABLE subscription (
  id               INTEGER PRIMARY KEY,
  imsi             TEXT NOT NULL UNIQUE CHECK (length(imsi) BETWEEN 14 AND 15 AND imsi NOT GLOB '*[^0-9]*'),   -- never leaves the operator
  msisdn           TEXT UNIQUE CHECK (msisdn IS NULL OR (length(msisdn) BETWEEN 5 AND 15 AND msisdn NOT GLOB '*[^0-9]*' AND msisdn NOT GLOB '0*')),  -- NULL: MSISDN-less
  mtc_user_id      INTEGER REFERENCES mtc_user(id),          -- owner; NULL: the operator itself
  enabled          INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),             -- 0: as if it were not there
  trigger_allowed  INTEGER NOT NULL DEFAULT 1 CHECK (trigger_allowed IN (0, 1)),     -- 0: SERVICEUNAVAILABLE
  smssc            TEXT COLLATE NOCASE,                      -- static routing: Diameter identity of its SMS-SC; NULL: t4.smssc of the configuration
  created_ms       INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
) STRICT;
CREATE INDEX subscription_user ON subscription(mtc_user_id) WHERE mtc_user_id IS NOT NULL;

-- External Identifier (TS 23.003 19.7.2); a subscription may have several.
CREATE TABLE external_id (
  ext_id           TEXT NOT NULL PRIMARY KEY CHECK (length(ext_id) BETWEEN 3 AND 253 AND ext_id GLOB '?*@?*' AND ext_id NOT GLOB '*@*@*'),  -- local@domain, the domain in lower case
  subscription_id  INTEGER NOT NULL REFERENCES subscription(id) ON DELETE CASCADE,
  scs_id           INTEGER REFERENCES scs(id) ON DELETE CASCADE   -- only this SCS knows the device by this name; NULL: all do
) STRICT, WITHOUT ROWID;
CREATE INDEX external_id_subscription ON external_id(subscription_id);
CREATE INDEX external_id_scs ON external_id(scs_id) WHERE scs_id IS NOT NULL;

-- Groups of devices (TS 23.003 19.7.3).
CREATE TABLE device_group (
  id                 INTEGER PRIMARY KEY,
  name               TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63),
  external_group_id  TEXT UNIQUE CHECK (external_group_id IS NULL OR external_group_id GLOB '?*@?*'),  -- External Group Identifier, local@domain
  mtc_user_id        INTEGER REFERENCES mtc_user(id)
) STRICT;
CREATE TABLE device_group_member (
  device_group_id  INTEGER NOT NULL REFERENCES device_group(id) ON DELETE CASCADE,
  subscription_id  INTEGER NOT NULL REFERENCES subscription(id) ON DELETE CASCADE,
  PRIMARY KEY (device_group_id, subscription_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_group_member_subscription ON device_group_member(subscription_id);

-- Who may do what: an SCS or a group of SCSs, on a device, a group of devices,
-- a domain of External Identifiers or a range of MSISDNs.  No row, no permission.
CREATE TABLE "authorization" (
  id               INTEGER PRIMARY KEY,
  scs_id           INTEGER REFERENCES scs(id) ON DELETE CASCADE,
  scs_group_id     INTEGER REFERENCES scs_group(id) ON DELETE CASCADE,
  subscription_id  INTEGER REFERENCES subscription(id) ON DELETE CASCADE,
  device_group_id  INTEGER REFERENCES device_group(id) ON DELETE CASCADE,
  domain           TEXT CHECK (domain IS NULL OR domain = lower(domain)),            -- domain of the External Identifier used, lower case
  msisdn_from      TEXT CHECK (msisdn_from IS NULL OR msisdn_from NOT GLOB '*[^0-9]*'),  -- range of the MSISDN used; both ends have the same length
  msisdn_to        TEXT CHECK (msisdn_to IS NULL OR msisdn_to NOT GLOB '*[^0-9]*'),
  may_trigger      INTEGER NOT NULL DEFAULT 0 CHECK (may_trigger IN (0, 1)),
  may_recall       INTEGER NOT NULL DEFAULT 0 CHECK (may_recall IN (0, 1)),
  may_replace      INTEGER NOT NULL DEFAULT 0 CHECK (may_replace IN (0, 1)),
  may_monitor      INTEGER NOT NULL DEFAULT 0 CHECK (may_monitor IN (0, 1)),
  valid_from_ms    INTEGER,                                  -- NULL: always
  valid_until_ms   INTEGER,                                  -- NULL: for ever
  created_ms       INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  CHECK ((scs_id IS NULL) <> (scs_group_id IS NULL)),
  CHECK ((subscription_id IS NOT NULL) + (device_group_id IS NOT NULL) + (domain IS NOT NULL) + (msisdn_from IS NOT NULL) = 1),
  CHECK ((msisdn_from IS NULL) = (msisdn_to IS NULL)),
  CHECK (msisdn_from IS NULL OR (length(msisdn_from) = length(msisdn_to) AND msisdn_from <= msisdn_to))
) STRICT;
CREATE INDEX authorization_subscription ON "authorization"(subscription_id, scs_id) WHERE subscription_id IS NOT NULL;
CREATE INDEX authorization_device_group ON "authorization"(device_group_id, scs_id) WHERE device_group_id IS NOT NULL;
CREATE INDEX authorization_domain ON "authorization"(domain, scs_id) WHERE domain IS NOT NULL;
CREATE INDEX authorization_scs ON "authorization"(scs_id) WHERE scs_id IS NOT NULL;
CREATE INDEX authorization_scs_group ON "authorization"(scs_group_id) WHERE scs_group_id IS NOT NULL;

-- Application ports that an authorization is for; no row: any port, or none.
CREATE TABLE authorization_port (
  authorization_id  INTEGER NOT NULL REFERENCES "authorization"(id) ON DELETE CASCADE,
  port_from         INTEGER NOT NULL CHECK (port_from BETWEEN 0 AND 65535),
  port_to           INTEGER NOT NULL CHECK (port_to BETWEEN 0 AND 65535),
  PRIMARY KEY (authorization_id, port_from),
  CHECK (port_from <= port_to)
) STRICT, WITHOUT ROWID;

-- The journal: one row a trigger, replace or recall that reached an SMS-SC or was about to.
CREATE TABLE device_trigger (
  id               INTEGER PRIMARY KEY,
  scs_id           INTEGER NOT NULL REFERENCES scs(id),
  reference        INTEGER NOT NULL CHECK (reference BETWEEN 0 AND 4294967295),      -- Reference-Number (TS 29.368 6.4.8); of a recall: the one recalled
  action           INTEGER NOT NULL CHECK (action IN (1, 3, 4)),                     -- Action-Type: 1 trigger, 3 recall, 4 replace
  target_id        INTEGER REFERENCES device_trigger(id),    -- recall, replace: the row it is about
  old_reference    INTEGER CHECK (old_reference BETWEEN 0 AND 4294967295),           -- Old-Reference-Number of a replace
  subscription_id  INTEGER REFERENCES subscription(id) ON DELETE SET NULL,           -- NULL: known to the HSS only
  imsi             TEXT NOT NULL,                            -- as sent on T4
  ext_id           TEXT,                                     -- External-Identifier that the SCS used
  msisdn           TEXT,                                     -- MSISDN that the SCS used
  scs_identity     TEXT,                                     -- SCS-Identity that the SCS sent
  smea             TEXT NOT NULL,                            -- number of the SCS on T4 (SM-RP-SMEA)
  dest_host        TEXT NOT NULL,                            -- where the report goes: Origin-Host of the DAR
  dest_realm       TEXT NOT NULL,
  state            INTEGER NOT NULL CHECK (state BETWEEN 1 AND 13),  -- 1 submitting 2 pending 3 recalling 4 replacing 5 delivered 6 undeliverable 7 expired 8 unconfirmed 9 recalled 10 replaced 11 refused 12 uncertain 13 done; 1 to 4 are under way
  request_status   INTEGER,                                  -- Request-Status of the answer; NULL: not answered yet
  outcome          INTEGER,                                  -- Delivery-Outcome; NULL: none yet
  diagnostic       INTEGER,                                  -- MTC-Error-Diagnostic; NULL: none
  end_to_end       INTEGER NOT NULL,                         -- End-to-End identifier of the DAR, to know a retransmission
  content_hash     BLOB NOT NULL CHECK (length(content_hash) = 32),  -- SHA-256 of what was asked, likewise
  received_ms      INTEGER NOT NULL,
  answered_ms      INTEGER,                                  -- when the SMS-SC had answered
  ended_ms         INTEGER,                                  -- when it reached a final state
  validity_end_ms  INTEGER,                                  -- NULL for a recall
  priority         INTEGER NOT NULL DEFAULT 0 CHECK (priority IN (0, 1)),
  port             INTEGER,                                  -- Application-Port-Identifier
  smssc            TEXT,                                     -- the SMS-SC that has it, or was asked last
  payload          BLOB,                                     -- emptied when the row ends
  nodes            BLOB                                      -- Serving-Node and Additional-Serving-Node AVPs of the HSS; emptied when the row ends
) STRICT;
CREATE UNIQUE INDEX device_trigger_active ON device_trigger(scs_id, reference) WHERE action <> 3 AND state <= 4;
CREATE INDEX device_trigger_reference ON device_trigger(scs_id, reference, action);
CREATE INDEX device_trigger_e2e ON device_trigger(scs_id, end_to_end);
CREATE INDEX device_trigger_smea ON device_trigger(smea, reference) WHERE action <> 3;
CREATE INDEX device_trigger_device ON device_trigger(smea, imsi) WHERE action <> 3 AND state <= 4;
CREATE INDEX device_trigger_overdue ON device_trigger(validity_end_ms) WHERE state IN (2, 3, 4);
CREATE INDEX device_trigger_unfinished ON device_trigger(id) WHERE state IN (1, 3, 4);
CREATE INDEX device_trigger_subscription ON device_trigger(subscription_id) WHERE subscription_id IS NOT NULL;
CREATE INDEX device_trigger_target ON device_trigger(target_id) WHERE target_id IS NOT NULL;

-- Device-Notification-Requests that the SCS has not answered yet.
CREATE TABLE outbox (
  id            INTEGER PRIMARY KEY,
  trigger_id    INTEGER NOT NULL REFERENCES device_trigger(id),
  scs_id        INTEGER NOT NULL REFERENCES scs(id),
  dest_host     TEXT NOT NULL COLLATE NOCASE,
  dest_realm    TEXT NOT NULL,
  ext_id        TEXT,
  msisdn        TEXT,
  scs_identity  TEXT,
  reference     INTEGER NOT NULL,
  outcome       INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 4),  -- Delivery-Outcome
  created_ms    INTEGER NOT NULL,
  next_ms       INTEGER NOT NULL,                            -- when it is sent (again)
  expires_ms    INTEGER NOT NULL,                            -- when it is given up
  attempts      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_due ON outbox(next_ms, id);
CREATE INDEX outbox_host ON outbox(dest_host);
CREATE INDEX outbox_trigger ON outbox(trigger_id);

-- Quota counters; they survive a restart.
CREATE TABLE usage (
  scs_id           INTEGER NOT NULL REFERENCES scs(id) ON DELETE CASCADE,
  period_start_ms  INTEGER NOT NULL,                         -- a multiple of scs.quota_period_s
  used             INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (scs_id, period_start_ms)
) STRICT, WITHOUT ROWID;

-- Decisions and refusals.  Rows are only added; each carries the hash of the one
-- before it, so that a change or a gap shows.
CREATE TABLE audit (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms            INTEGER NOT NULL,
  event            TEXT NOT NULL,                            -- trigger, recall, replace, report, connect, dar
  decision         TEXT NOT NULL,                            -- accepted, refused, failed, ended
  reason           TEXT NOT NULL,                            -- a word of docs/REASONS.md
  request_status   INTEGER,                                  -- Request-Status sent, if one was
  scs_id           INTEGER,                                  -- no foreign key: an audit row outlives what it speaks of
  peer             TEXT,                                     -- Diameter identity of the connection
  origin_host      TEXT,                                     -- Origin-Host that was claimed
  address          TEXT,                                     -- address and port of the connection
  cert_sha256      TEXT,                                     -- certificate of the connection
  device           TEXT,                                     -- identifier as the SCS gave it; never an IMSI
  subscription_id  INTEGER,
  reference        INTEGER,
  detail           TEXT,
  hash             BLOB NOT NULL CHECK (length(hash) = 32)   -- SHA-256 over the hash of the row before and all columns of this one
) STRICT;
CREATE INDEX audit_scs ON audit(scs_id, at_ms);
CREATE INDEX audit_subscription ON audit(subscription_id, at_ms) WHERE subscription_id IS NOT NULL;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are not changed'); END;
