/* sim_server.c - a Diameter server that plays a part: options, signals, and the
 * answers that both simulators give. */
#include "config.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "sim.h"

#define NO_STATE_MAINTAINED 1u

const char *const sim_nonsense_words[SIM_NONSENSES] = {
	"none", "no-result", "short-result", "no-origin", "garbage-group", "bad-length",
};

struct sim_peer { struct sim_peer *next; struct peer *peer; };

struct sim_later {                  /* an answer that waits for its time */
	struct sim_later *next;
	struct sim *sim;
	struct peer *peer;
	uint64_t timer;
	struct dia_writer w;
};

struct settings {                   /* the top of the file, but for what belongs to the simulator */
	char identity[256], realm[256], gossip[256], listen[64], cert[1024], key[1024], ca[1024];
	uint16_t port;
	bool tls;
	uint32_t watchdog_s;
};

struct options { const char *config, *port_file, *keylog; bool json, trace, check; };

void sim_event(struct sim *s, const char *event, const char *fmt, ...)
{
	char text[512];
	struct json j;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->json) {
		json_begin(&j, stdout, "event");
		json_text(&j, "event", event);
		json_text(&j, "text", text);
		json_end(&j);
	} else {
		printf("%s: %s\n", event, text);
		fflush(stdout);
	}
}

/* Answers. */

void sim_answer_begin(struct dia_writer *w, struct sim *s, const uint8_t *request, size_t n, const struct sim_answer *a)
{
	static const uint8_t three[3] = { 0, 7, 0xd1 };

	dia_begin_answer(w, request, n, a->result / 1000 == 3 ? DIA_F_ERROR : 0);
	if (a->nonsense == SHORT_RESULT) {
		dia_put_raw(w, dia_avps[DIA_Result_Code].code, DIA_AVP_M, 0, three, sizeof(three));
	} else if (a->nonsense != NO_RESULT && a->experimental) {
		dia_open(w, DIA_Experimental_Result);
		dia_put_u32(w, DIA_Vendor_Id, DIA_VENDOR_3GPP);
		dia_put_u32(w, DIA_Experimental_Result_Code, a->experimental);
		dia_close(w);
	} else if (a->nonsense != NO_RESULT) {
		dia_put_u32(w, DIA_Result_Code, a->result);
	}
	dia_put_u32(w, DIA_Auth_Session_State, NO_STATE_MAINTAINED);
	if (a->nonsense != NO_ORIGIN)
		dia_put_text(w, DIA_Origin_Host, s->identity);
	dia_put_text(w, DIA_Origin_Realm, s->realm);
	sim_put_gossip(w, s);
}

void sim_put_gossip(struct dia_writer *w, const struct sim *s)
{
	const size_t len = strlen(s->gossip);
	const uint8_t *at = w->p + DIA_HDR_LEN;
	size_t left = w->n - DIA_HDR_LEN;
	struct dia_avp first;

	if (!len || w->failed)
		return;
	/* Over the Session-Id, as far as that goes. */
	if (dia_avp_next(&at, &left, &first) > 0 && first.def == &dia_avps[DIA_Session_Id])
		memcpy(w->p + (first.data - w->p), s->gossip, first.len < len ? first.len : len);
	dia_put_text(w, DIA_Error_Message, s->gossip);
	dia_put_text(w, DIA_Error_Reporting_Host, s->identity);
	dia_put_text(w, DIA_User_Name, s->gossip);
	dia_put_text(w, DIA_Route_Record, s->identity);
	dia_open(w, DIA_Failed_AVP);
	dia_put_text(w, DIA_User_Name, s->gossip);
	dia_put_text(w, DIA_External_Identifier, s->gossip);
	dia_put_text(w, DIA_Error_Message, s->gossip);
	dia_close(w);
	dia_open(w, DIA_Proxy_Info);
	dia_put_text(w, DIA_Proxy_Host, s->identity);
	dia_put_text(w, DIA_Proxy_State, s->gossip);
	dia_close(w);
}

