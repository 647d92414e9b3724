fdext_LTLIBRARIES += app_s6m.la
app_s6m_la_SOURCES = extensions/app_s6m/app_s6m.c
app_s6m_la_LDFLAGS = $(FDX_LDFLAGS)
app_s6m_la_LIBADD = $(FDX_LIBS)
