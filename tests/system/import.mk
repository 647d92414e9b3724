# Devices by the thousand.
SYSTEM_TESTS += tests/system/t_import.sh