void sim_answer_finish(struct dia_writer *w, const struct sim_answer *a)
{
	static const uint8_t garbage[] = "no AVP is like this one";
	/* A header that promises 255 octets where the message ends. */
	static const uint8_t overlong[] = { 0, 0, 1, 0x19, 0, 0, 0, 255 };

	if (a->nonsense == GARBAGE_GROUP)
		dia_put_octets(w, DIA_Supported_Features, garbage, sizeof(garbage) - 1);
	if (a->nonsense == BAD_LENGTH)
		dia_put_bytes(w, overlong, sizeof(overlong));
}

static void later_free(struct sim_later *l)
{
	dia_writer_free(&l->w);
	free(l);
}

static void later_over(void *ctx)
{
	struct sim_later *l = ctx;

	for (struct sim_later **at = &l->sim->later; *at; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			break;
		}
	peer_send(l->peer, l->w.p, l->w.n);
	later_free(l);
}

void sim_send(struct sim *s, struct peer *p, struct dia_writer *w, uint32_t delay_ms)
{
	struct sim_later *l;

	if (!dia_end(w)) {
		sim_event(s, "error", "no memory for an answer");
	} else if (!delay_ms) {
		peer_send(p, w->p, w->n);
	} else if ((l = calloc(1, sizeof(*l)))) {
		*l = (struct sim_later){ .next = s->later, .sim = s, .peer = p, .w = *w };
		*w = (struct dia_writer){ 0 };
		l->timer = peer_timer(s->loop, delay_ms, later_over, l);
		if (l->timer)
			s->later = l;
		else
			later_free(l);
	}
	dia_writer_free(w);
}

static void drop_later(struct sim *s, const struct peer *p)
{
	struct sim_later **at = &s->later;

	while (*at) {
		struct sim_later *l = *at;

		if (p && l->peer != p) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		peer_timer_cancel(s->loop, l->timer);
		later_free(l);
	}
}

static void told_refused(struct sim *s, const uint8_t *msg, size_t n, uint32_t result, const char *why, const char *avp)
{
	struct dia_hdr h;
	struct json j;
	char label[64];

	dia_hdr_read(msg, n, &h);
	dia_cmd_label(&h, label, sizeof(label));
	if (s->json) {
		json_begin(&j, stdout, "wrong");
		json_text(&j, "command", label);
		json_number(&j, "result_code", result);
		json_text(&j, "why", why);
		json_text(&j, "avp", avp);
		json_end(&j);
	} else {
		printf("%s refused with %u: %s%s%s\n", label, result, why, avp ? ": " : "", avp ? avp : "");
		fflush(stdout);
	}
}

void sim_refuse(struct sim *s, struct peer *p, const uint8_t *msg, size_t n, uint32_t result, const char *why,
                const struct dia_avp *bad, const struct dia_avpdef *missing)
{
	const struct sim_answer a = { .result = result };
	struct dia_writer w = { 0 };

	sim_answer_begin(&w, s, msg, n, &a);
	if (bad) {
		dia_open(&w, DIA_Failed_AVP);
		dia_put_raw(&w, bad->code, bad->flags, bad->vendor, bad->data, bad->len);
		dia_close(&w);
	} else if (missing) {
		dia_open(&w, DIA_Failed_AVP);
		dia_put_raw(&w, missing->code, (uint8_t)(DIA_AVP_M | (missing->vendor ? DIA_AVP_V : 0)), missing->vendor, NULL, 0);
		dia_close(&w);
	}
	told_refused(s, msg, n, result, why, bad && bad->def ? bad->def->name : missing ? missing->name : NULL);
	sim_send(s, p, &w, 0);
}

static void refuse_fault(struct sim *s, struct peer *p, const uint8_t *msg, size_t n, const struct dia_fault *f)
{
	const struct sim_answer a = { .result = f->result_code };
	struct dia_writer w = { 0 };

	sim_answer_begin(&w, s, msg, n, &a);
	if (f->failed_len) {
		dia_open(&w, DIA_Failed_AVP);
		dia_put_bytes(&w, f->failed, f->failed_len);
		dia_close(&w);
	}
	told_refused(s, msg, n, f->result_code, f->what, f->def ? f->def->name : NULL);
	sim_send(s, p, &w, 0);
}

static bool is_text(const struct dia_avp *a, const char *text)
{
	return a->len == strlen(text) && !strncasecmp((const char *)a->data, text, a->len);
}

