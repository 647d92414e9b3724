check_PROGRAMS += check_peer check_sim check_scs
TESTS += check_peer check_sim check_scs
OUTSIDE_TEST = tests/unit/outside.c tests/unit/outside.h tests/unit/peer_certs.c tests/unit/peer_certs.h
check_peer_SOURCES = tests/unit/check_peer.c tests/unit/peer_certs.c tests/unit/peer_certs.h
check_peer_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_sim_SOURCES = tests/unit/check_sim.c $(OUTSIDE_TEST)
check_sim_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_scs_SOURCES = tests/unit/check_scs.c $(OUTSIDE_TEST)
check_scs_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS)
$(check_peer_OBJECTS) $(check_sim_OBJECTS) $(check_scs_OBJECTS): gen/dict_ids.h
