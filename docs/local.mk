dist_doc_DATA += README docs/OPERATING.md docs/WIRESHARK.md
