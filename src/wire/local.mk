noinst_LTLIBRARIES += libdia.la
libdia_la_SOURCES = src/wire/dict.c src/wire/dict.h src/wire/dict_slots.h src/wire/wire.c src/wire/wire.h \
	src/wire/bytes.h src/wire/writer.c src/wire/check.c src/wire/print.c \
	src/wire/guard.c src/wire/guard.h
nodist_libdia_la_SOURCES = gen/dict_tables.c gen/dict_ids.h

DICT_CSV = $(srcdir)/dict/base.csv $(srcdir)/dict/tsp.csv $(srcdir)/dict/s6m.csv $(srcdir)/dict/t4.csv
EXTRA_DIST += dict/base.csv dict/tsp.csv dict/s6m.csv dict/t4.csv dict/gen_dict.awk
BUILT_SOURCES += gen/dict_ids.h
CLEANFILES += gen/dict_ids.h gen/dict_tables.c
GEN_DICT = $(AM_V_GEN)$(MKDIR_P) gen && LC_ALL=C $(AWK) -f $(srcdir)/dict/gen_dict.awk

gen/dict_ids.h: $(DICT_CSV) $(srcdir)/dict/gen_dict.awk
	$(GEN_DICT) -v make=ids $(DICT_CSV) > $@.tmp && mv $@.tmp $@
gen/dict_tables.c: $(DICT_CSV) $(srcdir)/dict/gen_dict.awk
	$(GEN_DICT) -v make=tables $(DICT_CSV) > $@.tmp && mv $@.tmp $@
$(libdia_la_OBJECTS): gen/dict_ids.h

# For Wireshark, see docs/WIRESHARK.md.
pkgdata_DATA += gen/wireshark-diameter.xml
dist_pkgdata_SCRIPTS = dict/wireshark-overlay
CLEANFILES += gen/wireshark-diameter.xml
gen/wireshark-diameter.xml: $(DICT_CSV) $(srcdir)/dict/gen_dict.awk
	$(GEN_DICT) -v make=wireshark $(DICT_CSV) > $@.tmp && mv $@.tmp $@
