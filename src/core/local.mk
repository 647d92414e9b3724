noinst_LTLIBRARIES += libiwfcore.la
libiwfcore_la_SOURCES = \
	src/core/tsp_types.c src/core/tsp_types.h \
	src/core/s6m_types.c src/core/s6m_types.h \
	src/core/t4_types.c src/core/t4_types.h \
	src/core/iwf_err.c src/core/iwf_err.h \
	src/core/ident.c src/core/ident.h \
	src/core/authz.c src/core/authz.h \
	src/core/policy.c src/core/policy.h \
	src/core/ratelimit.c src/core/ratelimit.h \
	src/core/trigger.c src/core/trigger.h \
	src/core/effects.c src/core/effects.h \
	src/core/map.c src/core/map.h \
	src/core/service.c src/core/service.h src/core/service_int.h \
	src/core/service_state.c src/core/service_audit.c src/core/service_rate.c src/core/service_hss.c src/core/service_t4.c src/core/service_line.c \
	src/core/service_report.c \
	src/core/reason.c src/core/store.h
