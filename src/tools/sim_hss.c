/* sim_hss.c - an HSS on S6m (TS 29.336 clause 5) that says what its file says. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sim.h"

#define TEXT_MAX  256
#define IDS_MAX   8        /* External-Identifiers, and SCSs, of a subscriber */
#define NODES_MAX 4        /* Additional-Serving-Nodes */
#define CAUSE_ABSENT      1u
#define CAUSE_TELESERVICE 2u
#define CAUSE_BARRED      4u
#define EXP_UNAUTHORIZED_REQUESTER 5510u

enum result { R_SUCCESS, R_USER_UNKNOWN, R_REQUESTER, R_SERVICE, R_ABSENT, R_TELESERVICE, R_BARRED, R_TOO_BUSY,
              R_UNABLE, R_SILENT, R_LATE, R_NONSENSE, RESULTS };
static const char *const result_words[RESULTS] = {
	"success", "user-unknown", "unauthorized-requester", "unauthorized-service", "absent", "teleservice", "barred",
	"too-busy", "unable-to-comply", "silent", "late", "nonsense",
};
static const struct { uint32_t code, experimental, cause; } results[RESULTS] = {
	[R_SUCCESS] = { 2001, 0, 0 }, [R_USER_UNKNOWN] = { 0, 5001, 0 },
	[R_REQUESTER] = { 0, EXP_UNAUTHORIZED_REQUESTER, 0 }, [R_SERVICE] = { 0, 5511, 0 },
	[R_ABSENT] = { 2001, 0, CAUSE_ABSENT }, [R_TELESERVICE] = { 2001, 0, CAUSE_TELESERVICE },
	[R_BARRED] = { 2001, 0, CAUSE_BARRED }, [R_TOO_BUSY] = { 3004, 0, 0 }, [R_UNABLE] = { 5012, 0, 0 },
	[R_LATE] = { 2001, 0, 0 }, [R_NONSENSE] = { 2001, 0, 0 },
};

/* What can be in Serving-Node, in the order of 6.4.12. */
static const struct { const char *key; enum dia_id id; bool digits; } node_fields[] = {
	{ "sgsn_name", DIA_SGSN_Name, false }, { "sgsn_realm", DIA_SGSN_Realm, false },
	{ "sgsn_number", DIA_SGSN_Number, true }, { "mme_name", DIA_MME_Name, false },
	{ "mme_realm", DIA_MME_Realm, false }, { "mme_number", DIA_MME_Number_for_MT_SMS, true },
	{ "msc_number", DIA_MSC_Number, true }, { "ip_sm_gw_number", DIA_IP_SM_GW_Number, true },
	{ "ip_sm_gw_name", DIA_IP_SM_GW_Name, false }, { "ip_sm_gw_realm", DIA_IP_SM_GW_Realm, false },
};
#define NODE_FIELDS (sizeof(node_fields) / sizeof(node_fields[0]))
struct node { char value[NODE_FIELDS][TEXT_MAX]; };

struct subscriber {
	char imsi[16], msisdn[16];
	char ext_id[IDS_MAX][TEXT_MAX], scs[IDS_MAX][16];
	size_t next_id, nscs;
	enum result result;
	enum sim_nonsense nonsense;
	uint32_t delay_ms;
	bool has_node, without_imsi;
	struct node node, additional[NODES_MAX];
	size_t nadditional;
};

struct hss_conf { struct subscriber *v, stranger; size_t n; };

/* What a SIR asks. */
struct sir {
	char imsi[TEXT_MAX], msisdn[40], ext_id[TEXT_MAX], scs[40], smea[40];
	bool has_priority, has_port;
	uint32_t priority, port;
	bool t_flag;
};

/* The configuration. */

static void read_node(struct sim_cfg *c, const config_setting_t *g, struct node *out)
{
	const char *keys[NODE_FIELDS + 1] = { 0 };

	for (size_t i = 0; i < NODE_FIELDS; i++)
		keys[i] = node_fields[i].key;
	sim_cfg_keys(c, g, keys);
	for (size_t i = 0; i < NODE_FIELDS; i++) {
		if (node_fields[i].digits)
			sim_cfg_digits(c, g, node_fields[i].key, 5, 15, out->value[i], TEXT_MAX);
		else
			sim_cfg_copy(c, g, node_fields[i].key, "", out->value[i], TEXT_MAX);
	}
}

