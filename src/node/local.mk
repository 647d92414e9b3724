noinst_LTLIBRARIES += libiwfnode.la
libiwfnode_la_SOURCES = src/node/node.c src/node/node.h
