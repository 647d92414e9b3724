noinst_LTLIBRARIES += libfdx.la
libfdx_la_SOURCES = extensions/common/fdx.h extensions/common/fdx_avp.c extensions/common/fdx_msg.c
libfdx_la_CFLAGS = $(FDX_CFLAGS)

# The headers of freeDiameter are not written for our warnings.
FDX_CFLAGS = $(AM_CFLAGS) -Wno-shadow -Wno-missing-prototypes -Wno-strict-prototypes -Wno-sign-compare -Wno-cpp
FDX_LIBS = libfdx.la libmtciwf.la $(FD_LIBS) $(GNUTLS_LIBS)
