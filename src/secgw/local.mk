# mtc-secgw, the MTC Security Gateway.  libsecgw.la is all of it but main(), for the tests.
noinst_LTLIBRARIES += libsecgw.la
libsecgw_la_SOURCES =
# Not libmtciwf.so: the codec is in libpeer.la too, and should be there once.
SECGW_LIBS = libsecgw.la libpeer.la libiwfpki.la libiwfconf.la libiwfstore.la libiwfcore.la libiwfutil.la libdia.la $(SECCOMP_LIBS) $(CURL_LIBS) \
	$(CONFIG_LIBS) $(SQLITE_LIBS) $(GNUTLS_LIBS) -lpthread
AM_CPPFLAGS += -I$(srcdir)/src/secgw
$(libsecgw_la_OBJECTS): gen/dict_ids.h

libsecgw_la_SOURCES += src/secgw/gw_gate.c src/secgw/gw_gate.h src/secgw/gw_rewrite.c src/secgw/gw_rewrite.h \
	src/secgw/gw_proxy.c src/secgw/gw_proxy.h

libsecgw_la_SOURCES += src/secgw/gw_conf.c src/secgw/gw_conf.h src/secgw/gw_sandbox.c src/secgw/gw_sandbox.h
libsecgw_la_SOURCES += src/secgw/gw_keeper.c src/secgw/gw_keeper.h src/secgw/gw_ocsp.c src/secgw/gw_ocsp_read.c src/secgw/gw_ocsp.h
libsecgw_la_SOURCES += src/secgw/gw_ipc.c src/secgw/gw_ipc.h src/secgw/gw_signer.c

libsecgw_la_SOURCES += src/secgw/gw_table.c src/secgw/gw_table.h \
	src/secgw/gw_admit.c src/secgw/gw_admit.h src/secgw/gw_shield.c src/secgw/gw_shield.h
libsecgw_la_SOURCES += src/secgw/gw_door.c src/secgw/gw_door.h src/secgw/gw_door_int.h src/secgw/gw_door_conn.c \
	src/secgw/gw_door_node.c src/secgw/gw_door_stats.c

sbin_PROGRAMS += mtc-secgw
mtc_secgw_SOURCES = src/secgw/main.c
mtc_secgw_LDADD = $(SECGW_LIBS)
