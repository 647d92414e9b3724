/* make_seeds.c - writes the seeds that are octets, and pki_world.h with the CA that the certificates among them come from.
 *
 *   make_seeds DIR      DIR: tests/fuzz of the source tree
 *
 * Run by hand (make fuzz-seeds); what it wrote is in the tree. */
#include <errno.h>
#include <gnutls/x509.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fuzz.h"
#include "gw_ipc.h"
#include "../support/wire_fill.h"

#define TSP 16777309u
#define S6M 16777310u
#define T4  16777311u
#define NOW 1800000000L
#define DAY 86400L
#define NODE "iwf.operator.example"
#define REALM "operator.example"
#define SCS "scs.acme.example"
#define SCS_REALM "acme.example"
#define BYTES(s) s, sizeof(s) - 1

static const char *dir;

static FILE *create(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static FILE *create(const char *fmt, ...)
{
	char path[512];
	va_list ap;
	FILE *f;
	int n = snprintf(path, sizeof(path), "%s/", dir);

	va_start(ap, fmt);
	vsnprintf(path + n, sizeof(path) - (size_t)n, fmt, ap);
	va_end(ap);
	f = fopen(path, "wb");
	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	return f;
}

static void write_file(FILE *f, const void *p, size_t n)
{
	HOLDS(fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

/* ---- messages */

static void save(struct dia_writer *w, const char *name)
{
	HOLDS(dia_end(w));
	write_file(create("seeds/messages/%s", name), w->p, w->n);
}

static void begin(struct dia_writer *w, bool request, uint32_t code, uint32_t app, const char *from, const char *from_realm,
                  const char *to, const char *to_realm)
{
	dia_begin(w, (request ? DIA_F_REQUEST : 0) | DIA_F_PROXIABLE, code, app, 0x11223344, 0x55667788);
	dia_put_text(w, DIA_Session_Id, "scs.acme.example;1;2");
	if (app == TSP)
		dia_put_u32(w, DIA_Auth_Application_Id, TSP);
	dia_put_u32(w, DIA_Auth_Session_State, 1);
	dia_put_text(w, DIA_Origin_Host, from);
	dia_put_text(w, DIA_Origin_Realm, from_realm);
	if (request && to)
		dia_put_text(w, DIA_Destination_Host, to);
	if (request)
		dia_put_text(w, DIA_Destination_Realm, to_realm);
}

static void put_features(struct dia_writer *w)
{
	dia_open(w, DIA_Supported_Features);
	dia_put_u32(w, DIA_Vendor_Id, DIA_VENDOR_3GPP);
	dia_put_u32(w, DIA_Feature_List_ID, 1);
	dia_put_u32(w, DIA_Feature_List, 3);
	dia_close(w);
}

static void dar(struct dia_writer *w, const char *name, uint32_t action, bool all)
{
	begin(w, true, 8388639, TSP, SCS, SCS_REALM, all ? NODE : NULL, REALM);
	dia_open(w, DIA_Device_Action);
	if (all)
		dia_put_octets(w, DIA_MSISDN, BYTES("\x94\x51\x01\x00\x00\xf0"));
	dia_put_text(w, DIA_External_Identifier, "meter1@iot.example.com");
	if (all)
		dia_put_octets(w, DIA_SCS_Identity, BYTES("\x94\x51\x01\x00\x01\x10"));
	dia_put_u32(w, DIA_Reference_Number, 4711);
	if (action != 1)
		dia_put_u32(w, DIA_Old_Reference_Number, 4710);
	dia_put_u32(w, DIA_Action_Type, action);
	if (action != 3) {
		dia_open(w, DIA_Trigger_Data);
		dia_put_text(w, DIA_Payload, "wake up");
		dia_put_u32(w, DIA_Priority_Indication, 1);
		dia_put_u32(w, DIA_Application_Port_Identifier, 4000);
		dia_close(w);
		dia_put_u32(w, DIA_Validity_Time, 3600);
	}
	dia_close(w);
	if (all) {
		put_features(w);
		dia_open(w, DIA_Proxy_Info);
		dia_put_text(w, DIA_Proxy_Host, "proxy.acme.example");
		dia_put_text(w, DIA_Proxy_State, "state");
		dia_close(w);
		dia_put_text(w, DIA_Route_Record, "router.acme.example");
		dia_put_text(w, DIA_User_Name, "somebody");
	}
	save(w, name);
}

static void user(struct dia_writer *w)
{
	dia_open(w, DIA_User_Identifier);
	dia_put_text(w, DIA_User_Name, "001010000000001");
	dia_put_octets(w, DIA_MSISDN, BYTES("\x94\x51\x01\x00\x00\xf0"));
	dia_put_text(w, DIA_External_Identifier, "meter1@iot.example.com");
	dia_close(w);
}

static void answers(struct dia_writer *w)
{
	begin(w, false, 8388639, TSP, "iwf1.inside.example", REALM, NULL, NULL);
	dia_put_u32(w, DIA_Result_Code, 2001);
	dia_open(w, DIA_Device_Notification);
	dia_put_text(w, DIA_External_Identifier, "meter1@iot.example.com");
	dia_put_u32(w, DIA_Reference_Number, 4711);
	dia_put_u32(w, DIA_Action_Type, 1);
	dia_put_u32(w, DIA_Request_Status, 0);
	dia_close(w);
	put_features(w);
	save(w, "daa");

	begin(w, false, 8388639, TSP, "iwf1.inside.example", REALM, NULL, NULL);
	dia_put_u32(w, DIA_Result_Code, 5003);
	dia_put_text(w, DIA_Error_Message, "said by IWF2.inside.example");
	dia_put_text(w, DIA_Error_Reporting_Host, "iwf2.inside.example");
	dia_open(w, DIA_Failed_AVP);
	dia_put_text(w, DIA_Origin_Host, "nobody.example");
	dia_close(w);
	dia_put_text(w, DIA_Route_Record, "iwf1.inside.example");
	save(w, "daa-refused");

	begin(w, false, 8388640, TSP, SCS, SCS_REALM, NULL, NULL);
	dia_put_u32(w, DIA_Result_Code, 2001);
	save(w, "dna");

	begin(w, false, 8388643, T4, "smssc." REALM, REALM, NULL, NULL);
	dia_put_u32(w, DIA_Result_Code, 2001);
	put_features(w);
	dia_put_u32(w, DIA_MTC_Error_Diagnostic, 1);
	save(w, "dta");

	begin(w, false, 8388643, T4, "smssc." REALM, REALM, NULL, NULL);
	dia_open(w, DIA_Experimental_Result);
	dia_put_u32(w, DIA_Vendor_Id, DIA_VENDOR_3GPP);
	dia_put_u32(w, DIA_Experimental_Result_Code, 5533);
	dia_close(w);
	save(w, "dta-experimental");

	begin(w, false, 8388641, S6M, "hss." REALM, REALM, NULL, NULL);
	dia_put_u32(w, DIA_Result_Code, 2001);
	user(w);
	dia_open(w, DIA_Service_Data);
	dia_open(w, DIA_T4_Data);
	dia_put_u32(w, DIA_HSS_Cause, 1);
	dia_open(w, DIA_Serving_Node);
	dia_put_octets(w, DIA_MSC_Number, BYTES("\x94\x71\x01\x00\x00\x10"));
	dia_put_text(w, DIA_MME_Name, "mme1." REALM);
	dia_put_text(w, DIA_MME_Realm, REALM);
	dia_close(w);
	dia_open(w, DIA_Additional_Serving_Node);
	dia_put_octets(w, DIA_SGSN_Number, BYTES("\x94\x71\x01\x00\x00\x20"));
	dia_close(w);
	dia_close(w);
	dia_close(w);
	save(w, "sia");
}

static void requests(struct dia_writer *w)
{
	dar(w, "dar-trigger", 1, false);
	dar(w, "dar-trigger-all", 1, true);
	dar(w, "dar-recall", 3, false);
	dar(w, "dar-replace", 4, true);

	begin(w, true, 8388640, TSP, "iwf1.inside.example", REALM, SCS, SCS_REALM);
	dia_open(w, DIA_Device_Notification);
	dia_put_text(w, DIA_External_Identifier, "meter1@iot.example.com");
	dia_put_u32(w, DIA_Reference_Number, 4711);
	dia_put_u32(w, DIA_Action_Type, 2);
	dia_put_u32(w, DIA_Delivery_Outcome, 0);
	dia_close(w);
	save(w, "dnr");

	begin(w, true, 8388644, T4, "smssc." REALM, REALM, NODE, REALM);
	user(w);
	dia_put_octets(w, DIA_SM_RP_SMEA, BYTES("\x0b\x91\x94\x51\x01\x00\x00\xf0"));
	dia_put_u32(w, DIA_SM_Delivery_Outcome_T4, 2);
	dia_put_u32(w, DIA_Absent_Subscriber_Diagnostic_T4, 1);
	dia_put_u32(w, DIA_Reference_Number, 4711);
	save(w, "drr");
}

static void messages(void)
{
	struct dia_writer w = { 0 };

	for (size_t i = 0; i < dia_ncmds; i++) {
		char name[64];

		HOLDS(fill_message(&w, &dia_cmds[i], 1));
		snprintf(name, sizeof(name), "all-of-%s", dia_cmds[i].abbrev);
		save(&w, name);
	}
	requests(&w);
	answers(&w);
	dia_writer_free(&w);
}

/* ---- messages between the gateway's processes: as they are on the wire */

static void keep(int from, const char *name)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } control;
	static uint8_t body[65536], bulk[65536];
	struct iovec iov = { body, sizeof(body) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(from, &m, MSG_DONTWAIT), more = 0;
	FILE *f = create("seeds/ipc/%s", name);
	int fd;

	HOLDS(n > 0 && n < 0x4000);
	if (CMSG_FIRSTHDR(&m)) {
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
		more = pread(fd, bulk, sizeof(bulk), 0);
		close(fd);
	}
	putc((int)(n >> 8), f);
	putc((int)n, f);
	HOLDS(fwrite(body, 1, (size_t)n, f) == (size_t)n);
	write_file(f, bulk, (size_t)more);
}

static gnutls_datum_t text(const char *s)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)s, (unsigned)strlen(s) };
}

