dist_doc_DATA += README docs/OPERATING.md docs/WIRESHARK.md
dist_doc_DATA += docs/CONFIGURATION.md docs/IWFCTL.md docs/REASONS.md docs/SCHEMA.md
dist_man_MANS += docs/iwfctl.8
