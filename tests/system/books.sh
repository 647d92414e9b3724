# books.sh - what SCSs were told (drive.sh), what the SMS-SC took (store_file) and
# what the journal says: one story, or the test fails.  Sourced behind drive.sh.
#
#   books_compare WHAT      WHAT is behind "after" in the sum
# Wants LAB/smssc.book; every NAME in drive_names has driven; the node runs, or has ended well.
books_journal() { lab_sql "SELECT reference FROM device_trigger WHERE $1 ORDER BY CAST(reference AS TEXT)"; }
books_smssc() { awk -v word="$1" '$1 == "take" { reference[$2] = $4 } $1 == word { print reference[$2] }' "$LAB/smssc.book" | sort; }
books_count() { grep -c . || true; }
books_dtrs() { jq -R "fromjson? | select(.type == \"dtr\" and ($1)) | .reference" "$LAB/smssc.log" | books_count; }

books_scs() {
	local who=$1
	drive_log "$who" answer 'and .status == "SUCCESS"' | sort -u >"$LAB/$who.accepted"
	drive_log "$who" report | sort -u >"$LAB/$who.reported"
	echo "# $who: $(sort -u "$LAB/$who.sent" | books_count) requests, sent $(books_count <"$LAB/$who.sent") times in" \
		"$(grep -c '"connected"' "$LAB/$who.log") connections; accepted $(books_count <"$LAB/$who.accepted"), later" \
		"$(drive_log "$who" answer 'and .status == "TEMPORARYERROR"' | sort -u | books_count)," \
		"reports of $(books_count <"$LAB/$who.reported"), some twice: $(drive_log "$who" report 'and .t_flag' | books_count) with the T flag"
	works "$who: some are accepted" test -s "$LAB/$who.accepted"
	is "$who: each request has been answered" "$(cat "$LAB/$who.open")" ""
	is "$who: with success or try again" "$(drive_log "$who" answer "$drive_answered and .status != \"SUCCESS\" and .status != \"TEMPORARYERROR\"")" ""
	is "$who: none more often than it was sent" "$(comm -23 <(drive_log "$who" answer | sort) <(sort "$LAB/$who.sent"))" ""
}

books_compare() {
	local who lost twice unheard
	: | tee "$LAB/accepted" >"$LAB/reported"
	for who in $drive_names; do
		books_scs "$who"
		sort -o "$LAB/accepted" "$LAB/accepted" "$LAB/$who.accepted"
		sort -o "$LAB/reported" "$LAB/reported" "$LAB/$who.reported"
	done
	books_smssc take >"$LAB/taken"
	books_smssc over >"$LAB/over"
	books_smssc told >"$LAB/told"
	books_journal 1 >"$LAB/journal"
	books_journal 'state = 5' >"$LAB/delivered"
	books_journal 'state = 5 AND request_status = 0' >"$LAB/good"
	echo "# SMS-SC: took $(books_count <"$LAB/taken"), delivered $(books_count <"$LAB/over"), reports answered $(books_count <"$LAB/told");" \
		"asked with the T flag $(books_dtrs .t_flag) times, of which it knew $(books_dtrs .repeat)"
	echo "# journal: $(lab_sql "SELECT group_concat(n || ' in state ' || state, ', ') FROM (SELECT state, count(*) AS n FROM device_trigger GROUP BY state)")"
	lost=$(sort -u <(comm -23 "$LAB/accepted" <(uniq "$LAB/taken")) <(comm -23 "$LAB/accepted" "$LAB/good"))
	twice=$(uniq -d "$LAB/taken")
	unheard=$(sort -u <(comm -23 "$LAB/over" "$LAB/reported") <(comm -23 "$LAB/accepted" "$LAB/reported") <(comm -23 "$LAB/delivered" "$LAB/reported"))
	echo "# after $1: $(books_count <"$LAB/accepted") accepted; lost: $(books_count <<<"$lost")," \
		"delivered twice: $(books_count <<<"$twice"), reports that did not reach the SCS: $(books_count <<<"$unheard")"
	is "nothing accepted is lost" "$lost" ""
	is "nothing is delivered twice" "$twice" ""
	is "every report has reached its SCS" "$unheard" ""
	is "what the SMS-SC delivered is what the journal says" "$(comm -3 "$LAB/over" "$LAB/delivered")" ""
	is "the SMS-SC has been told of each that we know of it" "$(comm -3 "$LAB/over" "$LAB/told")" ""
	is "one row each" "$(uniq -d "$LAB/journal")" ""
	is "none is left half done, no report waits" "$(lab_sql 'SELECT count(*) FROM device_trigger WHERE state <= 4') $(lab_sql 'SELECT count(*) FROM outbox')" "0 0"
	works "the audit's chain is whole" iwfctl audit verify
}
