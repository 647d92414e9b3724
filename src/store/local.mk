noinst_LTLIBRARIES += libiwfstore.la
libiwfstore_la_SOURCES = src/store/store_open.c src/store/store_open.h
