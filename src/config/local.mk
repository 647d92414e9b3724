noinst_LTLIBRARIES += libiwfconf.la
libiwfconf_la_SOURCES = \
	src/config/conf.c src/config/conf.h src/config/conf_read.c \
	src/config/conf_sample.c \
	src/config/conf_schema.c src/config/conf_schema.h \
	src/config/conf_text.c src/config/conf_text.h
