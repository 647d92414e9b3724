/* patience.h - how long tests wait for what has to come: a machine that is busy with others may stop for seconds. */
#pragma once
#define PATIENCE_MS 60000
