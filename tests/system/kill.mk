# What is killed while it works, disks that are full, SCSs that are away, a node that is asked to end.
SYSTEM_TESTS += tests/system/t_kill.sh tests/system/t_disk.sh tests/system/t_away.sh tests/system/t_stop.sh
EXTRA_DIST += tests/system/drive.sh tests/system/books.sh

SYSTEM_TESTS += tests/system/t_bad_disk.sh
check_PROGRAMS += tests/support/fd_bad_disk
tests_support_fd_bad_disk_SOURCES = tests/support/fd_host.c tests/support/bad_disk.c
tests_support_fd_bad_disk_LDADD = $(FD_LIBS) $(GNUTLS_LIBS) -lpthread
tests_support_fd_bad_disk_LDFLAGS = -rdynamic

check_LTLIBRARIES += hurry.la
hurry_la_SOURCES = tests/system/hurry.c
hurry_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
