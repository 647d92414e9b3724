#!/bin/bash
# The main job once more, through the MTC Security Gateway.
LAB_DOOR=yes
. "$SRC/tests/system/t_trigger.sh"
