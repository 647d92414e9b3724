# What is killed while it works.
SYSTEM_TESTS += tests/system/t_kill.sh
EXTRA_DIST += tests/system/drive.sh
