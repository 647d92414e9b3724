PRIVACY_CHECKS = tests/unit/check_guard tests/unit/check_private
check_PROGRAMS += $(PRIVACY_CHECKS)
TESTS += $(PRIVACY_CHECKS)

tests_unit_check_guard_LDADD = libdia.la $(CHECK_LIBS)
tests_unit_check_private_LDADD = libiwfutil.la $(GNUTLS_LIBS) $(CHECK_LIBS) -lpthread
check_PROGRAMS += tests/unit/check_gw_privacy
TESTS += tests/unit/check_gw_privacy
tests_unit_check_gw_privacy_LDADD = $(SECGW_LIBS) $(CHECK_LIBS)
$(tests_unit_check_guard_OBJECTS) $(tests_unit_check_gw_privacy_OBJECTS): gen/dict_ids.h
