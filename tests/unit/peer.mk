check_PROGRAMS += check_peer check_sim
TESTS += check_peer check_sim
OUTSIDE_TEST = tests/unit/outside.c tests/unit/outside.h tests/unit/peer_certs.c tests/unit/peer_certs.h
check_peer_SOURCES = tests/unit/check_peer.c tests/unit/peer_certs.c tests/unit/peer_certs.h
check_peer_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_sim_SOURCES = tests/unit/check_sim.c $(OUTSIDE_TEST)
check_sim_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS)
$(check_peer_OBJECTS) $(check_sim_OBJECTS): gen/dict_ids.h
