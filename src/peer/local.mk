noinst_LTLIBRARIES += libpeer.la
libpeer_la_SOURCES = src/peer/peer.c src/peer/peer.h
