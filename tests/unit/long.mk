check_PROGRAMS += check_gw_long
TESTS += check_gw_long
check_gw_long_SOURCES = tests/unit/check_gw_long.c
check_gw_long_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
$(check_gw_long_OBJECTS): gen/dict_ids.h
