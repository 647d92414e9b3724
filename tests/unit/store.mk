check_PROGRAMS += tests/unit/check_log tests/unit/check_hash tests/contract/check_store
TESTS += tests/unit/check_log tests/unit/check_hash tests/contract/check_store
tests_unit_check_log_LDADD = libiwfutil.la $(CHECK_LIBS) $(GNUTLS_LIBS) -lpthread
tests_unit_check_hash_LDADD = libiwfutil.la $(CHECK_LIBS) $(GNUTLS_LIBS) -lpthread

# The contract of core/store.h on every back end, and what is SQLite's own.
tests_contract_check_store_SOURCES = tests/contract/check_store.c tests/contract/check_store.h \
	tests/contract/store_write_cases.c tests/contract/store_old_cases.c tests/contract/store_sqlite_cases.c tests/contract/store_failure_cases.c \
	tests/contract/migrate_cases.c tests/contract/ident_cases.c
tests_contract_check_store_CPPFLAGS = $(AM_CPPFLAGS) -DIWF_SRCDIR='"$(abs_srcdir)"'
tests_contract_check_store_LDADD = libtestsupport.la libiwfstore.la libiwfcore.la libiwfutil.la $(CHECK_LIBS) \
	$(SQLITE_LIBS) $(GNUTLS_LIBS) -lpthread

# After a new migration: writes db/sqlite/schema.sql.
update-schema: tests/contract/check_store$(EXEEXT)
	IWF_UPDATE_SCHEMA=1 CK_RUN_CASE=migrate tests/contract/check_store$(EXEEXT)
.PHONY: update-schema

# For any test: #include "../support/seed.h", "../support/store_fail.h"; link with libtestsupport.la before the rest.
check_LTLIBRARIES += libtestsupport.la
libtestsupport_la_SOURCES = tests/support/seed.c tests/support/seed.h tests/support/store_fail.c tests/support/store_fail.h
