# The MTC Security Gateway.
SYSTEM_TESTS += tests/system/t_secgw.sh tests/system/t_secgw_ways.sh
