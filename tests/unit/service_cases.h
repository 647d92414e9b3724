/* service_cases.h - the parts of check_service, one file each. */
#pragma once
#include <check.h>

#define N(a) ((int)(sizeof (a) / sizeof (a)[0]))

TCase *service_cases_checks(void);   /* a DAR against the table of checks, retransmissions, explain */
TCase *service_cases_rate(void);     /* quota, rates, the waiting line */
TCase *service_cases_audit(void);    /* refusals that repeat, old rows */
TCase *service_cases_t4(void);       /* SMS-SC: answers, fail-over, recall, replace, recovery */
TCase *service_cases_hss(void);      /* HSS: questions, answers, cache */
TCase *service_cases_report(void);   /* reports, outbox, expiry */
TCase *service_cases_after_dna(void);/* the same with t4.confirm_report = "after-dna" */
TCase *service_cases_fail(void);     /* a store that fails anywhere */
