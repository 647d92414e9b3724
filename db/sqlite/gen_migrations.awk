# gen_migrations.awk - makes a C table of the migrations given as arguments, in
# that order.  Their names must begin with 0001_, 0002_, ... without a gap.

function fail(why) { print FILENAME ": " why > "/dev/stderr"; failed = 1; exit 1 }

function finish() { if (n) print "\t}," }

BEGIN {
	print "/* made by gen_migrations.awk from db/sqlite/; do not edit */"
	print "#include \"migrate.h\""
	print ""
	print "const struct iwf_migration iwf_migrations[] = {"
}

FNR == 1 {
	finish()
	name = FILENAME
	sub(/.*\//, "", name)
	if (substr(name, 1, 5) != sprintf("%04d_", ++n))
		fail("should begin with " sprintf("%04d_", n))
	print "\t{ \"" name "\","
}

{
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	gsub(/\?\?/, "?\\?")
	print "\t  \"" $0 "\\n\""
}

END {
	if (failed)
		exit 1
	finish()
	print "};"
	print "const unsigned iwf_migrations_n = " n + 0 ";"
}
