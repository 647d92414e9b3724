-- A number that is another one after each change of what says who may do what:
-- whoever keeps such rows looks at one number, however many SCSs there are and
-- whatever else is written to the file.  UPDATE, since the triggers of an INSERT
-- OR IGNORE ignore as well; without the row all is taken for changed always.
CREATE TABLE admin_stamp (
  id     INTEGER PRIMARY KEY CHECK (id = 1),                 -- one row
  stamp  INTEGER NOT NULL                                    -- made up anew by each change
) STRICT;
INSERT INTO admin_stamp (id, stamp) VALUES (1, random());

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
