fdext_LTLIBRARIES += app_t4.la
app_t4_la_SOURCES = extensions/app_t4/app_t4.c
app_t4_la_LDFLAGS = $(FDX_LDFLAGS)
app_t4_la_LIBADD = $(FDX_LIBS)
