# `make bench-import`: figures too.
EXTRA_DIST += tests/bench/import.sh
bench-import: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) all-am
	@SRC='$(abs_srcdir)' BUILD='$(abs_builddir)' '$(srcdir)/tests/bench/import.sh'
.PHONY: bench-import
