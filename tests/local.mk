# Each .mk belongs to one part of the tree.
include tests/unit/wire.mk
include tests/unit/core.mk
include tests/unit/csv.mk
include tests/unit/store.mk
include tests/unit/config.mk
include tests/unit/node.mk
include tests/unit/peer.mk
include tests/unit/door.mk
include tests/unit/gate.mk
include tests/unit/long.mk
include tests/unit/privacy.mk
include tests/system/local.mk
include tests/system/bad.mk
include tests/system/secgw.mk
include tests/system/import.mk
include tests/system/privacy.mk
include tests/system/attack.mk
include tests/system/fuzz.mk
include tests/system/kill.mk
CHECK_LDADD = libmtciwf.la $(CHECK_LIBS)
include tests/system/sctp.mk
include tests/bench/local.mk
include tests/bench/import.mk
include tests/fuzz/local.mk
