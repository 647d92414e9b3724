fdext_LTLIBRARIES += dict_mtc.la
dict_mtc_la_SOURCES = extensions/dict_mtc/dict_mtc.c
dict_mtc_la_LDFLAGS = $(FDX_LDFLAGS)
dict_mtc_la_LIBADD = libmtciwf.la $(FD_LIBS)

# A dictionary that contradicts ours, for tests/system/dict_load.sh; -rpath makes
# libtool build a module of what is never installed.
check_LTLIBRARIES += dict_clash.la
dict_clash_la_SOURCES = tests/system/dict_clash.c
dict_clash_la_LDFLAGS = $(FDX_LDFLAGS) -rpath /nowhere
dict_clash_la_LIBADD = $(FD_LIBS)
