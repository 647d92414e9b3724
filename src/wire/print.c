/* print.c - a message for people to read. */
#include "wire.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <time.h>
#include "bytes.h"

#define DEPTH_MAX 8

const char *dia_cmd_label(const struct dia_hdr *h, char *buf, size_t size)
{
	bool request = h->flags & DIA_F_REQUEST;
	const struct dia_cmddef *cmd = dia_cmd_find(h->code, h->app, request);

	if (cmd)
		snprintf(buf, size, "%s", cmd->abbrev);
	else
		snprintf(buf, size, "%" PRIu32 "/%" PRIu32 " %s", h->code, h->app, request ? "request" : "answer");
	return buf;
}

static void print_hex(FILE *to, const uint8_t *p, size_t n)
{
	if (n == 0)
		fputs("(empty)", to);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%02x", p[i]);
}

/* Printable ASCII as it is, the rest as \xNN: whoever sent this may have meant it for a terminal. */
static void print_text(FILE *to, const uint8_t *p, size_t n)
{
	putc('"', to);
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] >= 0x7f || p[i] == '"' || p[i] == '\\')
			fprintf(to, "\\x%02x", p[i]);
		else
			putc(p[i], to);
	putc('"', to);
}

static bool print_address(FILE *to, const struct dia_avp *avp)
{
	char text[INET6_ADDRSTRLEN];
	unsigned family;

	if (avp->len < 2)
		return false;
	family = (unsigned)avp->data[0] << 8 | avp->data[1];
	if (family == 1 && avp->len == 6)
		inet_ntop(AF_INET, avp->data + 2, text, sizeof(text));
	else if (family == 2 && avp->len == 18)
		inet_ntop(AF_INET6, avp->data + 2, text, sizeof(text));
	else
		return false;
	fputs(text, to);
	return true;
}

/* Seconds since 1900, which start again in 2036 (RFC 6733 4.3.1). */
static void print_time(FILE *to, uint32_t seconds)
{
	time_t t = (time_t)seconds - 2208988800;
	struct tm tm;
	char text[32];

	if (!(seconds & 0x80000000u))
		t += (time_t)1 << 32;
	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		fputs(text, to);
}

static void print_number(FILE *to, const struct dia_avpdef *def, uint64_t value)
{
	const char *name = value <= UINT32_MAX ? dia_enum_name(def, (uint32_t)value) : NULL;
	const char *between = " ";

	if (def->type == DIA_INTEGER32)
		fprintf(to, "%" PRId32, (int32_t)value);
	else
		fprintf(to, "%" PRIu64, value);
	if (!def->mask) {
		if (name)
			fprintf(to, " %s", name);
		return;
	}
	for (size_t i = 0; i < def->nenums; i++)
		if (value & def->enums[i].value) {
			fprintf(to, "%s%s", between, def->enums[i].name);
			between = "+";
		}
}

/* False: the data does not fit the type, so it is for hex. */
static bool print_value(FILE *to, const struct dia_avp *avp)
{
	uint32_t u32;
	uint64_t u64;

	switch (avp->def->type) {
	case DIA_UTF8STRING: case DIA_IDENTITY: case DIA_URI:
		print_text(to, avp->data, avp->len);
		return true;
	case DIA_ADDRESS:
		return print_address(to, avp);
	case DIA_TIME:
		if (!dia_avp_u32(avp, &u32))
			return false;
		print_time(to, u32);
		return true;
	case DIA_INTEGER32: case DIA_UNSIGNED32: case DIA_ENUMERATED:
		if (!dia_avp_u32(avp, &u32))
			return false;
		print_number(to, avp->def, u32);
		return true;
	case DIA_UNSIGNED64:
		if (!dia_avp_u64(avp, &u64))
			return false;
		print_number(to, avp->def, u64);
		return true;
	case DIA_OCTETSTRING: case DIA_GROUPED:
		break;
	}
	return false;
}

static void print_start(FILE *to, const char *indent, unsigned depth)
{
	fputs(indent, to);
	for (unsigned i = 0; i < depth; i++)
		fputs("  ", to);
}

static void print_list(FILE *to, const uint8_t *p, size_t n, const char *indent, unsigned depth)
{
	struct dia_avp avp;
	int more;

	while ((more = dia_avp_next(&p, &n, &avp)) > 0) {
		print_start(to, indent, depth);
		fprintf(to, "%s %" PRIu32, avp.def ? avp.def->name : "AVP", avp.code);
		if (avp.flags & DIA_AVP_V)
			fprintf(to, "/%" PRIu32, avp.vendor);
		fprintf(to, " [%s%s%s]", avp.flags & DIA_AVP_V ? "V" : "", avp.flags & DIA_AVP_M ? "M" : "",
		        avp.flags & DIA_AVP_P ? "P" : "");
		if (avp.def && avp.def->type == DIA_GROUPED && depth < DEPTH_MAX) {
			putc('\n', to);
			print_list(to, avp.data, avp.len, indent, depth + 1);
			continue;
		}
		fputs(" = ", to);
		if (!avp.def || !print_value(to, &avp))
			print_hex(to, avp.data, avp.len);
		putc('\n', to);
	}
	if (more < 0) {
		print_start(to, indent, depth);
		fputs("not an AVP: ", to);
		print_hex(to, p, n);
		putc('\n', to);
	}
}

void dia_print(FILE *to, const uint8_t *msg, size_t n, const char *indent)
{
	struct dia_hdr h;
	char label[48];

	if (!dia_hdr_read(msg, n, &h)) {
		fprintf(to, "%snot a message: ", indent);
		print_hex(to, msg, n);
		putc('\n', to);
		return;
	}
	fprintf(to, "%s%s %" PRIu32 "/%" PRIu32 " [%s%s%s%s] hop-by-hop %#" PRIx32 " end-to-end %#" PRIx32 " length %" PRIu32,
	        indent, dia_cmd_label(&h, label, sizeof(label)), h.code, h.app, h.flags & DIA_F_REQUEST ? "R" : "",
	        h.flags & DIA_F_PROXIABLE ? "P" : "", h.flags & DIA_F_ERROR ? "E" : "",
	        h.flags & DIA_F_RETRANSMIT ? "T" : "", h.hbh, h.e2e, h.length);
	if (h.version != 1)
		fprintf(to, " version %u", h.version);
	if (h.length != n)
		fprintf(to, " (%zu octets are there)", n);
	putc('\n', to);
	if (h.length >= DIA_HDR_LEN && h.length < n)
		n = h.length;
	print_list(to, msg + DIA_HDR_LEN, n - DIA_HDR_LEN, indent, 1);
}
