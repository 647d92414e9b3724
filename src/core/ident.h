/* ident.h - identifiers: parse, check, normalise.
 *
 * Lengths and characters are checked here, where octets enter; everything
 * further in takes these types.  Nothing here allocates. */
#pragma once
#include "tsp_types.h"

/* External Identifier (TS 23.003 19.7.2), normalised: the domain in lower
 * case, the local part as it came. */
struct iwf_extid {
	char text[IWF_EXTID_MAX + 1];   /* local@domain */
	const char *domain;             /* into text, behind the '@' */
};

/* The IMSI is a type of its own, so that no function towards an SCS can be
 * handed one by mistake (SEC-7).  14 or 15 digits. */
struct imsi { char digits[IWF_DIGITS_MAX + 1]; };

/* NULL if `text` is an External Identifier, which *out then holds; otherwise
 * what is wrong with it, in words for log and audit. */
const char *iwf_extid_parse(struct iwf_view text, struct iwf_extid *out);

/* TBCD (TS 29.002, TS 29.329 6.3.2) of 5 to 15 digits, the first not 0: an
 * E.164 number in MSISDN and SCS-Identity.  NULL, or what is wrong. */
const char *iwf_e164_from_tbcd(struct iwf_view tbcd, char out[static IWF_DIGITS_MAX + 1]);
/* The same check on digits, e.g. from the command line. */
const char *iwf_e164_check(const char *digits);
/* Octets written (1..8); digits must be 1 to 15 decimal digits. */
size_t iwf_tbcd_from_digits(const char *digits, uint8_t out[static 8]);

/* TS 23.040 9.1.2.5 address field (SM-RP-SMEA): number of digits, type of
 * address 0x91, semi-octets.  Octets written (3..10). */
size_t iwf_sme_address(const char *e164, uint8_t out[static 10]);
/* NULL, or what is wrong. */
const char *iwf_sme_address_parse(struct iwf_view octets, char out[static IWF_DIGITS_MAX + 1]);

const char *iwf_imsi_parse(struct iwf_view digits, struct imsi *out);

/* A host name that can be a DiameterIdentity.  NULL, or what is wrong. */
const char *iwf_diamid_check(struct iwf_view name);
/* Host names compare without case. */
bool iwf_diamid_eq(struct iwf_view a, const char *b);
