# SCTP: the stacks with themselves, on the wire, and in the kernel of a small virtual machine.
check_PROGRAMS += check_sctp
TESTS += check_sctp
check_sctp_SOURCES = tests/unit/check_sctp.c tests/unit/peer_certs.c tests/unit/peer_certs.h
check_sctp_LDADD = libpeer.la libdia.la $(GNUTLS_LIBS) $(CHECK_LIBS)
$(check_sctp_OBJECTS): gen/dict_ids.h

SYSTEM_TESTS += tests/system/t_sctp_wire.sh
EXTRA_DIST += tests/system/t_sctp_kernel.sh
# Sanitizers find nothing in an emulated machine that they do not find here, and would take minutes.
if !SANITIZED
SYSTEM_TESTS += tests/system/t_sctp_kernel.sh
endif

clean-local: clean-kernel
clean-kernel:
	rm -rf tests/system/kernel
.PHONY: clean-kernel