static void ipc(void)
{
	struct gw_scs rows[2] = { { .id = 1, .name = "acme", .origin_host = SCS, .origin_realm = SCS_REALM, .cert_san = SCS, .enabled = true,
	                            .connections = 2 }, { .id = 2, .name = "other" } };
	const struct iwf_audit row = { .at_ms = 1800000000000, .event = "dar", .decision = "refused", .reason = RS_RATE, .request_status = 109,
		.scs_id = 1, .peer = SCS, .origin_host = SCS, .address = "[192.0.2.7]:41234", .cert = "abc", .device = "meter1@iot.example.com",
		.reference = -1, .detail = NULL };
	gnutls_datum_t a = text("first"), b = text("second one");
	struct gw_ipc *i;
	int fd[2];

	HOLDS(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) == 0 && (i = gw_ipc_new(fd[0])) != NULL);
	HOLDS(gw_ipc_send_table(i, rows, 2));
	keep(fd[1], "table");
	HOLDS(gw_ipc_send_trust(i, &a, &b));
	keep(fd[1], "trust");
	HOLDS(gw_ipc_send_cert(i, &a, &b));
	keep(fd[1], "cert");
	HOLDS(gw_ipc_send_ocsp(i, 7, RS_CERT_REVOKED, 1800000000000));
	keep(fd[1], "ocsp");
	HOLDS(gw_ipc_send_plain(i, GW_IPC_STOP));
	keep(fd[1], "stop");
	HOLDS(gw_ipc_send_plain(i, GW_IPC_READY));
	keep(fd[1], "ready");
	HOLDS(gw_ipc_send_audit(i, &row));
	keep(fd[1], "audit");
	HOLDS(gw_ipc_ask_ocsp(i, 8, &a, &b));
	keep(fd[1], "ask-ocsp");
	gw_ipc_free(i);
	close(fd[1]);
}

