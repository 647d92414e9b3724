/* fuzz_pki.c - octets as what an SCS shows in its handshake, and as files of CAs and CRLs.
 *
 * Input: an octet with the kind; for a chain: each certificate (DER) behind its length (2, big-endian); otherwise a PEM file.
 * Holds: nobody is trusted but those whom our CA has signed, unchanged; what is trusted is trusted again; names that are told
 * are host names; where a file cannot be taken, there are words for it. */
#include <string.h>
#include "fuzz.h"
#include "pki.h"
#include "pki_world.h"

#define CHAIN_MAX 6
enum kind { CHAIN, CAS, CRLS };

static struct iwf_pki *pki;

static gnutls_datum_t datum(const void *p, size_t n)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)p, (unsigned)n };
}

/* Octets of tag and length of what begins there; *len: of its contents. */
static size_t der_head(const unsigned char *p, size_t n, size_t *len)
{
	size_t more;

	HOLDS(n >= 2);
	*len = p[1];
	if (p[1] < 0x80)
		return 2;
	more = p[1] & 0x7f;
	HOLDS(more <= 4 && n >= 2 + more);
	*len = 0;
	for (size_t i = 0; i < more; i++)
		*len = *len << 8 | p[2 + i];
	return 2 + more;
}

/* What is signed: the first member of the outer SEQUENCE, with its header. */
static gnutls_datum_t signed_part(const unsigned char *p, size_t n)
{
	size_t len, outer = der_head(p, n, &len), inner = der_head(p + outer, n - outer, &len);

	HOLDS(len <= n - outer - inner);
	return datum(p + outer, inner + len);
}

/* Nothing but the signature can be another in what is trusted. */
static void check_trusted(const gnutls_datum_t *der)
{
	const gnutls_datum_t is = signed_part(der->data, der->size);
	const gnutls_datum_t good = signed_part(pki_world_good, sizeof(pki_world_good));
	const gnutls_datum_t below = signed_part(pki_world_below, sizeof(pki_world_below));

	HOLDS((is.size == good.size && !memcmp(is.data, good.data, is.size)) ||
	      (is.size == below.size && !memcmp(is.data, below.data, is.size)));
}

static void check_cert(const struct iwf_cert *c)
{
	HOLDS(c->nsans <= 8 && strlen(c->subject) < sizeof(c->subject));
	HOLDS(!c->sha256[0] || strspn(c->sha256, "0123456789abcdef") == 64);
	for (unsigned i = 0; i < c->nsans; i++)
		HOLDS(!iwf_diamid_check((struct iwf_view){ (const uint8_t *)c->sans[i], strlen(c->sans[i]) }));
}

static void try_chain(const uint8_t *p, size_t n)
{
	gnutls_datum_t chain[CHAIN_MAX], out = { 0 };
	struct iwf_cert_verdict v, again;
	struct iwf_cert cert;
	unsigned count = 0;

	while (n >= 2 && count < CHAIN_MAX) {
		size_t len = (size_t)p[0] << 8 | p[1];

		if (len > n - 2)
			len = n - 2;
		chain[count++] = datum(p + 2, len);
		p += 2 + len;
		n -= 2 + len;
	}
	v = iwf_pki_check(pki, chain, count, PKI_WORLD_NOW_MS, &cert);
	again = iwf_pki_recheck(pki, chain, count, PKI_WORLD_NOW_MS);
	check_cert(&cert);
	HOLDS(strlen(v.detail) < sizeof(v.detail) && (v.reason == RS_NONE || v.detail[0]));
	HOLDS((v.reason == RS_NONE) == (iwf_pki_alert(v.reason) == 0));
	if (v.reason == RS_NONE) {
		HOLDS(again.reason == RS_NONE && cert.nsans == 1 && !strcmp(cert.sans[0], PKI_WORLD_NAME));
		check_trusted(&chain[0]);
	}
	if (iwf_pki_issuer(pki, chain, count, &out))
		gnutls_free(out.data);
}

static void try_files(const gnutls_datum_t *ca, const gnutls_datum_t *crl)
{
	char err[200] = "";
	struct iwf_pki *p = iwf_pki_new(ca, crl, IWF_CRL_REQUIRE, IWF_PKI_CLIENT, err, sizeof(err));
	gnutls_datum_t chain = datum(pki_world_good, sizeof(pki_world_good));
	struct iwf_cert cert;

	HOLDS(p ? !err[0] : err[0] != 0);
	if (p)
		iwf_pki_check(p, &chain, 1, PKI_WORLD_NOW_MS, &cert);
	iwf_pki_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const gnutls_datum_t ca = datum(pki_world_ca, strlen(pki_world_ca)), none = { NULL, 0 };
	gnutls_datum_t pem;
	char err[200];

	if (!size)
		return 0;
	if (!pki)
		pki = iwf_pki_new(&ca, &none, IWF_CRL_IF_PRESENT, IWF_PKI_CLIENT, err, sizeof(err));
	HOLDS(pki != NULL);
	/* PEM is read as text with a NUL behind it, as files are. */
	pem.data = malloc(size);
	HOLDS(pem.data != NULL);
	pem.size = (unsigned)size - 1;
	memcpy(pem.data, data + 1, size - 1);
	pem.data[size - 1] = 0;
	switch (data[0] % 3) {
	case CHAIN: try_chain(data + 1, size - 1); break;
	case CAS:   try_files(&pem, &none); break;
	case CRLS:  try_files(&ca, &pem); break;
	}
	free(pem.data);
	return 0;
}
