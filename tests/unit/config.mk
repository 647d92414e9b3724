check_PROGRAMS += tests/unit/check_conf
TESTS += tests/unit/check_conf
tests_unit_check_conf_LDADD = libiwfconf.la libiwfstore.la libiwfcore.la libiwfutil.la $(SQLITE_LIBS) $(CONFIG_LIBS) $(GNUTLS_LIBS) \
	$(CHECK_LIBS) -lpthread

# Transcripts of iwfctl.
TESTS += tests/golden/run.sh
EXTRA_DIST += tests/golden/run.sh tests/golden/config.cli tests/golden/db.cli tests/golden/explain.cli tests/golden/import.cli \
	tests/golden/old.cli tests/golden/privacy.cli tests/golden/provision.cli \
	tests/golden/refused.cli tests/golden/sql.cli tests/golden/words.cli
