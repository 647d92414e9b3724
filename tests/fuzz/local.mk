# Fuzz targets.  `make check` replays the seeds with each; a build with --enable-fuzzing also has them as programs of
# libFuzzer, and `make fuzz` runs these one after the other.  See docs/FUZZING.md.
FUZZ_MUTATOR = tests/fuzz/fuzz.h tests/fuzz/mutate.c
FUZZ_MESSAGES = $(FUZZ_MUTATOR) tests/fuzz/mutate_message.c tests/fuzz/mutator.c
FUZZ_FD_WORLD = tests/fuzz/fd_world.c tests/fuzz/fd_world.h

# TARGET:folder of its seeds
FUZZ_TARGETS = wire:messages ident:ident gate:messages ipc:ipc pki:pki conf:conf sctp:sctp dar:messages t4:messages s6m:messages csv:csv
FUZZ_SOURCES_wire = tests/fuzz/fuzz_wire.c $(FUZZ_MESSAGES)
FUZZ_SOURCES_ident = tests/fuzz/fuzz_ident.c $(FUZZ_MUTATOR)
FUZZ_SOURCES_gate = tests/fuzz/fuzz_gate.c $(FUZZ_MESSAGES)
FUZZ_SOURCES_ipc = tests/fuzz/fuzz_ipc.c $(FUZZ_MUTATOR)
FUZZ_SOURCES_pki = tests/fuzz/fuzz_pki.c tests/fuzz/pki_world.h $(FUZZ_MUTATOR)
FUZZ_SOURCES_conf = tests/fuzz/fuzz_conf.c $(FUZZ_MUTATOR)
FUZZ_SOURCES_sctp = tests/fuzz/fuzz_sctp.c $(FUZZ_MUTATOR)
FUZZ_SOURCES_dar = tests/fuzz/fuzz_dar.c extensions/app_tsp/tsp_decode.c $(FUZZ_FD_WORLD) $(FUZZ_MESSAGES)
FUZZ_SOURCES_t4 = tests/fuzz/fuzz_t4.c $(FUZZ_FD_WORLD) $(FUZZ_MESSAGES)
FUZZ_SOURCES_s6m = tests/fuzz/fuzz_s6m.c $(FUZZ_FD_WORLD) $(FUZZ_MESSAGES)
FUZZ_SOURCES_csv = tests/fuzz/fuzz_csv.c $(FUZZ_MUTATOR)

FUZZ_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/fuzz
FUZZ_FD_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(srcdir)/extensions/app_tsp

FUZZ_REPLAYS = tests/fuzz/replay_wire tests/fuzz/replay_ident tests/fuzz/replay_gate tests/fuzz/replay_ipc tests/fuzz/replay_pki tests/fuzz/replay_conf tests/fuzz/replay_sctp tests/fuzz/replay_dar tests/fuzz/replay_t4 tests/fuzz/replay_s6m tests/fuzz/replay_csv
check_PROGRAMS += $(FUZZ_REPLAYS)
TESTS += $(FUZZ_REPLAYS)

