/* tool.c - see tool.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tool.h"

static void json_string(FILE *to, const uint8_t *p, size_t n)
{
	putc('"', to);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			fprintf(to, "\\%c", p[i]);
		else if (p[i] < 0x20 || p[i] > 0x7e)
			fprintf(to, "\\u%04x", p[i]);
		else
			putc(p[i], to);
	}
	putc('"', to);
}

static void json_key(struct json *j, const char *key)
{
	fprintf(j->to, "%s\"%s\":", j->more ? "," : "", key);
	j->more = true;
}

void json_begin(struct json *j, FILE *to, const char *type)
{
	*j = (struct json){ .to = to };
	putc('{', to);
	json_text(j, "type", type);
}

void json_octets(struct json *j, const char *key, const void *p, size_t n)
{
	json_key(j, key);
	json_string(j->to, p, n);
}

void json_text(struct json *j, const char *key, const char *text)
{
	if (text && *text)
		json_octets(j, key, text, strlen(text));
}

void json_hex(struct json *j, const char *key, const void *p, size_t n)
{
	json_key(j, key);
	putc('"', j->to);
	for (size_t i = 0; i < n; i++)
		fprintf(j->to, "%02x", ((const uint8_t *)p)[i]);
	putc('"', j->to);
}

void json_number(struct json *j, const char *key, int64_t value)
{
	json_key(j, key);
	fprintf(j->to, "%lld", (long long)value);
}

void json_numbers(struct json *j, const char *key, const uint32_t *v, size_t n)
{
	json_key(j, key);
	putc('[', j->to);
	for (size_t i = 0; i < n; i++)
		fprintf(j->to, "%s%u", i ? "," : "", v[i]);
	putc(']', j->to);
}

void json_bool(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	fputs(value ? "true" : "false", j->to);
}

void json_end(struct json *j)
{
	fputs("}\n", j->to);
	fflush(j->to);
}

bool tool_number(const char *text, uint32_t max, uint32_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)text[0]) || (hex && !isxdigit((unsigned char)text[2])))
		return false;
	errno = 0;
	v = strtoull(text, &end, hex ? 16 : 10);
	if (errno || *end || v > max)
		return false;
	*out = (uint32_t)v;
	return true;
}

bool tool_seconds(const char *text, uint32_t *ms)
{
	double v;
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return false;
	v = strtod(text, &end);
	if (end == text || *end || !(v >= 0 && v <= 86400))
		return false;
	*ms = (uint32_t)(v * 1000 + 0.5);
	return true;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

uint8_t *tool_unhex(const char *text, size_t *n)
{
	uint8_t *out = malloc(strlen(text) / 2 + 1);

	*n = 0;
	for (; out && *text; text++) {
		if (isspace((unsigned char)*text) || *text == ':')
			continue;
		if (nibble(text[0]) < 0 || nibble(text[1]) < 0) {
			free(out);
			return NULL;
		}
		out[(*n)++] = (uint8_t)(nibble(text[0]) << 4 | nibble(text[1]));
		text++;
	}
	return out;
}

void tool_hex(const void *p, size_t n, char *out, size_t size)
{
	size_t fits = (size - 1) / 2, i;

	if (n > fits)
		fits = (size - 4) / 2;
	for (i = 0; i < n && i < fits; i++)
		sprintf(out + 2 * i, "%02x", ((const uint8_t *)p)[i]);
	strcpy(out + 2 * i, n > fits ? "..." : "");
}

size_t tool_tbcd(const char *digits, uint8_t *out, size_t size)
{
	size_t len = strlen(digits), n = 0;

	for (size_t i = 0; i < len && n < size; i += 2) {
		int low = nibble(digits[i]), high = i + 1 < len ? nibble(digits[i + 1]) : 0xf;

		out[n++] = (uint8_t)((high & 0xf) << 4 | (low & 0xf));
	}
	return n;
}

void tool_tbcd_text(const uint8_t *p, size_t n, char *out, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < 2 * n && at + 1 < size; i++) {
		unsigned d = i % 2 ? p[i / 2] >> 4 : p[i / 2] & 0xf;

		if (d == 0xf && i == 2 * n - 1)
			break;
		out[at++] = d < 10 ? (char)('0' + d) : '?';
	}
	out[at] = 0;
}

size_t tool_sme(const char *digits, uint8_t *out, size_t size)
{
	if (size < 2)
		return 0;
	out[0] = (uint8_t)strlen(digits);
	out[1] = 0x91;
	return 2 + tool_tbcd(digits, out + 2, size - 2);
}

bool tool_sme_text(const uint8_t *p, size_t n, char *out, size_t size)
{
	out[0] = 0;
	if (n < 3 || p[0] < 1 || p[0] > 20 || p[1] != 0x91 || n != 2u + (p[0] + 1u) / 2)
		return false;
	tool_tbcd_text(p + 2, n - 2, out, size);
	return strlen(out) == p[0] && !strchr(out, '?');
}

void tool_printable(const void *p, size_t n, char *out, size_t size)
{
	const uint8_t *b = p;
	size_t at = 0;

	for (size_t i = 0; i < n && at + 5 < size; i++) {
		if (b[i] < 0x20 || b[i] > 0x7e)
			at += (size_t)sprintf(out + at, "\\x%02x", b[i]);
		else
			out[at++] = (char)b[i];
	}
	out[at] = 0;
}

void tool_trace(FILE *to, struct peer *peer, bool sent, const uint8_t *msg, size_t n)
{
	const char *who = peer_remote_host(peer);
	struct dia_hdr h;
	struct timespec t;
	struct tm tm;
	char label[64];

	if (!dia_hdr_read(msg, n, &h)) {
		fprintf(to, "%s %zu octets that are no Diameter\n", sent ? "-->" : "<--", n);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &t);
	localtime_r(&t.tv_sec, &tm);
	fprintf(to, "%02d:%02d:%02d.%03ld %s %s %s %s\n", tm.tm_hour, tm.tm_min, tm.tm_sec, t.tv_nsec / 1000000,
	        sent ? "-->" : "<--", dia_cmd_label(&h, label, sizeof(label)), sent ? "to" : "from",
	        *who ? who : peer_address(peer));
	dia_print(to, msg, n, "    ");
	fputc('\n', to);
	fflush(to);
}

struct tool_result tool_result_of(const uint8_t *msg, size_t n)
{
	struct tool_result r = { 0 };
	struct dia_avp group, a;

	if (dia_msg_find(msg, n, DIA_Result_Code, &a))
		dia_avp_u32(&a, &r.code);
	if (dia_msg_find(msg, n, DIA_Experimental_Result, &group)) {
		if (dia_group_find(&group, DIA_Experimental_Result_Code, &a))
			dia_avp_u32(&a, &r.experimental);
		if (dia_group_find(&group, DIA_Vendor_Id, &a))
			dia_avp_u32(&a, &r.vendor);
	}
	return r;
}

const char *tool_result_name(const struct tool_result *r)
{
	const char *name = r->experimental ? dia_enum_name(&dia_avps[DIA_Experimental_Result_Code], r->experimental)
	                                   : dia_enum_name(&dia_avps[DIA_Result_Code], r->code);

	return name ? name : "?";
}

bool tool_u32(const uint8_t *msg, size_t n, const struct dia_avp *group, enum dia_id id, uint32_t *out)
{
	struct dia_avp a;

	return (group ? dia_group_find(group, id, &a) : dia_msg_find(msg, n, id, &a)) && dia_avp_u32(&a, out);
}

bool tool_features(const uint8_t *msg, size_t n, uint32_t *out)
{
	const uint8_t *at = msg + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	struct dia_avp a;
	uint32_t vendor, list;

	while (dia_avp_next(&at, &left, &a) == 1)
		if (a.def == &dia_avps[DIA_Supported_Features] && tool_u32(NULL, 0, &a, DIA_Vendor_Id, &vendor) &&
		    vendor == DIA_VENDOR_3GPP && tool_u32(NULL, 0, &a, DIA_Feature_List_ID, &list) && list == 1 &&
		    tool_u32(NULL, 0, &a, DIA_Feature_List, out))
			return true;
	return false;
}
