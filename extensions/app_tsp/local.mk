fdext_LTLIBRARIES += app_tsp.la
app_tsp_la_SOURCES = extensions/app_tsp/app_tsp.c extensions/app_tsp/tsp_decode.c extensions/app_tsp/tsp_encode.c \
	extensions/app_tsp/tsp_guard.c extensions/app_tsp/tsp_log.c \
	extensions/app_tsp/tsp_intake.c extensions/app_tsp/tsp_notify.c extensions/app_tsp/tsp_route.c extensions/app_tsp/tsp_stop.c extensions/app_tsp/tsp.h
app_tsp_la_LDFLAGS = $(FDX_LDFLAGS)
app_tsp_la_LIBADD = $(FDX_LIBS)
