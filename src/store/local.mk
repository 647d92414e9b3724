noinst_LTLIBRARIES += libiwfstore.la
libiwfstore_la_SOURCES = src/store/store_open.c src/store/store_open.h \
	src/store/audit_chain.c src/store/audit_chain.h \
	src/store/store_mem.c src/store/store_mem_admin.c src/store/store_mem_audit.c src/store/store_mem.h src/store/store_mem_tables.h \
	src/store/store_sqlite.c src/store/store_sqlite_admin.c src/store/store_sqlite_journal.c \
	src/store/store_sqlite_audit.c src/store/store_sqlite_notice.c src/store/store_sqlite_repeat.c src/store/store_sqlite_cache.c src/store/store_sqlite_log.c src/store/store_sqlite_copy.c \
	src/store/store_sqlite.h src/store/sqlite_stmt.def src/store/sqlite_since.h \
	src/store/sqlite_err.c src/store/sqlite_err.h src/store/migrate.c src/store/migrate.h
nodist_libiwfstore_la_SOURCES = gen/migrations.c
