noinst_LTLIBRARIES += libiwfcore.la
libiwfcore_la_SOURCES = src/core/tsp_types.c src/core/tsp_types.h
