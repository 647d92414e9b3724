# gen_dict.awk - turns dict/*.csv into C tables and into Wireshark's XML.
#
#   awk -v make=ids    -f gen_dict.awk base.csv tsp.csv s6m.csv t4.csv > dict_ids.h
#   awk -v make=tables -f gen_dict.awk base.csv tsp.csv s6m.csv t4.csv > dict_tables.c
#   awk -v make=wireshark -f gen_dict.awk base.csv tsp.csv s6m.csv t4.csv > Custom.xml
#
# All rows are read and checked before anything is written; what is wrong is
# told as file:line, all of it, and ends with exit status 1.  POSIX awk only.

BEGIN {
	FS = ","
	ntypes = split("OctetString UTF8String DiameterIdentity DiameterURI Address Time " \
		"Integer32 Unsigned32 Unsigned64 Enumerated Grouped", t, " ")
	split("OCTETSTRING UTF8STRING IDENTITY URI ADDRESS TIME INTEGER32 UNSIGNED32 UNSIGNED64 ENUMERATED GROUPED", u, " ")
	for (i = 1; i <= ntypes; i++)
		ctype["T" t[i]] = "DIA_" u[i]
	mflag["M"] = "DIA_M_MUST"; mflag["-"] = "DIA_M_MUSTNOT"; mflag["?"] = "DIA_M_MAY"
	columns["app"] = 4; columns["cmd"] = 8; columns["avp"] = 7
	columns["enum"] = 5; columns["bit"] = 5; columns["has"] = 7
	napps = ncmds = navps = nenums = nrules = faults = 0
}

