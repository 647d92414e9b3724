check_PROGRAMS += tests/unit/check_conf
TESTS += tests/unit/check_conf
tests_unit_check_conf_LDADD = libiwfconf.la libiwfstore.la libiwfcore.la libiwfutil.la $(SQLITE_LIBS) $(CONFIG_LIBS) $(GNUTLS_LIBS) \
	$(CHECK_LIBS) -lpthread
