# `make bench`: figures, never part of the tests (docs/PERFORMANCE.md).
EXTRA_PROGRAMS = bare_tls many_certs
bare_tls_SOURCES = tests/bench/bare_tls.c
bare_tls_LDADD = libdia.la $(GNUTLS_LIBS)
many_certs_SOURCES = tests/support/many_certs.c src/tools/load_math.c src/tools/load_math.h
many_certs_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/tools
many_certs_LDADD = $(GNUTLS_LIBS) -lm
$(bare_tls_OBJECTS) $(many_certs_OBJECTS): gen/dict_ids.h
EXTRA_DIST += tests/bench/bench.sh
CLEANFILES += bare_tls many_certs

bench: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) all-am
	$(MAKE) $(AM_MAKEFLAGS) bare_tls many_certs
	@SRC='$(abs_srcdir)' BUILD='$(abs_builddir)' '$(srcdir)/tests/bench/bench.sh'
.PHONY: bench
