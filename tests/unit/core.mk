CORE_CHECKS = check_ident check_authz check_policy check_ratelimit check_trigger
check_PROGRAMS += $(CORE_CHECKS)
TESTS += $(CORE_CHECKS)
EXTRA_DIST += tests/golden/trigger.matrix

check_ident_SOURCES = tests/unit/check_ident.c
check_ident_LDADD = $(CHECK_LDADD)
check_authz_SOURCES = tests/unit/check_authz.c
check_authz_LDADD = $(CHECK_LDADD)
check_policy_SOURCES = tests/unit/check_policy.c
check_policy_LDADD = $(CHECK_LDADD)
check_ratelimit_SOURCES = tests/unit/check_ratelimit.c
check_ratelimit_LDADD = $(CHECK_LDADD)
check_trigger_SOURCES = tests/unit/check_trigger.c
check_trigger_LDADD = $(CHECK_LDADD)
