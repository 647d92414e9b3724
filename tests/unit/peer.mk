check_PROGRAMS += check_peer check_peer_server check_peer_tls check_sim check_scs
TESTS += check_peer check_peer_server check_peer_tls check_sim check_scs
OUTSIDE_TEST = tests/unit/outside.c tests/unit/outside.h tests/unit/patience.h tests/unit/peer_certs.c tests/unit/peer_certs.h
check_peer_SOURCES = tests/unit/check_peer.c tests/unit/peer_certs.c tests/unit/peer_certs.h
check_peer_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS)
PEER_ENDS = tests/unit/peer_ends.c tests/unit/peer_ends.h tests/unit/peer_certs.c tests/unit/peer_certs.h
check_peer_server_SOURCES = tests/unit/check_peer_server.c $(PEER_ENDS)
check_peer_server_LDFLAGS = -Wl,--wrap=clock_gettime
check_peer_server_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_peer_tls_SOURCES = tests/unit/check_peer_tls.c $(PEER_ENDS)
check_peer_tls_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_sim_SOURCES = tests/unit/check_sim.c $(OUTSIDE_TEST)
check_sim_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_scs_SOURCES = tests/unit/check_scs.c $(OUTSIDE_TEST)
check_scs_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS)
$(check_peer_OBJECTS) $(check_peer_server_OBJECTS) $(check_peer_tls_OBJECTS) $(check_sim_OBJECTS) $(check_scs_OBJECTS): gen/dict_ids.h
check_PROGRAMS += check_load
TESTS += check_load
check_load_SOURCES = tests/unit/check_load.c src/tools/load_math.c src/tools/load_math.h $(OUTSIDE_TEST)
check_load_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/tools
check_load_LDADD = $(OUTSIDE_LIBS) $(CHECK_LIBS) -lm
$(check_load_OBJECTS): gen/dict_ids.h
