/* s6m_types.h - S6m (TS 29.336 clause 5) as plain structs. */
#pragma once
#include "ident.h"
#include "tsp_types.h"

#define S6M_EXP_USER_UNKNOWN              5001u
#define S6M_EXP_UNAUTHORIZED_REQUESTER    5510u
#define S6M_EXP_UNAUTHORIZED_SERVICE      5511u
#define S6M_CAUSE_ABSENT_SUBSCRIBER        0x1u  /* HSS-Cause bits, 6.4.8 */
#define S6M_CAUSE_TELESERVICE_MISSING      0x2u
#define S6M_CAUSE_CALL_BARRED              0x4u

/* A Diameter node of the operator. */
struct iwf_target { char host[IWF_DIAMID_MAX + 1], realm[IWF_DIAMID_MAX + 1]; };

/* Subscriber-Information-Request for Service-ID DEVICE_TRIGGER: exactly the
 * identifier that the SCS gave. */
struct s6m_sir {
	char ext_id[IWF_EXTID_MAX + 1];         /* one of the two is "" */
	char msisdn[IWF_DIGITS_MAX + 1];
	char scs_identity[IWF_DIGITS_MAX + 1];  /* also SM-RP-SMEA, as a TS 23.040 address */
	bool priority;
	bool has_port;
	uint32_t port;
};

enum s6m_kind {
	S6M_ANSWERED,     /* a Result-Code or Experimental-Result came */
	S6M_UNREACHABLE,  /* no connection to that HSS */
	S6M_TIMEOUT,
	S6M_NONSENSE,     /* an answer came that breaks the grammar */
};

struct s6m_sia {
	enum s6m_kind kind;
	uint32_t result_code;       /* 0: none */
	uint32_t experimental;      /* vendor 10415; 0: none */
	uint32_t hss_cause;
	bool has_imsi;
	struct imsi imsi;
	char msisdn[IWF_DIGITS_MAX + 1];  /* "" if none came */
	/* Serving-Node and Additional-Serving-Node as encoded AVPs one after the
	 * other, to be copied into the DTR unread (malloc'd; s6m_sia_free). */
	uint8_t *nodes;
	size_t nodes_len;
};
void s6m_sia_free(struct s6m_sia *sia);  /* releases what it points to, not the struct */
