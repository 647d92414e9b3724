#!/bin/bash
# t_sctp_kernel.sh - SCTP of the Linux kernel, which the kernel here need not have:
# Debian's kernel in a small virtual machine runs check_sctp, kernel with kernel and
# kernel with the stack of our own process.
#
#   SRC=<source directory> BUILD=<build directory> tests/system/t_sctp_kernel.sh
#
# The kernel's package is unpacked into BUILD, not installed.  Exit status 0: passed, 77: skipped, else failed.
set -u
BUILD=$(cd "${BUILD:-.}" && pwd)
SRC=$(cd "${SRC:-$(dirname "$0")/../..}" && pwd)
cache=$BUILD/tests/system/kernel
work=$(mktemp -d "${TMPDIR:-/tmp}/iwf-test.XXXXXX") || exit 1
qemu_pid=

finish() {
	[ -z "$qemu_pid" ] || kill -KILL "$qemu_pid" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM
skip() { echo "SKIP: $1"; exit 77; }
fail() { echo "not ok - $1"; tail -60 "$work/console" 2>/dev/null; exit 1; }

qemu=$(command -v qemu-system-x86_64) || skip "qemu-system-x86_64 is not installed (qemu-system-x86)"
busybox=$(command -v busybox) && "$busybox" cpio --help >/dev/null 2>&1 && ! ldd "$busybox" >/dev/null 2>&1 ||
	skip "there is no static busybox (busybox-static)"
[ "$(uname -m)" = x86_64 ] || skip "the kernel's package is for x86_64"

# kernel_of META: the package that META stands for, unpacked into the cache.
kernel_of() {
	local package dir
	package=$(apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -1)
	[ -n "$package" ] || return 1
	dir=$cache/$package
	if [ ! -e "$dir/done" ]; then
		rm -rf "$dir" && mkdir -p "$dir" || return 1
		(cd "$dir" && apt-get download "$package" && dpkg -x ./*.deb . && rm -f ./*.deb) >"$work/download" 2>&1 || return 1
		find "$dir" -name 'sctp.ko*' | grep -q . || return 1
		touch "$dir/done"
	fi
	kernel=$(ls "$dir"/boot/vmlinuz-* 2>/dev/null) && modules=$(ls -d "$dir"/lib/modules/*)
}
find_kernel() { kernel_of linux-image-cloud-amd64 || kernel_of linux-image-amd64; }
find_kernel || { [ "$(id -u)" = 0 ] && apt-get update >/dev/null 2>&1 && find_kernel; } ||
	skip "no kernel: $(tail -1 "$work/download" 2>/dev/null || echo "apt knows no linux-image-amd64")"

program=$BUILD/.libs/check_sctp
[ -x "$program" ] || program=$BUILD/check_sctp
root=$work/root
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/modules"
cp "$busybox" "$root/bin/busybox"
cp "$program" "$root/bin/check_sctp"
ldd "$program" | grep -o '/[^ ]*' | sort -u | while read -r lib; do
	mkdir -p "$root$(dirname "$lib")" && cp -L "$lib" "$root$lib"
done
# In the order of their needs; what is built in is not there as a file.
for m in libcrc32c crc32c_generic ipv6 udp_tunnel ip6_udp_tunnel sctp; do
	file=$(find "$modules" -name "$m.ko*" | head -1)
	case $file in
	'') ;;
	*.xz) xz -dc "$file" >"$root/modules/$m.ko";;
	*) cp "$file" "$root/modules/$m.ko";;
	esac
	[ -z "$file" ] || echo "$m" >>"$root/modules/list"
done
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /tmp
exec >/dev/ttyS0 2>&1 </dev/null
ip link set lo up
while read -r m; do insmod /modules/$m.ko || echo "FAILED: $m"; done </modules/list
echo 9899 >/proc/sys/net/sctp/udp_port && echo "guest: SCTP in UDP"
# RUN SERVER CLIENT
run() {
	SCTP_SERVER=$1 SCTP_CLIENT=$2 SCTP_UDP=9899 CK_TIMEOUT_MULTIPLIER=4 check_sctp >/tmp/out 2>&1
	status=$?
	cat /tmp/out
	echo "guest: $1 $2 status $status"
}
uname -r
run kernel kernel
run kernel user
run user kernel
echo "guest: done"
poweroff -f
INIT
chmod +x "$root/init"
mkdir -p "$root/etc"
echo "127.0.0.1 localhost" >"$root/etc/hosts"
(cd "$root" && find . | "$busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initrd" || fail "initramfs"

# Emulated: what /dev/kvm promises, nested machines do not always keep, and it is fast enough.
started=$SECONDS
timeout -k 5 280 "$qemu" -accel tcg -cpu max -m 384 -smp 1 -nodefaults -no-reboot -display none -monitor none \
	-serial "file:$work/console" -kernel "$kernel" -initrd "$work/initrd" \
	-append "console=ttyS0 quiet panic=-1 rdinit=/init random.trust_cpu=on mitigations=off" </dev/null &
qemu_pid=$!
wait $qemu_pid
qemu_pid=
echo "$((SECONDS - started)) s"
tr -d '\r' <"$work/console" | grep -a 'guest:\|Checks:\|:[FE]:\|FAILED' || true
tr -d '\r' <"$work/console" >"$work/report"
grep -qa 'guest: done' "$work/report" || fail "the guest did not end"
n=0
for pair in "kernel kernel" "kernel user" "user kernel"; do
	grep -qa "^guest: $pair status 0\$" "$work/report" || fail "server and client: $pair"
	echo "ok - server and client: $pair"
	n=$((n + 1))
done
[ "$(grep -ac '^100%: Checks: [1-9][0-9]*, Failures: 0, Errors: 0' "$work/report")" = 3 ] || fail "not all has been checked"
echo "$n cases, 0 failed, 0 skipped"
