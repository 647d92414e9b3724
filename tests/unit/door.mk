DOOR_CHECKS = check_gw_table check_pki check_gw_admit check_gw_shield
check_PROGRAMS += $(DOOR_CHECKS)
TESTS += $(DOOR_CHECKS)
check_gw_table_SOURCES = tests/unit/check_gw_table.c
check_gw_table_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
check_pki_SOURCES = tests/unit/check_pki.c
check_pki_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
check_gw_admit_SOURCES = tests/unit/check_gw_admit.c
check_gw_admit_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
check_gw_shield_SOURCES = tests/unit/check_gw_shield.c
check_gw_shield_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
$(check_gw_table_OBJECTS) $(check_pki_OBJECTS) $(check_gw_admit_OBJECTS) $(check_gw_shield_OBJECTS): gen/dict_ids.h
check_PROGRAMS += check_gw_door
TESTS += check_gw_door
check_gw_door_SOURCES = tests/unit/check_gw_door.c tests/unit/peer_certs.c tests/unit/peer_certs.h
check_gw_door_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
$(check_gw_door_OBJECTS): gen/dict_ids.h
