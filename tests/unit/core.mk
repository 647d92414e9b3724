CORE_CHECKS = tests/unit/check_ident tests/unit/check_authz tests/unit/check_policy \
	tests/unit/check_ratelimit tests/unit/check_trigger
check_PROGRAMS += $(CORE_CHECKS)
TESTS += $(CORE_CHECKS)
EXTRA_DIST += tests/golden/trigger.matrix

tests_unit_check_ident_SOURCES = tests/unit/check_ident.c
tests_unit_check_ident_LDADD = $(CHECK_LDADD)
tests_unit_check_authz_SOURCES = tests/unit/check_authz.c
tests_unit_check_authz_LDADD = $(CHECK_LDADD)
tests_unit_check_policy_SOURCES = tests/unit/check_policy.c
tests_unit_check_policy_LDADD = $(CHECK_LDADD)
tests_unit_check_ratelimit_SOURCES = tests/unit/check_ratelimit.c
tests_unit_check_ratelimit_LDADD = $(CHECK_LDADD)
tests_unit_check_trigger_SOURCES = tests/unit/check_trigger.c
tests_unit_check_trigger_LDADD = $(CHECK_LDADD)

check_PROGRAMS += tests/unit/check_service
TESTS += tests/unit/check_service
tests_unit_check_service_SOURCES = tests/unit/check_service.c tests/unit/service_cases.h tests/unit/service_checks.c tests/unit/service_rate.c tests/unit/service_audit.c \
	tests/unit/service_t4.c tests/unit/service_hss.c tests/unit/service_report.c tests/unit/service_fail.c \
	tests/support/service_world.c tests/support/service_world.h tests/support/effects_log.c tests/support/effects_log.h
tests_unit_check_service_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/support
tests_unit_check_service_LDADD = libtestsupport.la $(CHECK_LDADD) $(SQLITE_LIBS) $(GNUTLS_LIBS)
