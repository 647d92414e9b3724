check_PROGRAMS += tests/unit/check_csv
TESTS += tests/unit/check_csv
tests_unit_check_csv_LDADD = libiwfutil.la $(GNUTLS_LIBS) $(CHECK_LIBS) -lpthread
