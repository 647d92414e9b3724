fdext_LTLIBRARIES += acl_scs.la
acl_scs_la_SOURCES = extensions/acl_scs/acl_scs.c extensions/acl_scs/acl_first.c extensions/acl_scs/acl_first.h
acl_scs_la_LDFLAGS = $(FDX_LDFLAGS)
acl_scs_la_LIBADD = $(FDX_LIBS)
