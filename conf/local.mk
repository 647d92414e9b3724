# Samples, installed for an operator to copy and edit.
pkgdata_DATA += conf/mtc-iwf.conf conf/freeDiameter.conf conf/mtc-iwf.service conf/mtc-secgw.conf conf/mtc-secgw.service
pkgdata_SCRIPTS = conf/make-certs.sh conf/notify-user-http.sh
EXTRA_DIST += conf/mtc-iwf.conf conf/freeDiameter.conf.in conf/mtc-iwf.service.in conf/mtc-secgw.conf conf/mtc-secgw.service.in conf/make-certs.sh conf/notify-user-http.sh \
	conf/debian-packages conf/ensure-packages.sh
CLEANFILES += conf/freeDiameter.conf conf/mtc-iwf.service conf/mtc-secgw.service

conf_edit = $(AM_V_GEN)$(MKDIR_P) conf && $(SED) -e 's|@fdextdir[@]|$(fdextdir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|@bindir[@]|$(bindir)|g' -e 's|@sbindir[@]|$(sbindir)|g' $< >$@.tmp && mv $@.tmp $@
conf/freeDiameter.conf: conf/freeDiameter.conf.in Makefile
	$(conf_edit)
conf/mtc-iwf.service: conf/mtc-iwf.service.in Makefile
	$(conf_edit)
conf/mtc-secgw.service: conf/mtc-secgw.service.in Makefile
	$(conf_edit)

# What the simulators play.
pkgdata_DATA += conf/sim-hss.conf conf/sim-smssc.conf
EXTRA_DIST += conf/sim-hss.conf conf/sim-smssc.conf
