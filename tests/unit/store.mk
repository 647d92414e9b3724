check_PROGRAMS += tests/unit/check_log tests/unit/check_hash
TESTS += tests/unit/check_log tests/unit/check_hash
tests_unit_check_log_LDADD = libiwfutil.la $(CHECK_LIBS) -lpthread
tests_unit_check_hash_LDADD = libiwfutil.la $(CHECK_LIBS) $(GNUTLS_LIBS) -lpthread
