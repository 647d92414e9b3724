/* peers.h - what is known of the other end of each open connection: whether it
 * has proven to be who it says, from where, and with which certificate.
 * For any thread. */
#pragma once
#include "tsp_types.h"

struct iwf_peer_info {
	bool proven;
	bool inside;                    /* proven, and neither an SCS nor an agent in front of SCSs */
	char address[64];               /* "[192.0.2.7]:41234"; "" if not known */
	char cert_sha256[64 + 1];       /* lower-case hex; "": no certificate */
};

/* A connection under that Diameter identity has opened: replaces what was known. */
void iwf_peer_opened(const char *host, const struct iwf_peer_info *info);
/* Has any connection opened in the last so many milliseconds? */
bool iwf_peers_opened_within(int64_t ms);
void iwf_peer_closed(const char *host);
/* False, and *out all empty and not proven: no such connection. */
bool iwf_peer_get(struct iwf_view host, struct iwf_peer_info *out);
/* False too for a connection that is not known. */
bool iwf_peer_is_inside(struct iwf_view host);
void iwf_peers_forget_all(void);
