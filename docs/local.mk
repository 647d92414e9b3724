dist_doc_DATA += README docs/OPERATING.md docs/SECURITY.md docs/PRIVACY.md docs/SECGW.md docs/WIRESHARK.md docs/CHECKS.md docs/CONFORMANCE.md docs/FUZZING.md
dist_doc_DATA += docs/CONFIGURATION.md docs/IWFCTL.md docs/REASONS.md docs/SCHEMA.md
dist_man_MANS += docs/iwfctl.8 docs/mtc-secgw.8
dist_doc_DATA += docs/TSP-SCS.md docs/TSP-LOAD.md docs/PERFORMANCE.md docs/SIMULATORS.md
dist_man_MANS += docs/tsp-scs.1 docs/tsp-load.1 docs/sim-hss.1 docs/sim-smssc.1
