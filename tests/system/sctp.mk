# SCTP: the stacks against each other, in the kernel of a small virtual machine and on the wire.
check_PROGRAMS += check_sctp
TESTS += check_sctp
check_sctp_SOURCES = tests/unit/check_sctp.c tests/unit/peer_certs.c tests/unit/peer_certs.h
check_sctp_LDADD = libpeer.la libdia.la $(GNUTLS_LIBS) $(CHECK_LIBS)
$(check_sctp_OBJECTS): gen/dict_ids.h
