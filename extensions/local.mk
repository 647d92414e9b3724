include extensions/dict_mtc/local.mk
include extensions/common/local.mk
include extensions/acl_scs/local.mk
include extensions/app_tsp/local.mk
include extensions/app_s6m/local.mk
include extensions/app_t4/local.mk
