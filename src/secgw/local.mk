# mtc-secgw, the MTC Security Gateway.  libsecgw.la is all of it but main(), for the tests.
