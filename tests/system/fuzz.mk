# The gateway under load that is killed, and under nonsense.
SYSTEM_TESTS += tests/system/t_secgw_kill.sh
