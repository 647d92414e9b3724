# The gateway's gate, proxy, configuration and two processes.
GATE_CHECKS = tests/unit/check_gw_proxy tests/unit/check_gw_histories tests/unit/check_gw_gate \
	tests/unit/check_gw_conf tests/unit/check_gw_ipc tests/unit/check_gw_signer tests/unit/check_gw_ocsp \
	tests/unit/check_gw_keeper
check_PROGRAMS += $(GATE_CHECKS)
TESTS += $(GATE_CHECKS)
tests_unit_check_gw_proxy_SOURCES = tests/unit/check_gw_proxy.c
tests_unit_check_gw_proxy_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
tests_unit_check_gw_histories_SOURCES = tests/unit/check_gw_histories.c
tests_unit_check_gw_histories_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
tests_unit_check_gw_gate_SOURCES = tests/unit/check_gw_gate.c
tests_unit_check_gw_gate_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
tests_unit_check_gw_conf_SOURCES = tests/unit/check_gw_conf.c
tests_unit_check_gw_conf_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
tests_unit_check_gw_ipc_SOURCES = tests/unit/check_gw_ipc.c
tests_unit_check_gw_ipc_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
tests_unit_check_gw_signer_SOURCES = tests/unit/check_gw_signer.c
tests_unit_check_gw_signer_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
tests_unit_check_gw_ocsp_SOURCES = tests/unit/check_gw_ocsp.c tests/unit/peer_certs.c tests/unit/peer_certs.h
tests_unit_check_gw_ocsp_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
tests_unit_check_gw_keeper_SOURCES = tests/unit/check_gw_keeper.c tests/unit/peer_certs.c tests/unit/peer_certs.h
tests_unit_check_gw_keeper_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
$(tests_unit_check_gw_proxy_OBJECTS) $(tests_unit_check_gw_histories_OBJECTS) $(tests_unit_check_gw_gate_OBJECTS) \
	$(tests_unit_check_gw_conf_OBJECTS) $(tests_unit_check_gw_ipc_OBJECTS) $(tests_unit_check_gw_signer_OBJECTS) \
	$(tests_unit_check_gw_ocsp_OBJECTS) $(tests_unit_check_gw_keeper_OBJECTS): gen/dict_ids.h
