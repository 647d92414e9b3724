# The MTC Security Gateway.
SYSTEM_TESTS += tests/system/t_secgw.sh tests/system/t_secgw_ways.sh
EXTRA_DIST += tests/system/zoo.sh
# The same at freeDiameter's own door.
SYSTEM_TESTS += tests/system/t_identity.sh
