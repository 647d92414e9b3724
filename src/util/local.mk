noinst_LTLIBRARIES += libiwfutil.la
libiwfutil_la_SOURCES = src/util/log.c src/util/log.h src/util/hash.c src/util/hash.h \
	src/util/private.c src/util/private.h src/util/csv.c src/util/csv.h
