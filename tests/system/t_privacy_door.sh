#!/bin/bash
# What SCSs learn, once more through the MTC Security Gateway.
LAB_DOOR=yes
. "$SRC/tests/system/t_privacy.sh"
