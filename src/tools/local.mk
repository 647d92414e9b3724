# The outside parties: on our own Diameter stack, nothing of the node in them.
bin_PROGRAMS += tsp-scs tsp-load sim-hss sim-smssc
OUTSIDE_LIBS = libpeer.la libdia.la $(GNUTLS_LIBS)
tsp_scs_SOURCES = src/tools/tsp_scs.c src/tools/tsp_scs.h src/tools/tsp_scs_args.c src/tools/tsp_scs_dar.c \
	src/tools/tsp_scs_print.c src/tools/tool.c src/tools/tool.h
tsp_scs_LDADD = $(OUTSIDE_LIBS)
tsp_load_SOURCES = src/tools/tsp_load.c src/tools/tsp_load.h src/tools/tsp_load_args.c src/tools/tsp_load_print.c \
	src/tools/load_math.c src/tools/load_math.h src/tools/tool.c src/tools/tool.h
tsp_load_LDADD = $(OUTSIDE_LIBS) -lm
SIM_SOURCES = src/tools/sim.h src/tools/sim_conf.c src/tools/sim_server.c src/tools/tool.c src/tools/tool.h
sim_hss_SOURCES = src/tools/sim_hss.c $(SIM_SOURCES)
sim_hss_LDADD = $(OUTSIDE_LIBS) $(CONFIG_LIBS)
sim_smssc_SOURCES = src/tools/sim_smssc.c src/tools/sim_smssc.h src/tools/sim_smssc_conf.c \
	src/tools/sim_smssc_report.c src/tools/sim_smssc_store.c src/tools/sim_smssc_book.c $(SIM_SOURCES)
sim_smssc_LDADD = $(OUTSIDE_LIBS) $(CONFIG_LIBS)
$(tsp_scs_OBJECTS) $(tsp_load_OBJECTS) $(sim_hss_OBJECTS) $(sim_smssc_OBJECTS): gen/dict_ids.h

# The administrator's tool: on the node's own library.
bin_PROGRAMS += iwfctl
iwfctl_SOURCES = src/tools/iwfctl.c src/tools/iwfctl.h src/tools/iwfctl_args.c src/tools/iwfctl_args.h \
	src/tools/iwfctl_out.c src/tools/iwfctl_sql.c src/tools/iwfctl_check.c src/tools/iwfctl_fdconf.c src/tools/iwfctl_cert.c \
	src/tools/iwfctl_db.c src/tools/iwfctl_scs.c src/tools/iwfctl_device.c src/tools/iwfctl_user.c src/tools/iwfctl_group.c \
	src/tools/iwfctl_bulk.h src/tools/iwfctl_batch.h src/tools/iwfctl_batch.c src/tools/iwfctl_batch_row.c \
	src/tools/iwfctl_import.c src/tools/iwfctl_export.c src/tools/iwfctl_input.c src/tools/iwfctl_progress.c \
	src/tools/iwfctl_grant.c src/tools/iwfctl_trigger.c src/tools/iwfctl_audit.c src/tools/iwfctl_privacy.c \
	src/tools/iwfctl_old.c src/tools/iwfctl_old.h src/tools/iwfctl_explain.c
iwfctl_LDADD = libmtciwf.la $(SQLITE_LIBS) $(GNUTLS_LIBS) $(ZLIB_LIBS) $(ZSTD_LIBS)
