# Each file of migrations is built into the library, in this order.
MIGRATIONS = $(srcdir)/db/sqlite/0001_init.sql $(srcdir)/db/sqlite/0002_scs_gateway.sql $(srcdir)/db/sqlite/0003_refusals.sql \
	$(srcdir)/db/sqlite/0004_partial_indexes.sql $(srcdir)/db/sqlite/0005_fewer_indexes.sql $(srcdir)/db/sqlite/0006_no_device_index.sql \
	$(srcdir)/db/sqlite/0007_admin_stamp.sql $(srcdir)/db/sqlite/0008_no_time_index.sql
MIGRATIONS_AWK = $(srcdir)/db/sqlite/gen_migrations.awk

gen/migrations.c: $(MIGRATIONS) $(MIGRATIONS_AWK)
	$(AM_V_GEN)$(MKDIR_P) gen && $(AWK) -f $(MIGRATIONS_AWK) $(MIGRATIONS) > $@.tmp && mv $@.tmp $@

CLEANFILES += gen/migrations.c gen/migrations.c.tmp
EXTRA_DIST += db/sqlite/0001_init.sql db/sqlite/0002_scs_gateway.sql db/sqlite/0003_refusals.sql db/sqlite/0004_partial_indexes.sql \
	db/sqlite/0005_fewer_indexes.sql db/sqlite/0006_no_device_index.sql db/sqlite/0007_admin_stamp.sql db/sqlite/0008_no_time_index.sql db/sqlite/gen_migrations.awk db/sqlite/schema.sql db/sqlite/demo.sql
sqldir = $(pkgdatadir)/sqlite
sql_DATA = db/sqlite/schema.sql db/sqlite/demo.sql
