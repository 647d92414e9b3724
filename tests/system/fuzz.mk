# The gateway under load that is killed, and under nonsense.
SYSTEM_TESTS += tests/system/t_secgw_kill.sh tests/system/t_secgw_fuzz.sh
check_PROGRAMS += tests/system/gw_fuzz
tests_system_gw_fuzz_SOURCES = tests/system/gw_fuzz.c tests/system/gw_fuzz.h tests/system/gw_fuzz_mutate.c tests/system/gw_fuzz_tls.c \
	tests/system/gw_fuzz_node.c tests/system/gw_raw.c tests/system/gw_raw.h
tests_system_gw_fuzz_LDADD = libdia.la $(GNUTLS_LIBS)
$(tests_system_gw_fuzz_OBJECTS): gen/dict_ids.h
