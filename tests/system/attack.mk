# The gateway under attack, and a node by itself.
check_PROGRAMS += tests/system/gw_attack
tests_system_gw_attack_SOURCES = tests/system/gw_attack.c tests/system/gw_attack_early.c tests/system/gw_attack_node.c tests/system/gw_attack.h \
	tests/system/gw_raw.c tests/system/gw_raw.h
tests_system_gw_attack_LDADD = libdia.la $(GNUTLS_LIBS)
$(tests_system_gw_attack_OBJECTS): gen/dict_ids.h
SYSTEM_TESTS += tests/system/t_secgw_attack.sh tests/system/t_direct_attack.sh
EXTRA_DIST += tests/system/good.sh
