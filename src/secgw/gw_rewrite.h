/* gw_rewrite.h - messages as they leave the gateway, inward and outward: what is put in, put back and left out.
 * No I/O; every function builds into a writer and says false if nothing can be built from that. */
#pragma once
#include "gw_gate.h"
#include "guard.h"

struct gw_names {
	const char *identity, *realm;
	const char *const *inside; size_t ninside;       /* Origin-Hosts of the nodes */
	/* Besides, what a node should have kept to itself stays here; NULL: all of it passes.  A DAA has no number but
	 * what its DAR had, a DNR those of its device. */
	const struct dia_guard *answers, *requests;
};

/* A DAR for a node: our Route-Record and Proxy-Info, its realm, no Destination-Host. */
bool gw_rewrite_dar(const struct gw_names *, const uint8_t *dar, size_t n, uint32_t hbh, bool again, const char *scs_host,
                    const char *proxy_state, const char *node_realm, struct dia_writer *);
/* Its answer for the SCS; `dar` is what the SCS sent: Session-Id, Proxy-Infos and identifiers come from there. */
bool gw_rewrite_daa(const struct gw_names *, const uint8_t *daa, size_t n, const uint8_t *dar, size_t dar_n, struct dia_writer *);
/* A DNR for an SCS. */
bool gw_rewrite_dnr(const struct gw_names *, const uint8_t *dnr, size_t n, uint32_t hbh, const char *session, const char *scs_host,
                    const char *scs_realm, struct dia_writer *);
/* Its answer for the node; `dnr` is what the node sent. */
bool gw_rewrite_dna(const struct gw_names *, const uint8_t *dna, size_t n, const uint8_t *dnr, size_t dnr_n, const char *scs_host,
                    struct dia_writer *);
/* Result-Code or, for an answer with Experimental-Result only, its code; 0: none, or the AVPs cannot be walked. */
uint32_t gw_result_of(const uint8_t *answer, size_t n);
