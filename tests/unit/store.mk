check_PROGRAMS += tests/unit/check_log tests/unit/check_hash
TESTS += tests/unit/check_log tests/unit/check_hash
tests_unit_check_log_LDADD = libiwfutil.la $(CHECK_LIBS) -lpthread
tests_unit_check_hash_LDADD = libiwfutil.la $(CHECK_LIBS) $(GNUTLS_LIBS) -lpthread

# For any test: #include "../support/seed.h", "../support/store_fail.h"; link with libtestsupport.la before the rest.
check_LTLIBRARIES += libtestsupport.la
libtestsupport_la_SOURCES = tests/support/seed.c tests/support/seed.h tests/support/store_fail.c tests/support/store_fail.h
