check_PROGRAMS += tests/unit/check_node
TESTS += tests/unit/check_node
tests_unit_check_node_SOURCES = tests/unit/check_node.c
tests_unit_check_node_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/support
tests_unit_check_node_LDADD = libtestsupport.la $(CHECK_LDADD) $(SQLITE_LIBS) -lpthread

check_PROGRAMS += tests/unit/check_sender
TESTS += tests/unit/check_sender
tests_unit_check_sender_SOURCES = tests/unit/check_sender.c
tests_unit_check_sender_LDADD = libtestsupport.la $(CHECK_LDADD) $(SQLITE_LIBS) -lpthread

check_PROGRAMS += tests/unit/check_informer
TESTS += tests/unit/check_informer
tests_unit_check_informer_SOURCES = tests/unit/check_informer.c
tests_unit_check_informer_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/support
tests_unit_check_informer_LDADD = libtestsupport.la $(CHECK_LDADD) $(SQLITE_LIBS) -lpthread
