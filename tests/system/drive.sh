# drive.sh - SCSs that never give up, for tests that kill what they talk to.
# Sourced behind case.sh.
#
#   drive_on NAME HOST NUMBER   the SCS of that certificate, in the background: requests numbered from NUMBER+1 on, over a
#                               connection that it opens again and again; what nobody has answered is sent again, with the
#                               T flag, until drive_off; then until it has heard of each
#   drive_off                   ends them all, and waits for that
#   drive_log NAME TYPE [FILTER]   references of all answers or reports (jq), one a line
#   drive_names                 all of them
#   drive_new NAME STATUS       how many answers with that Request-Status its connection of now has had
#
# Needs request NUMBER [OPTIONS], which prints a line for tsp-scs script: always the same for a number.
# NAME.sent has each number as often as it was sent, NAME.log what tsp-scs said, of all connections that have ended.
drive_burst=${drive_burst:-1}   # requests, about twenty times a second
drive_pids= drive_names=

drive_refs() { jq -rR "fromjson? | select(.type == \"$2\" $3) | .reference" "$1"; }
drive_log() { drive_refs "$LAB/$1.log" "$2" "${3:-}"; }
drive_new() { grep -c "^{\"type\":\"answer\".*\"status\":\"$2\"" "$LAB/$1.now"; }
# 3002 and 3004 say that it should be sent again.
drive_answered='and .result_code != 3002 and .result_code != 3004'

drive_tell() { request "$@" >&"$in" && echo "$1" >>"$LAB/$who.tried"; } 2>/dev/null
drive_connect() {
	local n
	: >"$LAB/$who.tried"
	scs "$1" --json --timeout 20 script <"$LAB/$who.in" >"$LAB/$who.now" 2>&1 &
	pid=$!
	exec {in}>"$LAB/$who.in"
	for n in $(cat "$LAB/$who.open"); do drive_tell "$n" --t-flag; done
}
drive_hang_up() {
	exec {in}>&-
	wait "$pid"
	sort -u "$LAB/$who.open" "$LAB/$who.tried" |
		comm -23 - <(drive_refs "$LAB/$who.now" answer "$drive_answered" | sort -u) >"$LAB/$who.left"
	mv "$LAB/$who.left" "$LAB/$who.open"
	cat "$LAB/$who.tried" >>"$LAB/$who.sent"
	cat "$LAB/$who.now" >>"$LAB/$who.log"
}
drive_unreported() {
	comm -23 <(drive_log "$1" answer 'and .status == "SUCCESS"' | sort -u) <(drive_log "$1" report | sort -u)
}
drive_waiting() { lab_sql "SELECT reference FROM outbox WHERE dest_host = '$1'"; }

drive() {
	local who=$1 ref=$3 pid in n tick
	trap '' PIPE
	exec {tick}<> <(:)
	mkfifo "$LAB/$who.in"
	while [ ! -e "$LAB/enough" ]; do
		drive_connect "$2"
		while [ ! -e "$LAB/enough" ] && kill -0 "$pid" 2>/dev/null; do
			for ((n = 0; n < drive_burst; n++)); do drive_tell $((ref += 1)); done
			read -r -t 0.05 -u "$tick"
		done
		drive_hang_up
		read -r -t 0.1 -u "$tick"
	done
	for n in {1..30}; do
		[ -n "$(cat "$LAB/$who.open")$(drive_unreported "$who")$(drive_waiting "$2")" ] || break
		drive_connect "$2"
		echo "sleep 2" >&"$in"
		drive_hang_up
	done
}
drive_on() {
	: | tee "$LAB/$1.log" "$LAB/$1.now" "$LAB/$1.open" >"$LAB/$1.sent"
	drive "$@" &
	drive_pids="$drive_pids $!" drive_names="$drive_names $1"
}
drive_off() { touch "$LAB/enough"; [ -z "$drive_pids" ] || wait $drive_pids; drive_pids=; }
