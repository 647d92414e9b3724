/* iwfctl_old.h - verbs that remove what is old, in portions that a running node does not feel. */
#pragma once
#include "iwfctl.h"

extern const struct arg_spec ctl_prune_args[1], ctl_rotate_args[2];
int ctl_audit_prune(struct ctl *, const struct args *);
int ctl_audit_rotate(struct ctl *, const struct args *);
int ctl_trigger_prune(struct ctl *, const struct args *);
