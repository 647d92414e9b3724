# good.sh - a good SCS, scs.acme.example, that asks and asks beside what a test does, and must not notice it.
# Sourced behind case.sh.
#
#   good_on             connects it; a trigger each 100 ms, each with a minute for its answer
#   good_ones           how many succeeded so far
#   good_more N         more than so many have
#   good_slowest LINE   the longest wait for an answer in ms, behind that line of good.log
#   good_off            it stops asking, has its answers and reports, and goes: three cases
#   good_drop           ends it as it is; for the test's trap
good_on() {
	mkfifo "$LAB/good.in"
	exec {good_in}<>"$LAB/good.in"
	scs scs.acme.example --json script <"$LAB/good.in" >"$LAB/good.log" 2>&1 &
	echo $! >"$LAB/good.pid"
	lab_wait 10 grep -q '"connected"' "$LAB/good.log" || return
	good_beats &
	echo $! >"$LAB/beats.pid"
}
good_beats() {
	local n=0
	while [ ! -e "$LAB/good.enough" ]; do
		n=$((n + 1))
		echo "trigger --ext-id meter1@iot.example.com --payload x --timeout 60 --reference $((1000 + n))" >&"$good_in"
		sleep 0.1
	done
	echo "$n" >"$LAB/good.asked"
}
good_ones() { grep -c '"type":"answer".*"status":"SUCCESS"' "$LAB/good.log"; }
good_more() { [ "$(good_ones)" -gt "$1" ]; }
good_slowest() { tail -n +$(($1 + 1)) "$LAB/good.log" | sed -n 's/.*"type":"answer".*"rtt_ms":\([0-9]*\).*/\1/p' | sort -n | tail -1; }
good_done() {
	[ "$(grep -c '"type":"answer"' "$LAB/good.log")" -ge "$(cat "$LAB/good.asked")" ] &&
		[ "$(grep -c '"type":"report"' "$LAB/good.log")" -ge "$(good_ones)" ]
}
good_gone() { ! kill -0 "$(cat "$LAB/good.pid")" 2>/dev/null; }
good_drop() { lab_kill beats >/dev/null; lab_kill good >/dev/null; }
good_off() {
	touch "$LAB/good.enough"
	lab_wait 10 test -s "$LAB/good.asked"
	lab_kill beats >/dev/null
	works "the good SCS has all its reports" lab_wait 60 good_done
	good_gone || echo quit >&"$good_in"   # nobody would read it, and the pipe may be full
	exec {good_in}>&-
	lab_wait 60 good_gone
	good_drop
	is "of the good SCS's requests none failed" \
		"$(grep -E '"type":"(answer|error|timeout|closed|no-answer)"' "$LAB/good.log" | grep -v '"status":"SUCCESS"' | head)" ""
	works "and there were many" test "$(good_ones)" -gt 100
	echo "good SCS: $(good_ones) requests, the slowest $(good_slowest 0) ms"
}
