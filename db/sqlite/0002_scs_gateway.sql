-- What the MTC Security Gateway wants to know of an SCS besides.  No row: one
-- connection at a time, and none without TLS.
CREATE TABLE scs_gateway (
  scs_id         INTEGER PRIMARY KEY REFERENCES scs(id) ON DELETE CASCADE,   -- whose
  connections    INTEGER NOT NULL DEFAULT 1 CHECK (connections BETWEEN 1 AND 1000),          -- connections through the gateway at a time
  ndsip_address  TEXT CHECK (length(ndsip_address) BETWEEN 2 AND 45 AND ndsip_address NOT GLOB '*[^0-9a-f.:]*')  -- scs.security 'ndsip': the address that the gateway takes it from, IPv6 in lower case; NULL: from none
) STRICT;
