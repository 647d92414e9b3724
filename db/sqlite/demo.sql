-- mtc-iwf: rows for a demonstration, for a new database of schema version 1.
-- Two customers, three SCSs (one of them disabled), seven devices, and a grant
-- of each kind.  Numbers and names are invented; do not load this into a node
-- that serves anybody.
PRAGMA foreign_keys = ON;
BEGIN;

-- acme-metering lets only the SCSs that it lists near its meters; nordtrack leaves it to the operator.
INSERT INTO mtc_user (name, contact, restrict_scs) VALUES
  ('acme-metering', 'security@acme.example', 1),
  ('nordtrack', 'noc@nordtrack.example', 0);

INSERT INTO scs (name, origin_host, origin_realm, allow_priority) VALUES
  ('acme', 'scs.acme.example', 'acme.example', 1);
INSERT INTO scs (name, origin_host, origin_realm, rate_per_s, burst, quota, payload_max) VALUES
  ('nordtrack', 'scs.nordtrack.example', 'nordtrack.example', 20, 40, 10000, 120);
INSERT INTO scs (name, origin_host, origin_realm, enabled, valid_until_ms) VALUES
  ('oldfleet', 'scs.oldfleet.example', 'oldfleet.example', 0, unixepoch('2026-07-01') * 1000);

INSERT INTO scs_identity (scs_id, e164, is_primary)
  SELECT id, '491510001001', 1 FROM scs WHERE name = 'acme' UNION ALL
  SELECT id, '491510001002', 0 FROM scs WHERE name = 'acme' UNION ALL
  SELECT id, '491520002001', 1 FROM scs WHERE name = 'nordtrack' UNION ALL
  SELECT id, '491530003001', 1 FROM scs WHERE name = 'oldfleet';

INSERT INTO mtc_user_scs (mtc_user_id, scs_id)
  SELECT u.id, s.id FROM mtc_user u, scs s WHERE u.name = 'acme-metering' AND s.name = 'acme';

-- meter3 and tracker3 have no MSISDN; meter4 is put out of use; nobody may trigger tracker3 for now.
INSERT INTO subscription (imsi, msisdn, mtc_user_id, enabled, trigger_allowed)
  SELECT '001010000000001', '491510000001', id, 1, 1 FROM mtc_user WHERE name = 'acme-metering' UNION ALL
  SELECT '001010000000002', '491510000002', id, 1, 1 FROM mtc_user WHERE name = 'acme-metering' UNION ALL
  SELECT '001010000000003', NULL,           id, 1, 1 FROM mtc_user WHERE name = 'acme-metering' UNION ALL
  SELECT '001010000000004', '491510000004', id, 0, 1 FROM mtc_user WHERE name = 'acme-metering' UNION ALL
  SELECT '001010000000005', '491520000005', id, 1, 1 FROM mtc_user WHERE name = 'nordtrack' UNION ALL
  SELECT '001010000000006', '491520000006', id, 1, 1 FROM mtc_user WHERE name = 'nordtrack' UNION ALL
  SELECT '001010000000007', NULL,           id, 1, 0 FROM mtc_user WHERE name = 'nordtrack';

INSERT INTO external_id (ext_id, subscription_id)
  SELECT 'meter1@iot.example.com',   id FROM subscription WHERE imsi = '001010000000001' UNION ALL
  SELECT 'meter2@iot.example.com',   id FROM subscription WHERE imsi = '001010000000002' UNION ALL
  SELECT 'meter3@iot.example.com',   id FROM subscription WHERE imsi = '001010000000003' UNION ALL
  SELECT 'meter4@iot.example.com',   id FROM subscription WHERE imsi = '001010000000004' UNION ALL
  SELECT 'tracker1@iot.example.com', id FROM subscription WHERE imsi = '001010000000005' UNION ALL
  SELECT 'tracker2@iot.example.com', id FROM subscription WHERE imsi = '001010000000006' UNION ALL
  SELECT 'tracker3@iot.example.com', id FROM subscription WHERE imsi = '001010000000007';
-- The same tracker under a name that only nordtrack knows.
INSERT INTO external_id (ext_id, subscription_id, scs_id)
  SELECT 'lorry-17@nordtrack.iot.example.com', d.id, s.id FROM subscription d, scs s
  WHERE d.imsi = '001010000000005' AND s.name = 'nordtrack';

INSERT INTO device_group (name, external_group_id, mtc_user_id)
  SELECT 'acme-meters', 'all-meters@iot.example.com', id FROM mtc_user WHERE name = 'acme-metering';
INSERT INTO device_group_member (device_group_id, subscription_id)
  SELECT g.id, d.id FROM device_group g, subscription d
  WHERE g.name = 'acme-meters' AND d.imsi IN ('001010000000002', '001010000000003', '001010000000004');

INSERT INTO scs_group (name) VALUES ('fleet-operators');
INSERT INTO scs_group_member (scs_group_id, scs_id)
  SELECT g.id, s.id FROM scs_group g, scs s WHERE g.name = 'fleet-operators' AND s.name IN ('nordtrack', 'oldfleet');

-- One SCS on one device: everything.
INSERT INTO "authorization" (scs_id, subscription_id, may_trigger, may_recall, may_replace)
  SELECT s.id, d.id, 1, 1, 1 FROM scs s, subscription d WHERE s.name = 'acme' AND d.imsi = '001010000000001';
-- One SCS on a group of devices: triggers only, to CoAP and to a range of ports.
INSERT INTO "authorization" (scs_id, device_group_id, may_trigger)
  SELECT s.id, g.id, 1 FROM scs s, device_group g WHERE s.name = 'acme' AND g.name = 'acme-meters';
INSERT INTO authorization_port (authorization_id, port_from, port_to)
  SELECT a.id, 5683, 5683 FROM "authorization" a JOIN device_group g ON g.id = a.device_group_id WHERE g.name = 'acme-meters' UNION ALL
  SELECT a.id, 4096, 4099 FROM "authorization" a JOIN device_group g ON g.id = a.device_group_id WHERE g.name = 'acme-meters';
-- One SCS on a domain of External Identifiers, for some years.
INSERT INTO "authorization" (scs_id, domain, may_trigger, may_recall, valid_from_ms, valid_until_ms)
  SELECT id, 'nordtrack.iot.example.com', 1, 1, unixepoch('2026-01-01') * 1000, unixepoch('2036-01-01') * 1000
  FROM scs WHERE name = 'nordtrack';
-- A group of SCSs on a range of MSISDNs.
INSERT INTO "authorization" (scs_group_id, msisdn_from, msisdn_to, may_trigger, may_recall, may_replace)
  SELECT id, '491520000000', '491520009999', 1, 1, 1 FROM scs_group WHERE name = 'fleet-operators';
-- A group of SCSs on one device.
INSERT INTO "authorization" (scs_group_id, subscription_id, may_trigger)
  SELECT g.id, d.id, 1 FROM scs_group g, subscription d WHERE g.name = 'fleet-operators' AND d.imsi IN ('001010000000005', '001010000000007');

COMMIT;
