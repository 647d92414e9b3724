# `make bench`: figures, never part of the tests (docs/PERFORMANCE.md).
EXTRA_PROGRAMS = bare_tls bench_disk bench_sc many_certs
EXTRA_LTLIBRARIES = bare_answer.la bare_relay.la
bare_tls_SOURCES = tests/bench/bare_tls.c
bare_tls_LDADD = libdia.la $(GNUTLS_LIBS)
bench_disk_SOURCES = tests/bench/bench_disk.c
bench_sc_SOURCES = tests/bench/bench_sc.c
bench_sc_LDADD = libpeer.la libdia.la $(GNUTLS_LIBS)
bare_answer_la_SOURCES = tests/bench/bare_answer.c tests/bench/bare.c tests/bench/bare.h
bare_answer_la_LDFLAGS = $(FDX_LDFLAGS) -rpath /nowhere
bare_answer_la_LIBADD = libmtciwf.la $(FD_LIBS)
bare_relay_la_SOURCES = tests/bench/bare_relay.c tests/bench/bare.c tests/bench/bare.h
bare_relay_la_LDFLAGS = $(FDX_LDFLAGS) -rpath /nowhere
bare_relay_la_LIBADD = libmtciwf.la $(FD_LIBS)
many_certs_SOURCES = tests/support/many_certs.c src/tools/load_math.c src/tools/load_math.h
many_certs_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/tools
many_certs_LDADD = $(GNUTLS_LIBS) -lm
$(bare_tls_OBJECTS) $(bench_sc_OBJECTS) $(many_certs_OBJECTS) $(bare_answer_la_OBJECTS) $(bare_relay_la_OBJECTS): gen/dict_ids.h
EXTRA_DIST += tests/bench/bench.sh tests/bench/node.sh tests/bench/soak.sh
SYSTEM_TESTS += tests/system/t_soak.sh
CLEANFILES += bare_tls bench_disk bench_sc many_certs bare_answer.la bare_relay.la

bench: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) all-am
	$(MAKE) $(AM_MAKEFLAGS) bare_tls bench_disk bench_sc many_certs bare_answer.la bare_relay.la
	@SRC='$(abs_srcdir)' BUILD='$(abs_builddir)' '$(srcdir)/tests/bench/bench.sh'

# Everything at once for ten minutes (docs/OPERATING.md); the tests have a short form of it.
soak: all-and-checks
	@SRC='$(abs_srcdir)' BUILD='$(abs_builddir)' SANITIZE='$(sanitize)' bash '$(srcdir)/tests/bench/soak.sh'
.PHONY: bench soak
