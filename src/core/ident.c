#include <string.h>
#include <strings.h>
#include "ident.h"

/* Locale has no say in what a protocol allows, so no <ctype.h>. */
static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool is_alnum(uint8_t c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/* Labels of letters, digits and inner hyphens, 1 to 63 octets each, between
 * single dots (RFC 1035 2.3.1, RFC 1123 2.1). */
static const char *check_domain(struct iwf_view name, size_t *labels)
{
	size_t len = 0;

	*labels = 0;
	for (size_t i = 0; i <= name.n; i++) {
		if (i == name.n || name.p[i] == '.') {
			if (!len)
				return "empty label in the domain";
			if (name.p[i - 1] == '-')
				return "a label of the domain ends with a hyphen";
			++*labels;
			len = 0;
			continue;
		}
		if (!is_alnum(name.p[i]) && name.p[i] != '-')
			return "character not allowed in the domain";
		if (!len && name.p[i] == '-')
			return "a label of the domain begins with a hyphen";
		if (++len > 63)
			return "a label of the domain is longer than 63 octets";
	}
	return NULL;
}

static const char *check_local_part(struct iwf_view local)
{
	if (!local.n)
		return "nothing before the @";
	if (local.n > 64)
		return "more than 64 octets before the @";
	for (size_t i = 0; i < local.n; i++) {
		uint8_t c = local.p[i];

		if (!is_alnum(c) && !strchr("!#$%&'*+/=?^_`{|}~.-", c))
			return "character not allowed before the @";
		if (c == '.' && (i == 0 || i + 1 == local.n || local.p[i - 1] == '.'))
			return "dot at an end, or two in a row, before the @";
	}
	return NULL;
}

const char *iwf_extid_parse(struct iwf_view text, struct iwf_extid *out)
{
	const char *fault;
	size_t at = 0, ats = 0, labels;

	if (!text.n)
		return "empty";
	if (text.n > IWF_EXTID_MAX)
		return "longer than 253 octets";
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] <= ' ' || text.p[i] == 0x7f)
			return "control character or space";
		if (text.p[i] == '@') {
			at = i;
			ats++;
		}
	}
	if (!ats)
		return "no @";
	if (ats > 1)
		return "more than one @";
	if ((fault = check_local_part((struct iwf_view){ text.p, at })))
		return fault;
	if (at + 1 == text.n)
		return "nothing behind the @";
	if ((fault = check_domain((struct iwf_view){ text.p + at + 1, text.n - at - 1 }, &labels)))
		return fault;
	if (labels < 2)
		return "the domain has only one label";

	memcpy(out->text, text.p, text.n);
	out->text[text.n] = '\0';
	for (char *c = out->text + at + 1; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	out->domain = out->text + at + 1;
	return NULL;
}

const char *iwf_e164_check(const char *digits)
{
	size_t n = strspn(digits, "0123456789");

	if (digits[n])
		return "not a decimal digit";
	if (n < 5)
		return "fewer than 5 digits";
	if (n > IWF_DIGITS_MAX)
		return "more than 15 digits";
	if (digits[0] == '0')
		return "begins with 0";
	return NULL;
}

/* Semi-octets, the earlier digit low; out has room for 16 digits and the NUL. */
static const char *unpack(struct iwf_view tbcd, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < tbcd.n; i++) {
		uint8_t low = tbcd.p[i] & 0x0f, high = tbcd.p[i] >> 4;

		if (low == 0x0f || (high == 0x0f && i + 1 < tbcd.n))
			return "filler before the end";
		if (low > 9 || (high > 9 && high != 0x0f))
			return "nibble that is no decimal digit";
		out[n++] = (char)('0' + low);
		if (high != 0x0f)
			out[n++] = (char)('0' + high);
	}
	out[n] = '\0';
	return NULL;
}

const char *iwf_e164_from_tbcd(struct iwf_view tbcd, char out[static IWF_DIGITS_MAX + 1])
{
	char digits[17];
	const char *fault;

	if (!tbcd.n)
		return "empty";
	if (tbcd.n > 8)
		return "more than 8 octets";
	if ((fault = unpack(tbcd, digits)) || (fault = iwf_e164_check(digits)))
		return fault;
	strcpy(out, digits);
	return NULL;
}

size_t iwf_tbcd_from_digits(const char *digits, uint8_t out[static 8])
{
	size_t n = 0;

	for (; *digits && n < 8; n++) {
		uint8_t low = (uint8_t)(*digits++ - '0'), high = 0x0f;

		if (*digits)
			high = (uint8_t)(*digits++ - '0');
		out[n] = (uint8_t)(high << 4 | low);
	}
	return n;
}

#define TOA_INTERNATIONAL_E164 0x91

size_t iwf_sme_address(const char *e164, uint8_t out[static 10])
{
	out[0] = (uint8_t)strlen(e164);
	out[1] = TOA_INTERNATIONAL_E164;
	return 2 + iwf_tbcd_from_digits(e164, out + 2);
}

const char *iwf_sme_address_parse(struct iwf_view octets, char out[static IWF_DIGITS_MAX + 1])
{
	const char *fault;
	char digits[IWF_DIGITS_MAX + 1];

	if (octets.n < 3)
		return "too short for an address";
	if (octets.p[1] != TOA_INTERNATIONAL_E164)
		return "not an international E.164 number";
	if (octets.p[0] > IWF_DIGITS_MAX)
		return "more than 15 digits";
	if (octets.n != 2 + (octets.p[0] + 1u) / 2)
		return "length and number of digits do not agree";
	if ((fault = iwf_e164_from_tbcd((struct iwf_view){ octets.p + 2, octets.n - 2 }, digits)))
		return fault;
	if (strlen(digits) != octets.p[0])
		return "length and number of digits do not agree";
	strcpy(out, digits);
	return NULL;
}

const char *iwf_imsi_parse(struct iwf_view digits, struct imsi *out)
{
	for (size_t i = 0; i < digits.n; i++)
		if (!is_digit(digits.p[i]))
			return "not a decimal digit";
	if (digits.n < 14)
		return "fewer than 14 digits";
	if (digits.n > IWF_DIGITS_MAX)
		return "more than 15 digits";
	memcpy(out->digits, digits.p, digits.n);
	out->digits[digits.n] = '\0';
	return NULL;
}

const char *iwf_diamid_check(struct iwf_view name)
{
	size_t labels;

	if (!name.n)
		return "empty";
	if (name.n > IWF_DIAMID_MAX)
		return "longer than 255 octets";
	return check_domain(name, &labels);
}

bool iwf_diamid_eq(struct iwf_view a, const char *b)
{
	return strlen(b) == a.n && strncasecmp((const char *)a.p, b, a.n) == 0;
}
