noinst_LTLIBRARIES += libfdx.la
libfdx_la_SOURCES = extensions/common/fdx.h extensions/common/fdx_avp.c extensions/common/fdx_msg.c extensions/common/fdx_late.c

FDX_LIBS = libfdx.la libmtciwf.la $(FD_LIBS) $(GNUTLS_LIBS)
