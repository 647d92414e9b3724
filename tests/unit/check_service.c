#include <stdlib.h>
#include "service_cases.h"

int main(void)
{
	Suite *s = suite_create("service");

	suite_add_tcase(s, service_cases_checks());
	suite_add_tcase(s, service_cases_rate());
	suite_add_tcase(s, service_cases_audit());
	suite_add_tcase(s, service_cases_t4());
	suite_add_tcase(s, service_cases_hss());
	suite_add_tcase(s, service_cases_report());
	suite_add_tcase(s, service_cases_after_dna());
	suite_add_tcase(s, service_cases_fail());

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
