/* iwf_err.h - why one of our own functions failed.
 *
 * Errors of ours and statuses of the peer's protocol are two types: this one
 * never goes on the wire.  iwf_err_status() gives the Request-Status that the
 * SCS hears when nobody nearer to the failure decided better. */
#pragma once
#include "tsp_types.h"

#define IWF_ERR_LIST(X) /* name, value, what the SCS hears, text */ \
	X(IWF_OK,         0, TSP_SUCCESS,        "ok") \
	X(IWF_ENOENT,    -1, TSP_PERMANENTERROR, "no such record") \
	X(IWF_ECONFLICT, -2, TSP_TEMPORARYERROR, "changed by someone else, or already there") \
	X(IWF_EBUSY,     -3, TSP_TEMPORARYERROR, "store is locked") \
	X(IWF_ESTORE,    -4, TSP_TEMPORARYERROR, "store failed") \
	X(IWF_ENOMEM,    -5, TSP_TEMPORARYERROR, "out of memory") \
	X(IWF_EINVAL,    -6, TSP_PERMANENTERROR, "not valid") \
	X(IWF_EFULL,     -7, TSP_TEMPORARYERROR, "queue or disk is full")

#define X(name, val, status, text) name = val,
enum iwf_err { IWF_ERR_LIST(X) };
#undef X

const char *iwf_err_str(enum iwf_err err);
enum tsp_status iwf_err_status(enum iwf_err err);
