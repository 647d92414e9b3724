# Bad input and failing neighbours.
SYSTEM_TESTS += tests/system/t_bad_input.sh tests/system/t_neighbours.sh tests/system/t_hss.sh tests/system/t_store.sh
check_PROGRAMS += tests/system/bad_input
tests_system_bad_input_SOURCES = tests/system/bad_input.c tests/system/bad_input.h tests/system/bad_input_dar.c \
	tests/system/bad_input_link.c
tests_system_bad_input_LDADD = libpeer.la libdia.la $(GNUTLS_LIBS)
$(tests_system_bad_input_OBJECTS): gen/dict_ids.h
