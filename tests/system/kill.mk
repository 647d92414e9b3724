# What is killed while it works, disks that are full, SCSs that are away, a node that is asked to end.
SYSTEM_TESTS += tests/system/t_kill.sh tests/system/t_disk.sh tests/system/t_away.sh tests/system/t_stop.sh
EXTRA_DIST += tests/system/drive.sh tests/system/books.sh
