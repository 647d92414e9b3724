PRIVACY_CHECKS = tests/unit/check_guard tests/unit/check_private
check_PROGRAMS += $(PRIVACY_CHECKS)
TESTS += $(PRIVACY_CHECKS)

tests_unit_check_guard_LDADD = libdia.la $(CHECK_LIBS)
tests_unit_check_private_LDADD = libiwfutil.la $(GNUTLS_LIBS) $(CHECK_LIBS) -lpthread
