#include "iwf_err.h"

const char *iwf_err_str(enum iwf_err err)
{
	switch (err) {
#define X(name, val, status, text) case name: return text;
	IWF_ERR_LIST(X)
#undef X
	}
	return "unknown error";
}

enum tsp_status iwf_err_status(enum iwf_err err)
{
	switch (err) {
#define X(name, val, status, text) case name: return status;
	IWF_ERR_LIST(X)
#undef X
	}
	return TSP_TEMPORARYERROR;
}