/* ---- certificates */

struct id { gnutls_x509_crt_t crt; gnutls_x509_privkey_t key; gnutls_datum_t der; };
struct wish { const char *cn, *san; long until; bool ca, no_eku; gnutls_digest_algorithm_t dig; };

static struct id make(struct wish w, const struct id *by)
{
	static unsigned char serial;
	struct id id;

	serial++;
	HOLDS(gnutls_x509_privkey_init(&id.key) == 0);
	HOLDS(gnutls_x509_privkey_generate(id.key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0);
	HOLDS(gnutls_x509_crt_init(&id.crt) == 0);
	gnutls_x509_crt_set_version(id.crt, 3);
	gnutls_x509_crt_set_serial(id.crt, &serial, 1);
	gnutls_x509_crt_set_activation_time(id.crt, NOW - 100 * DAY);
	gnutls_x509_crt_set_expiration_time(id.crt, NOW + w.until);
	gnutls_x509_crt_set_dn_by_oid(id.crt, GNUTLS_OID_X520_COMMON_NAME, 0, w.cn, (unsigned)strlen(w.cn));
	gnutls_x509_crt_set_key(id.crt, id.key);
	gnutls_x509_crt_set_basic_constraints(id.crt, w.ca, -1);
	gnutls_x509_crt_set_key_usage(id.crt, w.ca ? GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (!w.ca && !w.no_eku)
		gnutls_x509_crt_set_key_purpose_oid(id.crt, GNUTLS_KP_TLS_WWW_CLIENT, 0);
	if (w.san)
		gnutls_x509_crt_set_subject_alt_name(id.crt, GNUTLS_SAN_DNSNAME, w.san, (unsigned)strlen(w.san), GNUTLS_FSAN_APPEND);
	HOLDS(gnutls_x509_crt_sign2(id.crt, by ? by->crt : id.crt, by ? by->key : id.key, w.dig ? w.dig : GNUTLS_DIG_SHA256, 0) == 0);
	HOLDS(gnutls_x509_crt_export2(id.crt, GNUTLS_X509_FMT_DER, &id.der) == 0);
	return id;
}

static void chain(const char *name, const struct id *a, const struct id *b)
{
	FILE *f = create("seeds/pki/%s", name);

	putc(0, f);
	for (const struct id *id = a; id; id = id == a ? b : NULL) {
		putc((int)(id->der.size >> 8), f);
		putc((int)(id->der.size & 255), f);
		HOLDS(fwrite(id->der.data, 1, id->der.size, f) == id->der.size);
	}
	HOLDS(fclose(f) == 0);
}

static void pem_file(const char *name, int kind, const gnutls_datum_t *pem)
{
	FILE *f = create("seeds/pki/%s", name);

	putc(kind, f);
	write_file(f, pem->data, pem->size);
}

static gnutls_datum_t crl_of(const struct id *ca, const struct id *revoked)
{
	gnutls_x509_crl_t crl;
	gnutls_datum_t pem;

	HOLDS(gnutls_x509_crl_init(&crl) == 0);
	gnutls_x509_crl_set_version(crl, 2);
	gnutls_x509_crl_set_this_update(crl, NOW - DAY);
	gnutls_x509_crl_set_next_update(crl, NOW + DAY);
	gnutls_x509_crl_set_number(crl, "\1", 1);
	HOLDS(gnutls_x509_crl_set_crt(crl, revoked->crt, NOW - DAY) == 0);
	HOLDS(gnutls_x509_crl_sign2(crl, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0) == 0);
	HOLDS(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &pem) == 0);
	gnutls_x509_crl_deinit(crl);
	return pem;
}

static void put_array(FILE *f, const char *name, const gnutls_datum_t *d)
{
	fprintf(f, "static const unsigned char %s[] = {", name);
	for (unsigned i = 0; i < d->size; i++)
		fprintf(f, "%s0x%02x,", i % 20 ? " " : "\n\t", d->data[i]);
	fprintf(f, "\n};\n");
}

static void pki(void)
{
	struct id ca = make((struct wish){ .cn = "ca", .until = 100 * DAY, .ca = true }, NULL);
	struct id sub = make((struct wish){ .cn = "sub", .until = 100 * DAY, .ca = true }, &ca);
	struct id stranger = make((struct wish){ .cn = "ca", .until = 100 * DAY, .ca = true }, NULL);
	struct id good = make((struct wish){ .cn = "good", .san = SCS, .until = DAY }, &ca);
	struct id below = make((struct wish){ .cn = "below", .san = SCS, .until = DAY }, &sub);
	struct id foreign = make((struct wish){ .cn = "good", .san = SCS, .until = DAY }, &stranger);
	struct id old = make((struct wish){ .cn = "old", .san = SCS, .until = -DAY }, &ca);
	struct id no_eku = make((struct wish){ .cn = "server", .san = SCS, .until = DAY, .no_eku = true }, &ca);
	struct id wild = make((struct wish){ .cn = "wild", .san = "*.example", .until = DAY }, &ca);
	struct id weak = make((struct wish){ .cn = "weak", .san = SCS, .until = DAY, .dig = GNUTLS_DIG_SHA1 }, &ca);
	gnutls_datum_t pem, crl = crl_of(&ca, &good);
	FILE *f = create("pki_world.h");

	chain("good", &good, NULL);
	chain("below", &below, &sub);
	chain("foreign", &foreign, &stranger);
	chain("old", &old, NULL);
	chain("no-eku", &no_eku, NULL);
	chain("wild", &wild, NULL);
	chain("weak", &weak, NULL);
	HOLDS(gnutls_x509_crt_export2(ca.crt, GNUTLS_X509_FMT_PEM, &pem) == 0);
	pem_file("ca", 1, &pem);
	pem_file("crl", 2, &crl);
	fprintf(f, "/* pki_world.h - written by make_seeds.c: a CA whose key nobody has any more, and whom it trusts. */\n#pragma once\n\n"
	        "#define PKI_WORLD_NOW_MS %ld000LL\n#define PKI_WORLD_NAME \"%s\"\nstatic const char pki_world_ca[] =", NOW, SCS);
	for (char *line = strtok((char *)pem.data, "\n"); line; line = strtok(NULL, "\n"))
		fprintf(f, "\n\t\"%s\\n\"", line);
	fprintf(f, ";\n");
	put_array(f, "pki_world_good", &good.der);
	put_array(f, "pki_world_below", &below.der);
	HOLDS(fclose(f) == 0);
}

int main(int argc, char **argv)
{
	static const char *const kinds[] = { "messages", "ipc", "pki" };
	char path[512];

	if (argc != 2) {
		fprintf(stderr, "usage: make_seeds DIR\n");
		return 2;
	}
	dir = argv[1];
	snprintf(path, sizeof(path), "%s/seeds", dir);
	mkdir(path, 0777);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(path, sizeof(path), "%s/seeds/%s", dir, kinds[i]);
		mkdir(path, 0777);
	}
	messages();
	ipc();
	pki();
	return 0;
}