bool sim_refuses(struct sim *s, struct peer *p, const uint8_t *msg, size_t n)
{
	struct dia_fault fault;
	struct dia_avp a;
	uint32_t v;

	if (!dia_check(msg, n, &fault)) {
		refuse_fault(s, p, msg, n, &fault);
		return true;
	}
	if (dia_msg_find(msg, n, DIA_Destination_Realm, &a) && !is_text(&a, s->realm)) {
		sim_refuse(s, p, msg, n, 3003, "another realm than ours", &a, NULL);
		return true;
	}
	if (dia_msg_find(msg, n, DIA_Destination_Host, &a) && !is_text(&a, s->identity)) {
		sim_refuse(s, p, msg, n, 3002, "another host than this one", &a, NULL);
		return true;
	}
	if (dia_msg_find(msg, n, DIA_Auth_Session_State, &a) && dia_avp_u32(&a, &v) && v != NO_STATE_MAINTAINED) {
		sim_refuse(s, p, msg, n, 5004, "no session state is kept here", &a, NULL);
		return true;
	}
	return false;
}

/* The peers. */

struct peer *sim_find_peer(struct sim *s, const char *host)
{
	for (struct sim_peer *sp = s->peers; sp; sp = sp->next)
		if (peer_is_open(sp->peer) && !strcasecmp(peer_remote_host(sp->peer), host))
			return sp->peer;
	return NULL;
}

static void peer_opened(struct sim *s, struct peer *p)
{
	struct sim_peer *sp = calloc(1, sizeof(*sp));
	char security[64];

	if (!sp || s->ending) {
		free(sp);
		peer_abort(p);
		return;
	}
	sp->peer = p;
	sp->next = s->peers;
	s->peers = sp;
	peer_security(p, security, sizeof(security));
	sim_event(s, "connected", "%s at %s, %s", peer_remote_host(p), peer_address(p), security);
	if (s->ops->opened)
		s->ops->opened(s, p);
}

static void peer_closed(struct sim *s, struct peer *p, const char *why)
{
	bool known = false;

	for (struct sim_peer **at = &s->peers; *at; at = &(*at)->next)
		if ((*at)->peer == p) {
			struct sim_peer *sp = *at;

			*at = sp->next;
			free(sp);
			known = true;
			break;
		}
	drop_later(s, p);
	if (known && s->ops->closed)
		s->ops->closed(s, p);
	sim_event(s, known ? "closed" : "kept out", "%s: %s", *peer_remote_host(p) ? peer_remote_host(p) : peer_address(p), why);
	if (s->ending && !s->peers)
		peer_loop_stop(s->loop);
}

static void on_event(struct peer *p, enum peer_event event, const char *why, void *ctx)
{
	if (event == PEER_OPEN)
		peer_opened(ctx, p);
	else
		peer_closed(ctx, p, why);
}

static void on_message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct sim *s = ctx;
	struct dia_hdr h;

	dia_hdr_read(msg, n, &h);
	if (h.flags & DIA_F_REQUEST)
		s->ops->request(s, p, &h, msg, n);
	else if (s->ops->answer)
		s->ops->answer(s, p, &h, msg, n);
}

static void on_trace(struct peer *p, bool sent, const uint8_t *msg, size_t n, void *ctx)
{
	tool_trace(stderr, p, sent, msg, n);
}

/* The process. */

static void read_settings(struct sim_cfg *c, const config_setting_t *root, struct settings *t)
{
	static const char *const tls_keys[] = { "cert", "key", "ca", NULL };
	const config_setting_t *tls;

	memset(t, 0, sizeof(*t));
	sim_cfg_copy(c, root, "identity", NULL, t->identity, sizeof(t->identity));
	sim_cfg_copy(c, root, "realm", NULL, t->realm, sizeof(t->realm));
	sim_cfg_copy(c, root, "gossip", "", t->gossip, sizeof(t->gossip));
	sim_cfg_copy(c, root, "listen", "127.0.0.1", t->listen, sizeof(t->listen));
	t->port = (uint16_t)sim_cfg_number(c, root, "port", 0, 65535, 3868);
	t->watchdog_s = sim_cfg_number(c, root, "watchdog_s", 1, 3600, 30);
	tls = sim_cfg_group(c, root, "tls");
	t->tls = tls != NULL;
	if (!tls)
		return;
	sim_cfg_keys(c, tls, tls_keys);
	sim_cfg_copy(c, tls, "cert", NULL, t->cert, sizeof(t->cert));
	sim_cfg_copy(c, tls, "key", NULL, t->key, sizeof(t->key));
	sim_cfg_copy(c, tls, "ca", NULL, t->ca, sizeof(t->ca));
}