/* Texts of a list, or the one text in its place. */
static size_t read_texts(struct sim_cfg *c, const config_setting_t *group, const char *key, char *out, size_t each,
                         size_t max)
{
	const config_setting_t *s = config_setting_get_member(group, key);
	size_t n = 0;
	bool one = s && config_setting_type(s) == CONFIG_TYPE_STRING;

	if (!one)
		s = sim_cfg_list(c, group, key);
	for (int i = 0; s && i < (one ? 1 : config_setting_length(s)); i++) {
		const char *text = one ? config_setting_get_string(s) : config_setting_get_string_elem(s, i);

		if (!text || strlen(text) >= each)
			sim_cfg_fault(c, s, "%s: each must be a text of at most %zu octets", key, each - 1);
		else if (n == max)
			sim_cfg_fault(c, s, "%s: more than %zu", key, max);
		else
			snprintf(out + n++ * each, each, "%s", text);
	}
	return n;
}

static void read_behaviour(struct sim_cfg *c, const config_setting_t *g, struct subscriber *s)
{
	s->result = (enum result)sim_cfg_word(c, g, "result", result_words, RESULTS, s->result);
	s->delay_ms = sim_cfg_number(c, g, "delay_ms", 0, 3600000, s->result == R_LATE ? 15000 : 0);
	s->nonsense = s->result != R_NONSENSE ? SENSE :
	              (enum sim_nonsense)sim_cfg_word(c, g, "nonsense", sim_nonsense_words, SIM_NONSENSES, NO_RESULT);
}

static void read_subscriber(struct sim_cfg *c, const config_setting_t *g, struct subscriber *s)
{
	static const char *const keys[] = { "imsi", "msisdn", "ext_id", "result", "delay_ms", "nonsense", "allowed_scs",
	                                    "serving_node", "additional_nodes", "without_imsi", NULL };
	const config_setting_t *node, *list;

	memset(s, 0, sizeof(*s));
	if (!config_setting_is_group(g)) {
		sim_cfg_fault(c, g, "a subscriber must be a group: { ... }");
		return;
	}
	sim_cfg_keys(c, g, keys);
	if (!config_setting_get_member(g, "imsi"))
		sim_cfg_fault(c, g, "imsi is needed here");
	sim_cfg_digits(c, g, "imsi", 14, 15, s->imsi, sizeof(s->imsi));
	sim_cfg_digits(c, g, "msisdn", 5, 15, s->msisdn, sizeof(s->msisdn));
	s->next_id = read_texts(c, g, "ext_id", s->ext_id[0], TEXT_MAX, IDS_MAX);
	s->nscs = read_texts(c, g, "allowed_scs", s->scs[0], sizeof(s->scs[0]), IDS_MAX);
	s->without_imsi = sim_cfg_bool(c, g, "without_imsi", false);
	read_behaviour(c, g, s);
	node = sim_cfg_group(c, g, "serving_node");
	s->has_node = node != NULL;
	if (node)
		read_node(c, node, &s->node);
	list = sim_cfg_list(c, g, "additional_nodes");
	for (int i = 0; list && i < config_setting_length(list); i++) {
		const config_setting_t *e = config_setting_get_elem(list, (unsigned)i);

		if (s->nadditional == NODES_MAX || !config_setting_is_group(e))
			sim_cfg_fault(c, e, "additional_nodes: at most %d groups", NODES_MAX);
		else
			read_node(c, e, &s->additional[s->nadditional++]);
	}
	if (s->nadditional && !s->has_node)
		sim_cfg_fault(c, list, "additional_nodes without a serving_node (TS 29.336 6.4.8)");
}

static void *hss_load(struct sim_cfg *c, const config_setting_t *root)
{
	const config_setting_t *list = sim_cfg_list(c, root, "subscribers"), *g = sim_cfg_group(c, root, "default");
	static const char *const keys[] = { "result", "delay_ms", "nonsense", NULL };
	struct hss_conf *conf = calloc(1, sizeof(*conf));

	if (!conf)
		return NULL;
	conf->n = list ? (size_t)config_setting_length(list) : 0;
	conf->v = calloc(conf->n + 1, sizeof(*conf->v));
	if (!conf->v) {
		free(conf);
		return NULL;
	}
	for (size_t i = 0; i < conf->n; i++)
		read_subscriber(c, config_setting_get_elem(list, (unsigned)i), &conf->v[i]);
	conf->stranger.result = R_USER_UNKNOWN;
	if (g) {
		sim_cfg_keys(c, g, keys);
		read_behaviour(c, g, &conf->stranger);
		if (conf->stranger.result != R_NONSENSE && results[conf->stranger.result].code == 2001)
			sim_cfg_fault(c, g, "default: whom nobody knows has no IMSI to answer with");
	}
	return conf;
}

static void hss_unload(void *p)
{
	struct hss_conf *conf = p;

	free(conf->v);
	free(conf);
}

