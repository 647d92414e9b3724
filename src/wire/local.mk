noinst_LTLIBRARIES += libdia.la
libdia_la_SOURCES = src/wire/wire.c src/wire/wire.h src/wire/dict.c src/wire/dict.h