/* The simulator's part of the file, NULL if there is any mistake in the file. */
static void *load_file(const struct sim_ops *ops, const char *file, struct settings *t)
{
	static const char *const common[] = { "identity", "realm", "listen", "port", "watchdog_s", "tls", "gossip" };
	const char *keys[32];
	struct sim_cfg c;
	size_t n = 0;
	void *conf;

	if (!sim_cfg_open(&c, ops->name, file))
		return NULL;
	for (; n < sizeof(common) / sizeof(common[0]); n++)
		keys[n] = common[n];
	for (size_t i = 0; ops->keys[i] && n < 31; i++)
		keys[n++] = ops->keys[i];
	keys[n] = NULL;
	sim_cfg_keys(&c, config_root_setting(&c.cfg), keys);
	read_settings(&c, config_root_setting(&c.cfg), t);
	conf = ops->load(&c, config_root_setting(&c.cfg));
	if (!conf)
		fprintf(stderr, "%s: out of memory\n", ops->name);
	if (conf && c.faults) {
		ops->unload(conf);
		conf = NULL;
	}
	sim_cfg_close(&c);
	return conf;
}

struct process { struct sim *sim; struct settings settings; const struct options *options; int signals; };

static void reload(struct process *pr)
{
	struct sim *s = pr->sim;
	struct settings t;
	void *conf = load_file(s->ops, pr->options->config, &t);

	if (!conf) {
		sim_event(s, "reload", "the file has mistakes; the old configuration stays");
		return;
	}
	memcpy(pr->settings.gossip, t.gossip, sizeof(t.gossip));
	bool same = !memcmp(&t, &pr->settings, sizeof(t));
	s->ops->unload(s->conf);
	s->conf = conf;
	memcpy(s->gossip, t.gossip, sizeof(t.gossip));
	sim_event(s, "reload", "%s", same ? "done" : "done; identity, address and TLS change with a restart");
}

static void end_all(struct process *pr)
{
	struct sim *s = pr->sim;

	if (s->ending) {
		peer_loop_stop(s->loop);   /* asked twice */
		return;
	}
	s->ending = true;
	peer_listener_close(s->listener);
	for (struct sim_peer *sp = s->peers; sp; sp = sp->next)
		peer_disconnect(sp->peer);
	if (!s->peers)
		peer_loop_stop(s->loop);
}