function fault(text, where) {
	printf "%s: %s\n", where == "" ? FILENAME ":" FNR : where, text > "/dev/stderr"
	faults++
}
function is_number(s) { return s ~ /^[0-9]+$/ && s + 0 <= 4294967295 }
function is_name(s) { return s ~ /^[A-Za-z0-9][A-Za-z0-9-]*$/ }
function symbol(s) { gsub(/-/, "_", s); return s }
function quoted(s) { return "\"" s "\"" }
function origin_of(file) { sub(/.*\//, "", file); sub(/\.csv$/, "", file); return file }

/^[ \t]*(#.*)?$/ { next }
{
	sub(/\r$/, "")
	for (i = 1; i <= NF; i++) {
		f[i] = $i
		gsub(/^[ \t]+|[ \t]+$/, "", f[i])
	}
	kind = f[1]
	if (!(kind in columns)) { fault("no such kind of row: \"" kind "\""); next }
	if (NF == columns[kind] - 1 || (NF == columns[kind] && f[NF] == "")) { fault("clause missing"); next }
	if (NF != columns[kind]) { fault(kind " wants " columns[kind] " columns, this row has " NF); next }
	clause = f[NF]
	if (clause !~ /^(RFC|TS) [0-9]/) { fault("clause names no RFC and no TS: \"" clause "\""); next }
	if (clause ~ /["\\]/) { fault("clause with a quote or backslash"); next }
	where = FILENAME ":" FNR
	origin = origin_of(FILENAME)
}

kind == "app" {
	if (!is_name(f[2])) { fault("bad name \"" f[2] "\""); next }
	if (!is_number(f[3])) { fault("bad application id \"" f[3] "\""); next }
	if (f[2] in app_id) { fault("application " f[2] " a second time"); next }
	if (f[3] + 0 in app_of_id) { fault("application id " f[3] " a second time"); next }
	app_id[f[2]] = f[3] + 0; app_of_id[f[3] + 0] = 1
	app_name[napps] = f[2]; app_clause[napps++] = clause
	next
}
kind == "cmd" {
	req = f[6] == "REQ"
	if (!is_name(f[2]) || !is_name(f[3])) { fault("bad name \"" f[2] "\" or \"" f[3] "\""); next }
	if (!is_number(f[4]) || f[4] + 0 > 16777215) { fault("bad command code \"" f[4] "\""); next }
	if (f[6] != "REQ" && f[6] != "ANS") { fault("REQ or ANS expected, not \"" f[6] "\""); next }
	if (f[7] != "PXY" && f[7] != "-") { fault("PXY or - expected, not \"" f[7] "\""); next }
	if (f[3] in parent || f[2] in cmd_named) { fault("command " f[3] " a second time"); next }
	if ((f[4] + 0, req) in cmd_of_code) { fault("command code " f[4] " a second time"); next }
	cmd_of_code[f[4] + 0, req] = ncmds; cmd_named[f[2]] = 1
	parent[f[3]] = "c" ncmds
	cmd_name[ncmds] = f[2]; cmd_abbrev[ncmds] = f[3]; cmd_code[ncmds] = f[4] + 0; cmd_app[ncmds] = f[5]
	cmd_req[ncmds] = req; cmd_pxy[ncmds] = f[7] == "PXY"
	cmd_clause[ncmds] = clause; cmd_origin[ncmds] = origin; cmd_where[ncmds] = where
	ncmds++
	next
}
kind == "avp" {
	if (!is_name(f[2])) { fault("bad name \"" f[2] "\""); next }
	if (!is_number(f[3])) { fault("bad AVP code \"" f[3] "\""); next }
	if (!is_number(f[4])) { fault("bad vendor \"" f[4] "\""); next }
	if (!(("T" f[5]) in ctype)) { fault("no such type: \"" f[5] "\""); next }
	if (!(f[6] in mflag)) { fault("M flag is M, - or ?, not \"" f[6] "\""); next }
	if (f[2] in avp_index || f[2] in parent) { fault("AVP " f[2] " a second time"); next }
	if ((f[3] + 0, f[4] + 0) in avp_of_code) { fault("AVP code " f[3] " of vendor " f[4] " a second time"); next }
	avp_of_code[f[3] + 0, f[4] + 0] = navps
	avp_index[f[2]] = navps; parent[f[2]] = "a" navps
	avp_name[navps] = f[2]; avp_code[navps] = f[3] + 0; avp_vendor[navps] = f[4] + 0
	avp_type[navps] = f[5]; avp_m[navps] = f[6]
	avp_clause[navps] = clause; avp_origin[navps] = origin
	navps++
	next
}
kind == "enum" || kind == "bit" {
	if (!is_number(f[3]) || (kind == "bit" && f[3] + 0 > 31)) { fault("bad " (kind == "bit" ? "bit" : "value") " \"" f[3] "\""); next }
	if (f[4] !~ /^[A-Za-z0-9][A-Za-z0-9_-]*$/) { fault("bad name \"" f[4] "\""); next }
	enum_avp[nenums] = f[2]; enum_kind[nenums] = kind
	enum_value[nenums] = kind == "bit" ? 2 ^ f[3] : f[3] + 0
	enum_name[nenums] = f[4]; enum_where[nenums] = where
	nenums++
	next
}
kind == "has" {
	if (!is_number(f[4]) || f[4] + 0 > 32767) { fault("bad minimum \"" f[4] "\""); next }
	if (f[5] != "*" && (!is_number(f[5]) || f[5] + 0 > 32767)) { fault("bad maximum \"" f[5] "\""); next }
	if (f[5] != "*" && f[5] + 0 < f[4] + 0) { fault("maximum below minimum"); next }
	if (f[6] != "fixed" && f[6] != "required" && f[6] != "optional") { fault("fixed, required or optional expected, not \"" f[6] "\""); next }
	if ((f[6] == "optional") != (f[4] + 0 == 0)) { fault(f[6] " does not go with a minimum of " f[4]); next }
	rule_parent[nrules] = f[2]; rule_child[nrules] = f[3]
	rule_min[nrules] = f[4] + 0; rule_max[nrules] = f[5] == "*" ? -1 : f[5] + 0
	rule_fixed[nrules] = f[6] == "fixed"; rule_where[nrules] = where
	nrules++
	next
}

# What a row says of others is looked at when all rows are known.
function resolve(   i, a, p) {
	for (i = 0; i < ncmds; i++)
		if (!(cmd_app[i] in app_id))
			fault("command " cmd_abbrev[i] " of an unknown application " cmd_app[i], cmd_where[i])
	for (i = 0; i < nenums; i++) {
		if (!(enum_avp[i] in avp_index)) {
			fault(enum_kind[i] " of an unknown AVP " enum_avp[i], enum_where[i])
			continue
		}
		a = avp_index[enum_avp[i]]
		if (avp_type[a] !~ /^(Enumerated|Integer32|Unsigned32|Unsigned64)$/)
			fault(enum_kind[i] " of " enum_avp[i] " which is " avp_type[a], enum_where[i])
		if (enum_kind[i] == "bit" && avp_type[a] !~ /^Unsigned/)
			fault("bit of " enum_avp[i] " which is " avp_type[a], enum_where[i])
		if ((a in enum_kind_of) && enum_kind_of[a] != enum_kind[i])
			fault(enum_avp[i] " has both values and bits", enum_where[i])
		enum_kind_of[a] = enum_kind[i]
		if ((a, enum_value[i]) in enum_seen)
			fault("value " enum_value[i] " of " enum_avp[i] " a second time", enum_where[i])
		if ((a, enum_name[i]) in enum_seen)
			fault(enum_name[i] " of " enum_avp[i] " a second time", enum_where[i])
		enum_seen[a, enum_value[i]] = enum_seen[a, enum_name[i]] = 1
		enum_of[a, enum_count[a]++] = i
	}
	for (i = 0; i < nrules; i++) {
		p = rule_parent[i]
		if (!(p in parent)) {
			fault("member of an unknown command or AVP " p, rule_where[i])
			continue
		}
		p = parent[p]
		if (p ~ /^a/ && avp_type[substr(p, 2) + 0] != "Grouped")
			fault("member of " rule_parent[i] " which is " avp_type[substr(p, 2) + 0], rule_where[i])
		if (!(rule_child[i] in avp_index)) {
			fault("unknown AVP " rule_child[i] " as member of " rule_parent[i], rule_where[i])
			continue
		}
		if ((p, rule_child[i]) in rule_seen)
			fault(rule_child[i] " in " rule_parent[i] " a second time", rule_where[i])
		rule_seen[p, rule_child[i]] = 1
		rule_of[p, rule_count[p]++] = i
	}
	if (navps == 0)
		fault("no AVP at all", FILENAME)
	if (navps > 65534)
		fault("more AVPs than an index can tell apart", FILENAME)
}

# Values ascend, so that they can be searched by halves.
function sort_enums(a,   i, j, x) {
	for (i = 1; i < enum_count[a]; i++) {
		x = enum_of[a, i]
		for (j = i - 1; j >= 0 && enum_value[enum_of[a, j]] > enum_value[x]; j--)
			enum_of[a, j + 1] = enum_of[a, j]
		enum_of[a, j + 1] = x
	}
}

function slots_for(n,   size) {
	for (size = 16; size < 4 * n; size *= 2)
		;
	return size
}

# An open-addressed table from key to index; dict.c probes the same way.
function write_slots(name, size, count, key,   i, s) {
	for (i = 0; i < size; i++)
		slot[i] = 65535
	for (i = 0; i < count; i++) {
		for (s = key[i] % size; slot[s] != 65535; s = (s + 1) % size)
			;
		slot[s] = i
	}
	printf "\nconst uint16_t %s[%d] = {", name, size
	for (i = 0; i < size; i++)
		printf "%s%d,", i % 16 ? " " : "\n\t", slot[i]
	print "\n};"
}

function write_rules(p, name,   i, r) {
	if (!rule_count[p])
		return
	printf "static const struct dia_rule rules_%s[] = {\n", name
	for (i = 0; i < rule_count[p]; i++) {
		r = rule_of[p, i]
		printf "\t{ DIA_%s, %d, %d, %s },\n", symbol(rule_child[r]), rule_min[r], rule_max[r], rule_fixed[r] ? "true" : "false"
	}
	print "};"
}
function rules_ref(p, name) {
	return rule_count[p] ? "rules_" name ", " rule_count[p] : "NULL, 0"
}

# Members of the longest ABNF.
function rules_max(   p, max) {
	for (p in rule_count)
		if (rule_count[p] > max)
			max = rule_count[p]
	return max + 0
}

function write_ids(   i) {
	print "/* Made by gen_dict.awk from the csv files in dict/. */"
	print "#pragma once\n\nenum dia_id {"
	for (i = 0; i < navps; i++)
		printf "\tDIA_%s = %d,\n", symbol(avp_name[i]), i
	print "};"
	printf "\n#define DIA_AVP_COUNT %d\n", navps
	printf "#define DIA_RULES_MAX %d\n", rules_max()
	printf "#define DIA_AVP_SLOTS %d\n#define DIA_CMD_SLOTS %d\n", slots_for(navps), slots_for(ncmds)
}

function write_tables(   i, j, e, name) {
	print "/* Made by gen_dict.awk from the csv files in dict/. */"
	print "#include \"dict.h\"\n#include \"dict_slots.h\"\n"
	for (i = 0; i < navps; i++) {
		name = symbol(avp_name[i])
		if (enum_count[i]) {
			sort_enums(i)
			printf "static const struct dia_enumval enums_%s[] = {\n", name
			for (j = 0; j < enum_count[i]; j++) {
				e = enum_of[i, j]
				printf "\t{ %.0fu, %s },\n", enum_value[e], quoted(enum_name[e])
			}
			print "};"
		}
		write_rules("a" i, name)
	}
	for (i = 0; i < ncmds; i++)
		write_rules("c" i, cmd_abbrev[i])

	print "\nconst struct dia_avpdef dia_avps[] = {"
	for (i = 0; i < navps; i++) {
		name = symbol(avp_name[i])
		printf "\t{ %s, %.0fu, %.0fu, %s, %s, %s, %d, %s, %s, %s, %s },\n", quoted(avp_name[i]), avp_code[i], avp_vendor[i],
			ctype["T" avp_type[i]], mflag[avp_m[i]], enum_count[i] ? "enums_" name : "NULL", enum_count[i] + 0,
			enum_kind_of[i] == "bit" ? "true" : "false", rules_ref("a" i, name), quoted(avp_clause[i]), quoted(avp_origin[i])
		key[i] = avp_code[i] + avp_vendor[i]
	}
	printf "};\nconst size_t dia_navps = %d;\n", navps
	write_slots("dia_avp_slots", slots_for(navps), navps, key)

	print "\nconst struct dia_cmddef dia_cmds[] = {"
	for (i = 0; i < ncmds; i++) {
		printf "\t{ %s, %s, %.0fu, %.0fu, %s, %s, %s, %s, %s },\n", quoted(cmd_name[i]), quoted(cmd_abbrev[i]), cmd_code[i],
			app_id[cmd_app[i]], cmd_req[i] ? "true" : "false", cmd_pxy[i] ? "true" : "false",
			rules_ref("c" i, cmd_abbrev[i]), quoted(cmd_clause[i]), quoted(cmd_origin[i])
		key[i] = 2 * cmd_code[i] + cmd_req[i]
	}
	printf "};\nconst size_t dia_ncmds = %d;\n", ncmds
	write_slots("dia_cmd_slots", slots_for(ncmds), ncmds, key)

	print "\nconst struct dia_appdef dia_apps[] = {"
	for (i = 0; i < napps; i++)
		printf "\t{ %s, %.0fu, %s },\n", quoted(app_name[i]), app_id[app_name[i]], quoted(app_clause[i])
	printf "};\nconst size_t dia_napps = %d;\n", napps
}

# Wireshark has the base protocol; its 3GPP rows lack some AVPs and many values.
# Bits get no names there: it shows a name for the whole number only.
function write_wireshark(   i, j, e, p, type) {
	print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	print "<!-- Made by gen_dict.awk from the csv files in dict/. -->"
	print "<base uri=\"http://www.3gpp.org/\">"
	for (i = 0; i < navps; i++) {
		if (avp_origin[i] == "base")
			continue
		printf "\t<avp name=\"%s\" code=\"%.0f\" mandatory=\"%s\" vendor-bit=\"must\" vendor-id=\"TGPP\">\n", avp_name[i], avp_code[i],
			avp_m[i] == "M" ? "must" : avp_m[i] == "-" ? "mustnot" : "may"
		if (avp_type[i] == "Grouped") {
			print "\t\t<grouped>"
			p = "a" i
			for (j = 0; j < rule_count[p]; j++)
				printf "\t\t\t<gavp name=\"%s\"/>\n", rule_child[rule_of[p, j]]
			print "\t\t</grouped>"
		} else {
			type = avp_type[i] == "Address" ? "IPAddress" : avp_type[i]
			printf "\t\t<type type-name=\"%s\"/>\n", type
		}
		if (enum_count[i] && enum_kind_of[i] == "enum") {
			sort_enums(i)
			for (j = 0; j < enum_count[i]; j++) {
				e = enum_of[i, j]
				printf "\t\t<enum name=\"%s\" code=\"%.0f\"/>\n", enum_name[e], enum_value[e]
			}
		}
		print "\t</avp>"
	}
	print "</base>"
}

END {
	resolve()
	if (faults)
		exit 1
	if (make == "ids")
		write_ids()
	else if (make == "tables")
		write_tables()
	else if (make == "wireshark")
		write_wireshark()
	else {
		print "gen_dict.awk: -v make=ids, tables or wireshark" > "/dev/stderr"
		exit 2
	}
}