tests_fuzz_replay_wire_SOURCES = $(FUZZ_SOURCES_wire) tests/fuzz/replay.c
tests_fuzz_replay_wire_CPPFLAGS = $(FUZZ_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/messages"' -DMUTATIONS=3000
tests_fuzz_replay_wire_LDADD = libdia.la
tests_fuzz_replay_ident_SOURCES = $(FUZZ_SOURCES_ident) tests/fuzz/replay.c
tests_fuzz_replay_ident_CPPFLAGS = $(FUZZ_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/ident"' -DMUTATIONS=20000
tests_fuzz_replay_ident_LDADD = libiwfcore.la
tests_fuzz_replay_gate_SOURCES = $(FUZZ_SOURCES_gate) tests/fuzz/replay.c
tests_fuzz_replay_gate_CPPFLAGS = $(FUZZ_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/messages"' -DMUTATIONS=2000
tests_fuzz_replay_gate_LDADD = $(SECGW_LIBS)
tests_fuzz_replay_ipc_SOURCES = $(FUZZ_SOURCES_ipc) tests/fuzz/replay.c
tests_fuzz_replay_ipc_CPPFLAGS = $(FUZZ_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/ipc"' -DMUTATIONS=3000
tests_fuzz_replay_ipc_LDADD = $(SECGW_LIBS)
tests_fuzz_replay_pki_SOURCES = $(FUZZ_SOURCES_pki) tests/fuzz/replay.c
tests_fuzz_replay_pki_CPPFLAGS = $(FUZZ_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/pki"' -DMUTATIONS=500
tests_fuzz_replay_pki_LDADD = $(SECGW_LIBS)
tests_fuzz_replay_conf_SOURCES = $(FUZZ_SOURCES_conf) tests/fuzz/replay.c
tests_fuzz_replay_conf_CPPFLAGS = $(FUZZ_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/conf"' -DMUTATIONS=500
tests_fuzz_replay_conf_LDADD = $(SECGW_LIBS)
tests_fuzz_replay_sctp_SOURCES = $(FUZZ_SOURCES_sctp) tests/fuzz/replay.c
tests_fuzz_replay_sctp_CPPFLAGS = $(FUZZ_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/sctp"' -DMUTATIONS=3000
tests_fuzz_replay_sctp_LDADD = libpeer.la libdia.la $(GNUTLS_LIBS)
tests_fuzz_replay_dar_SOURCES = $(FUZZ_SOURCES_dar) tests/fuzz/replay.c
tests_fuzz_replay_dar_CPPFLAGS = $(FUZZ_FD_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/messages"' -DMUTATIONS=1000
tests_fuzz_replay_dar_LDADD = $(FDX_LIBS)
tests_fuzz_replay_t4_SOURCES = $(FUZZ_SOURCES_t4) tests/fuzz/replay.c
tests_fuzz_replay_t4_CPPFLAGS = $(FUZZ_FD_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/messages"' -DMUTATIONS=1000
tests_fuzz_replay_t4_LDADD = $(FDX_LIBS)
tests_fuzz_replay_s6m_SOURCES = $(FUZZ_SOURCES_s6m) tests/fuzz/replay.c
tests_fuzz_replay_s6m_CPPFLAGS = $(FUZZ_FD_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/messages"' -DMUTATIONS=1000
tests_fuzz_replay_s6m_LDADD = $(FDX_LIBS)
tests_fuzz_replay_csv_SOURCES = $(FUZZ_SOURCES_csv) tests/fuzz/replay.c
tests_fuzz_replay_csv_CPPFLAGS = $(FUZZ_CPPFLAGS) -DSEEDS='"$(abs_srcdir)/tests/fuzz/seeds/csv"' -DMUTATIONS=3000
tests_fuzz_replay_csv_LDADD = libiwfutil.la $(GNUTLS_LIBS) -lpthread

if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_wire tests/fuzz/fuzz_ident tests/fuzz/fuzz_gate tests/fuzz/fuzz_ipc tests/fuzz/fuzz_pki tests/fuzz/fuzz_conf tests/fuzz/fuzz_sctp tests/fuzz/fuzz_dar tests/fuzz/fuzz_t4 tests/fuzz/fuzz_s6m tests/fuzz/fuzz_csv
tests_fuzz_fuzz_wire_SOURCES = $(FUZZ_SOURCES_wire)
tests_fuzz_fuzz_wire_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_wire_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_wire_LDADD = libdia.la
tests_fuzz_fuzz_ident_SOURCES = $(FUZZ_SOURCES_ident)
tests_fuzz_fuzz_ident_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_ident_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ident_LDADD = libiwfcore.la
tests_fuzz_fuzz_gate_SOURCES = $(FUZZ_SOURCES_gate)
tests_fuzz_fuzz_gate_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_gate_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_gate_LDADD = $(SECGW_LIBS)
tests_fuzz_fuzz_ipc_SOURCES = $(FUZZ_SOURCES_ipc)
tests_fuzz_fuzz_ipc_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_ipc_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ipc_LDADD = $(SECGW_LIBS)
tests_fuzz_fuzz_pki_SOURCES = $(FUZZ_SOURCES_pki)
tests_fuzz_fuzz_pki_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_pki_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_pki_LDADD = $(SECGW_LIBS)
tests_fuzz_fuzz_conf_SOURCES = $(FUZZ_SOURCES_conf)
tests_fuzz_fuzz_conf_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_conf_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_conf_LDADD = $(SECGW_LIBS)
tests_fuzz_fuzz_sctp_SOURCES = $(FUZZ_SOURCES_sctp)
tests_fuzz_fuzz_sctp_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_sctp_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_sctp_LDADD = libpeer.la libdia.la $(GNUTLS_LIBS)
tests_fuzz_fuzz_dar_SOURCES = $(FUZZ_SOURCES_dar)
tests_fuzz_fuzz_dar_CPPFLAGS = $(FUZZ_FD_CPPFLAGS)
tests_fuzz_fuzz_dar_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dar_LDADD = $(FDX_LIBS)
tests_fuzz_fuzz_t4_SOURCES = $(FUZZ_SOURCES_t4)
tests_fuzz_fuzz_t4_CPPFLAGS = $(FUZZ_FD_CPPFLAGS)
tests_fuzz_fuzz_t4_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_t4_LDADD = $(FDX_LIBS)
tests_fuzz_fuzz_s6m_SOURCES = $(FUZZ_SOURCES_s6m)
tests_fuzz_fuzz_s6m_CPPFLAGS = $(FUZZ_FD_CPPFLAGS)
tests_fuzz_fuzz_s6m_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_s6m_LDADD = $(FDX_LIBS)
tests_fuzz_fuzz_csv_SOURCES = $(FUZZ_SOURCES_csv)
tests_fuzz_fuzz_csv_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_csv_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_csv_LDADD = libiwfutil.la $(GNUTLS_LIBS) -lpthread
endif

# make fuzz FUZZ_SECONDS=60: each target in turn for that long; new inputs go to fuzz-corpus/TARGET, what kills it to the
# working directory.
FUZZ_SECONDS = 60
fuzz: all-am
	@for t in $(FUZZ_TARGETS); do \
		echo "== fuzz_$${t%%:*}"; $(MKDIR_P) fuzz-corpus/$${t%%:*}; \
		LSAN_OPTIONS=print_suppressions=0 \
		tests/fuzz/fuzz_$${t%%:*} -max_total_time=$(FUZZ_SECONDS) -timeout=10 -detect_leaks=0 -print_final_stats=1 -verbosity=0 \
			fuzz-corpus/$${t%%:*} $(srcdir)/tests/fuzz/seeds/$${t##*:} || exit 1; \
	done

# The seeds that are octets; they are in the tree, this makes them anew.
EXTRA_PROGRAMS += tests/fuzz/make_seeds
tests_fuzz_make_seeds_SOURCES = tests/fuzz/make_seeds.c tests/fuzz/fuzz.h
tests_fuzz_make_seeds_LDADD = $(SECGW_LIBS)
fuzz-seeds: tests/fuzz/make_seeds$(EXEEXT)
	tests/fuzz/make_seeds$(EXEEXT) $(srcdir)/tests/fuzz
.PHONY: fuzz fuzz-seeds
CLEANFILES += tests/fuzz/make_seeds$(EXEEXT)
EXTRA_DIST += tests/fuzz/seeds
$(tests_fuzz_replay_wire_OBJECTS) $(tests_fuzz_replay_ident_OBJECTS) $(tests_fuzz_replay_gate_OBJECTS) $(tests_fuzz_replay_ipc_OBJECTS) $(tests_fuzz_replay_pki_OBJECTS) $(tests_fuzz_replay_conf_OBJECTS) $(tests_fuzz_replay_sctp_OBJECTS) $(tests_fuzz_replay_dar_OBJECTS) $(tests_fuzz_replay_t4_OBJECTS) $(tests_fuzz_replay_s6m_OBJECTS) $(tests_fuzz_make_seeds_OBJECTS): gen/dict_ids.h

# The same mutations against a live node.
SYSTEM_TESTS += tests/system/t_fuzz.sh
check_PROGRAMS += tests/system/fuzz_node
tests_system_fuzz_node_SOURCES = tests/system/fuzz_node.c tests/system/fuzz_node.h tests/system/fuzz_inside.c tests/system/fuzz_make.c \
	tests/support/wire_fill.h $(FUZZ_MUTATOR) tests/fuzz/mutate_message.c
tests_system_fuzz_node_LDADD = libpeer.la libdia.la $(GNUTLS_LIBS)
$(tests_system_fuzz_node_OBJECTS): gen/dict_ids.h
