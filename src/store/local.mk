noinst_LTLIBRARIES += libiwfstore.la
libiwfstore_la_SOURCES = src/store/store_open.c src/store/store_open.h \
	src/store/audit_chain.c src/store/audit_chain.h \
	src/store/store_mem.c src/store/store_mem_admin.c src/store/store_mem.h src/store/store_mem_tables.h
