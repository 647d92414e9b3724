noinst_LTLIBRARIES += libpeer.la
libpeer_la_SOURCES = src/peer/peer.h src/peer/peer_int.h src/peer/loop.c src/peer/conn.c src/peer/connect.c src/peer/base.c \
	src/peer/tls.c src/peer/setup.c src/peer/listen.c \
	src/peer/sctp.h src/peer/sctp_packet.h src/peer/dtls.h src/peer/dtls.c src/peer/sctp.c src/peer/sctp_kernel.c src/peer/sctp_user.c src/peer/sctp_packet.c
libpeer_la_LIBADD = libdia.la $(GNUTLS_LIBS) $(USRSCTP_LIBS) $(LKSCTP_LIBS)
$(libpeer_la_OBJECTS): gen/dict_ids.h
