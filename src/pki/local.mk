noinst_LTLIBRARIES += libiwfpki.la
libiwfpki_la_SOURCES = src/pki/pki.c src/pki/pki.h src/pki/pki_files.c src/pki/pki_files.h src/pki/watched.c src/pki/watched.h