/* The request. */

static bool read_digits(const struct dia_avp *a, char *out, size_t size)
{
	tool_tbcd_text(a->data, a->len, out, size);
	return a->len >= 1 && a->len <= 8 && strlen(out) >= 5 && !strchr(out, '?') && out[0] != '0';
}

/* Who is meant; false: refused. */
static bool read_user(struct sim *s, struct peer *p, const uint8_t *msg, size_t n, struct sir *q)
{
	struct dia_avp user, a;

	if (!dia_msg_find(msg, n, DIA_User_Identifier, &user))
		return false;   /* dia_check has seen to that */
	if (dia_group_find(&user, DIA_User_Name, &a))
		dia_avp_text(&a, q->imsi, sizeof(q->imsi));
	if (dia_group_find(&user, DIA_External_Identifier, &a))
		dia_avp_text(&a, q->ext_id, sizeof(q->ext_id));
	if (dia_group_find(&user, DIA_MSISDN, &a) && !read_digits(&a, q->msisdn, sizeof(q->msisdn))) {
		sim_refuse(s, p, msg, n, 5004, "no E.164 number", &a, NULL);
		return false;
	}
	if (!q->imsi[0] && !q->ext_id[0] && !q->msisdn[0]) {
		sim_refuse(s, p, msg, n, 5004, "nobody in it (TS 29.336 6.4.2)", &user, NULL);
		return false;
	}
	return true;
}

static bool read_service(struct sim *s, struct peer *p, const uint8_t *msg, size_t n, struct sir *q)
{
	struct dia_avp a, sp, t4;
	uint32_t v;

	if (dia_msg_find(msg, n, DIA_SIR_Flags, &a) && dia_avp_u32(&a, &v) && !(v & 1)) {
		sim_refuse(s, p, msg, n, 5004, "not S6m (bit 0 clear)", &a, NULL);
		return false;
	}
	if (!dia_msg_find(msg, n, DIA_Service_ID, &a)) {
		sim_refuse(s, p, msg, n, 5005, "a device trigger names its service", NULL, &dia_avps[DIA_Service_ID]);
		return false;
	}
	if (!dia_msg_find(msg, n, DIA_SCS_Identity, &a)) {
		sim_refuse(s, p, msg, n, 5005, "a device trigger names its SCS", NULL, &dia_avps[DIA_SCS_Identity]);
		return false;
	}
	if (!read_digits(&a, q->scs, sizeof(q->scs))) {
		sim_refuse(s, p, msg, n, 5004, "no E.164 number", &a, NULL);
		return false;
	}
	if (!dia_msg_find(msg, n, DIA_Service_Parameters, &sp))
		return true;
	q->has_port = tool_u32(NULL, 0, &sp, DIA_Application_Port_Identifier, &q->port);
	if (!dia_group_find(&sp, DIA_T4_Parameters, &t4))
		return true;
	q->has_priority = tool_u32(NULL, 0, &t4, DIA_Priority_Indication, &q->priority);
	if (dia_group_find(&t4, DIA_SM_RP_SMEA, &a) && !tool_sme_text(a.data, a.len, q->smea, sizeof(q->smea))) {
		sim_refuse(s, p, msg, n, 5004, "no address of TS 23.040", &a, NULL);
		return false;
	}
	return true;
}

static bool has_ext_id(const struct subscriber *s, const char *id)
{
	const char *at = strchr(id, '@');

	/* The domain compares without case (TS 23.003 19.7.2). */
	for (size_t i = 0; i < s->next_id; i++) {
		const char *own = strchr(s->ext_id[i], '@');

		if (at && own ? at - id == own - s->ext_id[i] && !strncmp(id, s->ext_id[i], (size_t)(at - id)) && !strcasecmp(at, own)
		              : !strcmp(id, s->ext_id[i]))
			return true;
	}
	return false;
}

static const struct subscriber *find(const struct hss_conf *conf, const struct sir *q)
{
	for (size_t i = 0; i < conf->n; i++) {
		const struct subscriber *s = &conf->v[i];

		if ((q->ext_id[0] && has_ext_id(s, q->ext_id)) || (q->msisdn[0] && !strcmp(q->msisdn, s->msisdn)) ||
		    (q->imsi[0] && !strcmp(q->imsi, s->imsi)))
			return s;
	}
	return &conf->stranger;
}

static bool is_allowed(const struct subscriber *s, const char *scs)
{
	for (size_t i = 0; i < s->nscs; i++)
		if (!strcmp(s->scs[i], scs))
			return true;
	return !s->nscs;
}

/* The answer. */

