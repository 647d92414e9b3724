#include "store.h"

const char *iwf_reason_str(enum iwf_reason reason)
{
	switch (reason) {
#define X(name, word, text) case name: return word;
	IWF_REASON_LIST(X)
#undef X
	case IWF_REASONS: break;
	}
	return "?";
}

const char *iwf_reason_text(enum iwf_reason reason)
{
	switch (reason) {
#define X(name, word, text) case name: return text;
	IWF_REASON_LIST(X)
#undef X
	case IWF_REASONS: break;
	}
	return "?";
}
