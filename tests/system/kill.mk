# What is killed while it works.
SYSTEM_TESTS += tests/system/t_kill.sh tests/system/t_disk.sh
EXTRA_DIST += tests/system/drive.sh tests/system/books.sh