static void put_digits(struct dia_writer *w, enum dia_id id, const char *digits)
{
	uint8_t tbcd[16];

	dia_put_octets(w, id, tbcd, tool_tbcd(digits, tbcd, sizeof(tbcd)));
}

static void put_node(struct dia_writer *w, enum dia_id group, const struct node *node)
{
	dia_open(w, group);
	for (size_t i = 0; i < NODE_FIELDS; i++) {
		if (!node->value[i][0])
			continue;
		if (node_fields[i].digits)
			put_digits(w, node_fields[i].id, node->value[i]);
		else
			dia_put_text(w, node_fields[i].id, node->value[i]);
	}
	dia_close(w);
}

static void put_subscriber(struct dia_writer *w, const struct subscriber *s, const struct sir *q, uint32_t cause)
{
	dia_open(w, DIA_User_Identifier);
	if (!s->without_imsi)
		dia_put_text(w, DIA_User_Name, s->imsi);
	if (s->msisdn[0])
		put_digits(w, DIA_MSISDN, s->msisdn);
	if (q->ext_id[0])
		dia_put_text(w, DIA_External_Identifier, q->ext_id);
	dia_close(w);
	if (!cause && !s->has_node)
		return;
	dia_open(w, DIA_Service_Data);
	dia_open(w, DIA_T4_Data);
	if (cause) {
		dia_put_u32(w, DIA_HSS_Cause, cause);   /* and no nodes: 6.4.8 */
	} else {
		put_node(w, DIA_Serving_Node, &s->node);
		for (size_t i = 0; i < s->nadditional; i++)
			put_node(w, DIA_Additional_Serving_Node, &s->additional[i]);
	}
	dia_close(w);
	dia_close(w);
}

static void tell(struct sim *sim, const struct peer *p, const struct sir *q, const struct subscriber *s,
                 enum result result)
{
	struct json j;

	if (sim->json) {
		json_begin(&j, stdout, "sir");
		json_text(&j, "peer", peer_remote_host(p));
		json_text(&j, "ext_id", q->ext_id);
		json_text(&j, "msisdn", q->msisdn);
		json_text(&j, "imsi", q->imsi[0] ? q->imsi : s->imsi);
		json_text(&j, "scs_identity", q->scs);
		json_text(&j, "smea", q->smea);
		if (q->has_priority)
			json_number(&j, "priority", q->priority);
		if (q->has_port)
			json_number(&j, "port", q->port);
		json_bool(&j, "t_flag", q->t_flag);
		json_text(&j, "answer", result_words[result]);
		json_end(&j);
	} else {
		char who[4 * TEXT_MAX];
		const char *id = q->ext_id[0] ? q->ext_id : q->msisdn[0] ? q->msisdn : q->imsi;

		tool_printable(id, strlen(id), who, sizeof(who));
		printf("SIR %s for SCS %s: %s%s%s%s\n", who, q->scs, result_words[result], s->imsi[0] ? ", IMSI " : "", s->imsi,
		       q->t_flag ? ", sent again" : "");
		fflush(stdout);
	}
}

static void hss_request(struct sim *sim, struct peer *p, const struct dia_hdr *h, const uint8_t *msg, size_t n)
{
	const struct subscriber *s;
	struct sir q = { .t_flag = h->flags & DIA_F_RETRANSMIT };
	struct dia_writer w = { 0 };
	struct sim_answer a;
	enum result result;

	if (sim_refuses(sim, p, msg, n) || !read_user(sim, p, msg, n, &q) || !read_service(sim, p, msg, n, &q))
		return;
	s = find(sim->conf, &q);
	result = is_allowed(s, q.scs) ? s->result : R_REQUESTER;
	tell(sim, p, &q, s, result);
	if (result == R_SILENT)
		return;
	a = (struct sim_answer){ results[result].code, results[result].experimental,
	                         result == R_NONSENSE ? s->nonsense : SENSE };
	sim_answer_begin(&w, sim, msg, n, &a);
	if (results[result].code == 2001 && s->imsi[0])
		put_subscriber(&w, s, &q, results[result].cause);
	sim_answer_finish(&w, &a);
	sim_send(sim, p, &w, s->delay_ms);
}

int main(int argc, char **argv)
{
	static const char *const keys[] = { "subscribers", "default", NULL };
	static const struct sim_ops ops = {
		.name = "sim-hss", .what = "An HSS for the MTC-IWF (S6m, TS 29.336) that answers what its file says.",
		.app = APP_S6M, .keys = keys, .load = hss_load, .unload = hss_unload, .request = hss_request,
	};

	return sim_main(argc, argv, &ops, NULL);
}
