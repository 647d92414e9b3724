/* audit_chain.c - see audit_chain.h */
#include "audit_chain.h"
#include "log.h"
#include "private.h"

void iwf_audit_clean(const struct iwf_audit *in, struct iwf_audit_row *out)
{
	const char **texts[] = {
		&out->a.event, &out->a.decision, &out->a.peer, &out->a.origin_host, &out->a.address, &out->a.cert,
		&out->a.device, &out->a.detail,
	};

	out->a = *in;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (!*texts[i])
			continue;
		if (iwf_private_in(*texts[i])) {
			char masked[sizeof(out->text[i])];
			iwf_private_mask(*texts[i], masked, sizeof(masked));
			iwf_log_escape(masked, out->text[i], sizeof(out->text[i]));
		} else {
			iwf_log_escape(*texts[i], out->text[i], sizeof(out->text[i]));
		}
		*texts[i] = out->text[i];
	}
}

/* NULL in the table is a value of its own: 0 and -1 stand for it in the struct. */
static void add_optional(struct iwf_hash *h, int64_t v, int64_t null)
{
	iwf_hash_add_u64(h, v != null);
	iwf_hash_add_u64(h, v != null ? (uint64_t)v : 0);
}

bool iwf_audit_hash(const uint8_t before[static IWF_HASH_LEN], int64_t id, const struct iwf_audit *a, const char *reason,
                    uint8_t out[static IWF_HASH_LEN])
{
	struct iwf_hash h;

	iwf_hash_begin(&h);
	iwf_hash_add(&h, before, IWF_HASH_LEN);
	iwf_hash_add_u64(&h, (uint64_t)id);
	iwf_hash_add_u64(&h, (uint64_t)a->at_ms);
	iwf_hash_add_str(&h, a->event);
	iwf_hash_add_str(&h, a->decision);
	iwf_hash_add_str(&h, reason);
	add_optional(&h, a->request_status, -1);
	add_optional(&h, a->scs_id, 0);
	iwf_hash_add_str(&h, a->peer);
	iwf_hash_add_str(&h, a->origin_host);
	iwf_hash_add_str(&h, a->address);
	iwf_hash_add_str(&h, a->cert);
	iwf_hash_add_str(&h, a->device);
	add_optional(&h, a->subscription_id, 0);
	add_optional(&h, a->reference, -1);
	iwf_hash_add_str(&h, a->detail);
	/* Rows from before these columns were there are as they were. */
	if (a->mtc_user_id || a->times > 1 || a->first_ms) {
		add_optional(&h, a->mtc_user_id, 0);
		iwf_hash_add_u64(&h, a->times > 1 ? (uint64_t)a->times : 1);
		add_optional(&h, a->first_ms, 0);
	}
	return iwf_hash_end(&h, out);
}
