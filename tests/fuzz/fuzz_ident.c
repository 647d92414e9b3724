/* fuzz_ident.c - octets as each kind of identifier.
 *
 * Holds: what is taken is taken again, normalised or encoded, as the same; what is encoded is what came; no identifier
 * has octets that its kind has not; the IMSI is digits. */
#include <string.h>
#include "fuzz.h"
#include "ident.h"

static bool digits_only(const char *s)
{
	return strspn(s, "0123456789") == strlen(s);
}

static void check_extid(struct iwf_view v)
{
	struct iwf_extid once, twice;

	memset(&once, 0x55, sizeof(once));
	if (iwf_extid_parse(v, &once))
		return;
	HOLDS(strlen(once.text) == v.n && v.n <= IWF_EXTID_MAX && once.domain[-1] == '@' && strchr(once.text, '@') == once.domain - 1);
	HOLDS(!iwf_extid_parse((struct iwf_view){ (const uint8_t *)once.text, strlen(once.text) }, &twice));
	HOLDS(!strcmp(once.text, twice.text) && twice.domain - twice.text == once.domain - once.text);
	HOLDS(!memcmp(once.text, v.p, (size_t)(once.domain - once.text)));      /* the local part as it came */
	HOLDS(!iwf_diamid_check((struct iwf_view){ (const uint8_t *)once.domain, strlen(once.domain) }));
	for (const char *c = once.text; *c; c++)
		HOLDS(*c > ' ' && (unsigned char)*c < 0x7f && (c < once.domain || *c < 'A' || *c > 'Z'));
}

static void check_e164(struct iwf_view v)
{
	char digits[IWF_DIGITS_MAX + 1], again[IWF_DIGITS_MAX + 1];
	uint8_t tbcd[8], sme[10];
	size_t n;

	if (iwf_e164_from_tbcd(v, digits))
		return;
	n = strlen(digits);
	HOLDS(n >= 5 && n <= IWF_DIGITS_MAX && digits_only(digits) && digits[0] != '0' && !iwf_e164_check(digits));
	HOLDS(iwf_tbcd_from_digits(digits, tbcd) == v.n && !memcmp(tbcd, v.p, v.n));
	n = iwf_sme_address(digits, sme);
	HOLDS(n <= sizeof(sme) && !iwf_sme_address_parse((struct iwf_view){ sme, n }, again) && !strcmp(digits, again));
}

static void check_sme(struct iwf_view v)
{
	char digits[IWF_DIGITS_MAX + 1];
	uint8_t sme[10];

	if (iwf_sme_address_parse(v, digits))
		return;
	HOLDS(!iwf_e164_check(digits));
	HOLDS(iwf_sme_address(digits, sme) == v.n && !memcmp(sme, v.p, v.n));
}

static void check_imsi(struct iwf_view v)
{
	struct imsi imsi;

	if (iwf_imsi_parse(v, &imsi))
		return;
	HOLDS(digits_only(imsi.digits) && strlen(imsi.digits) == v.n && (v.n == 14 || v.n == 15) && !memcmp(imsi.digits, v.p, v.n));
}

static void check_host(struct iwf_view v)
{
	char name[IWF_DIAMID_MAX + 1];

	if (iwf_diamid_check(v))
		return;
	HOLDS(v.n > 0 && v.n <= IWF_DIAMID_MAX);
	for (size_t i = 0; i < v.n; i++) {
		name[i] = (char)v.p[i];
		if (name[i] >= 'a' && name[i] <= 'z')
			name[i] = (char)(name[i] - 'a' + 'A');
		HOLDS(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", name[i]) && name[i]);
	}
	name[v.n] = 0;
	HOLDS(iwf_diamid_eq(v, name) && !iwf_diamid_check((struct iwf_view){ (const uint8_t *)name, v.n }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct iwf_view v = { data, size };

	check_extid(v);
	check_e164(v);
	check_sme(v);
	check_imsi(v);
	check_host(v);
	return 0;
}
