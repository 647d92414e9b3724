# No IMSI and no name of the inside gets out.
SYSTEM_TESTS += tests/system/t_privacy.sh tests/system/t_privacy_door.sh
check_PROGRAMS += tests/support/taint
