/* fd_world.c - see fd_world.h */
#include <string.h>
#include "fuzz.h"
#include "fd_world.h"
#include <freeDiameter/libfdcore.h>

/* dict_mtc.fdx as part of this program. */
#define fd_ext_init dict_mtc_init
#define fd_ext_depends dict_mtc_depends
#include "../../extensions/dict_mtc/dict_mtc.c"
#undef fd_ext_init

/* freeDiameter's: what it cannot parse, and what it has for the whole of its life. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfdproto\nleak:libfdcore\n";
}

static void no_log(int level, const char *format, va_list args)
{
}

void fd_world_begin(void)
{
	static const uint32_t apps[] = { 16777309, 16777310, 16777311 };
	static bool begun;
	struct dict_object *app, *vendor;

	if (begun)
		return;
	begun = true;
	HOLDS(fd_log_handler_register(no_log) == 0 && fd_core_initialize() == 0);
	fd_g_config->cnf_diamid = strdup(FD_WORLD_HOST);
	fd_g_config->cnf_diamid_len = strlen(FD_WORLD_HOST);
	fd_g_config->cnf_diamrlm = strdup(FD_WORLD_REALM);
	fd_g_config->cnf_diamrlm_len = strlen(FD_WORLD_REALM);
	fd_g_config->cnf_flags.no_fwd = 1;
	HOLDS(dict_mtc_entry(NULL) == 0);
	for (size_t i = 0; i < sizeof(apps) / sizeof(*apps); i++)
		HOLDS(fdx_app_find(apps[i], &app, &vendor) && fd_disp_app_support(app, vendor, 1, 0) == 0);
}

struct msg *fd_world_message(const uint8_t *p, size_t n)
{
	unsigned char *copy;
	struct msg *msg = NULL;

	/* As its receiver insists on before the parser sees anything. */
	if (n < DIA_HDR_LEN || p[0] != 1 || ((size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]) != n)
		return NULL;
	copy = malloc(n);
	HOLDS(copy != NULL);
	memcpy(copy, p, n);
	if (fd_msg_parse_buffer(&copy, n, &msg)) {
		free(copy);
		return NULL;
	}
	return msg;
}

bool fd_world_parse(struct msg *msg)
{
	struct fd_pei error;

	return fd_msg_parse_rules(msg, fd_g_config->cnf_dict, &error) == 0;
}