static void on_signal(int fd, void *ctx)
{
	struct process *pr = ctx;
	struct signalfd_siginfo si;

	if (read(fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGHUP)
		reload(pr);
	else
		end_all(pr);
}

/* Written beside and renamed, so that who waits for the file reads a whole number. */
static bool write_port(const char *file, uint16_t port)
{
	char tmp[4096];
	FILE *f;
	bool ok;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.new", file) >= sizeof(tmp))
		return false;
	f = fopen(tmp, "w");
	ok = f && fprintf(f, "%u\n", port) > 0;
	if (f && fclose(f))
		ok = false;
	return ok && rename(tmp, file) == 0;
}

static int serve(struct process *pr)
{
	struct sim *s = pr->sim;
	const struct settings *t = &pr->settings;
	const struct peer_conf conf = {
		.origin_host = t->identity, .origin_realm = t->realm, .product = s->ops->name,
		.apps = &s->ops->app, .napps = 1, .watchdog_s = t->watchdog_s,
		.tls = { .cert = t->cert, .key = t->key, .ca = t->tls ? t->ca : NULL, .keylog = pr->options->keylog },
	};
	const struct peer_ops ops = { .event = on_event, .message = on_message, .trace = s->trace ? on_trace : NULL, .ctx = s };
	char err[300];

	snprintf(s->identity, sizeof(s->identity), "%s", t->identity);
	memcpy(s->gossip, t->gossip, sizeof(t->gossip));
	snprintf(s->realm, sizeof(s->realm), "%s", t->realm);
	s->loop = peer_loop_new();
	if (!s->loop || !peer_watch_fd(s->loop, pr->signals, on_signal, pr)) {
		fprintf(stderr, "%s: %s\n", s->ops->name, strerror(errno));
		return 1;
	}
	if (s->ops->begin && !s->ops->begin(s))
		return 1;
	s->listener = peer_listen(s->loop, &conf, t->listen, t->port, &ops, err, sizeof(err));
	if (!s->listener) {
		fprintf(stderr, "%s: %s\n", s->ops->name, err);
		return 1;
	}
	sim_event(s, "listening", "%s on %s:%u, %s", t->identity, t->listen, peer_listener_port(s->listener),
	          t->tls ? "TLS" : "TCP without TLS");
	if (pr->options->port_file && !write_port(pr->options->port_file, peer_listener_port(s->listener))) {
		fprintf(stderr, "%s: %s: %s\n", s->ops->name, pr->options->port_file, strerror(errno));
		return 1;
	}
	peer_loop_run(s->loop, -1);
	return 0;
}

static void usage(FILE *to, const struct sim_ops *ops)
{
	fprintf(to, "Usage: %s --config FILE [options]\n%s\n\n"
	        "  --config FILE      what it is and how it answers (libconfig)\n"
	        "  --check-config     only say whether the file is good\n"
	        "  --json             one JSON object a line for each request and event\n"
	        "  --trace            print every message, decoded, on standard error\n"
	        "  --port-file FILE   write the port there once it listens (for port = 0)\n"
	        "  --keylog FILE      append the TLS secrets, for reading a capture\n"
	        "  --help, --version\n\n"
	        "SIGHUP reads the file again; SIGTERM says goodbye to all peers and ends.\n", ops->name, ops->what);
}

/* -1: go on; else the exit status. */
static int read_options(int argc, char **argv, const struct sim_ops *ops, struct options *o)
{
	static const struct option list[] = {
		{ "config", required_argument, NULL, 'c' }, { "check-config", no_argument, NULL, 'C' },
		{ "json", no_argument, NULL, 'j' }, { "trace", no_argument, NULL, 't' },
		{ "port-file", required_argument, NULL, 'p' }, { "keylog", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", list, NULL)) != -1) {
		switch (c) {
		case 'c': o->config = optarg; break;
		case 'C': o->check = true; break;
		case 'j': o->json = true; break;
		case 't': o->trace = true; break;
		case 'p': o->port_file = optarg; break;
		case 'k': o->keylog = optarg; break;
		case 'h': usage(stdout, ops); return 0;
		case 'V': printf("%s (mtc-iwf) %s\n", ops->name, VERSION); return 0;
		default: return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: \"%s\" is too much\n", ops->name, argv[optind]);
		return 2;
	}
	if (!o->config) {
		fprintf(stderr, "%s: --config FILE is needed\n", ops->name);
		return 2;
	}
	return -1;
}

int sim_main(int argc, char **argv, const struct sim_ops *ops, void *state)
{
	struct options o = { 0 };
	struct sim s = { .ops = ops, .state = state };
	struct process pr = { .sim = &s, .options = &o };
	int status = read_options(argc, argv, ops, &o);
	sigset_t set;

	if (status >= 0)
		return status;
	s.json = o.json;
	s.trace = o.trace;
	s.conf = load_file(ops, o.config, &pr.settings);
	if (!s.conf)
		return 1;
	if (o.check) {
		printf("%s: %s is good\n", ops->name, o.config);
		ops->unload(s.conf);
		return 0;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pr.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	status = serve(&pr);
	if (ops->end)
		ops->end(&s);
	drop_later(&s, NULL);
	while (s.peers) {
		struct sim_peer *sp = s.peers;

		s.peers = sp->next;
		free(sp);
	}
	peer_loop_free(s.loop);
	close(pr.signals);
	ops->unload(s.conf);
	return status;
}
