# What is killed while it works, disks that are full, SCSs that are away.
SYSTEM_TESTS += tests/system/t_kill.sh tests/system/t_disk.sh tests/system/t_away.sh
EXTRA_DIST += tests/system/drive.sh tests/system/books.sh
