# Real daemons on loopback: `make check-system`, one after the other.  Each is
# run with SRC and BUILD; exit 0 passed, 77 skipped.
SYSTEM_TESTS = \
	tests/system/dict_load.sh \
	tests/system/wireshark.sh \
	tests/system/t_trigger.sh tests/system/t_trigger_door.sh tests/system/t_flood.sh
EXTRA_DIST += $(SYSTEM_TESTS) tests/system/lab.sh tests/system/case.sh tests/system/wire.sh tests/system/run-test.sh \
	tests/system/asan.supp tests/system/lsan.supp tests/system/tsan.supp

check_PROGRAMS += tests/support/fd_host
tests_support_fd_host_SOURCES = tests/support/fd_host.c
tests_support_fd_host_LDADD = $(FD_LIBS) $(GNUTLS_LIBS) -lpthread

# One after the other: two makes in parallel would build the same libraries.
all-and-checks: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) all-am
	$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS) $(check_LTLIBRARIES)

check-system: all-and-checks
	@SRC='$(abs_srcdir)' BUILD='$(abs_builddir)' SANITIZE='$(sanitize)' CC='$(CC)' \
		'$(srcdir)/tests/system/run-test.sh' $(SYSTEM_TESTS)

# What is threaded, for a build with -fsanitize=thread.
THREAD_UNIT_TESTS = tests/unit/check_node tests/unit/check_sender tests/contract/check_store tests/unit/check_log \
	tests/unit/check_gw_ipc tests/unit/check_gw_signer tests/unit/check_gw_ocsp
check-threads: all-and-checks
	@SRC='$(abs_srcdir)' BUILD='$(abs_builddir)' SANITIZE='$(sanitize)' CC='$(CC)' \
		'$(srcdir)/tests/system/run-test.sh' $(THREAD_UNIT_TESTS) tests/system/t_trigger.sh tests/system/t_trigger_door.sh
.PHONY: all-and-checks check-system check-threads
