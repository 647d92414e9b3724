WIRE_CHECKS = tests/unit/check_wire tests/unit/check_dict
check_PROGRAMS += $(WIRE_CHECKS)
TESTS += $(WIRE_CHECKS)
EXTRA_DIST += tests/support/wire_fill.h

tests_unit_check_wire_LDADD = libdia.la $(CHECK_LIBS)
tests_unit_check_dict_CPPFLAGS = $(AM_CPPFLAGS) -DAWK='"$(AWK)"' -DGEN_DICT='"$(abs_srcdir)/dict/gen_dict.awk"'
tests_unit_check_dict_LDADD = libdia.la $(CHECK_LIBS)

# Messages for tests/system/wireshark.sh.
check_PROGRAMS += tests/support/wire_samples
tests_support_wire_samples_LDADD = libdia.la
