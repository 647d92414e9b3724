noinst_LTLIBRARIES += libiwfconf.la
libiwfconf_la_SOURCES = src/config/conf.c src/config/conf.h
