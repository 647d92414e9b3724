/* sqlite_since.h - where in a table that is numbered as time goes on a moment lies. */
#pragma once

/* SQL: an id that all rows of `table` whose column `at` is before `since` are below, and no others; NULL if there are no
 * rows.  By halves, so it takes no index.  If the clock has ever been put back by some time, rows may lie as
 * long before or behind it: who must have all asks for so much earlier, and looks at `at` as well. */
#define IWF_SQL_FIRST_SINCE(table, at, since) \
	"(WITH RECURSIVE half(low, high) AS (SELECT (SELECT min(id) FROM " table "), (SELECT max(id) FROM " table ") + 1 UNION ALL SELECT " \
	IWF_SQL_IF_BEFORE(table, at, since) " THEN (low + high) / 2 + 1 ELSE low END, " \
	IWF_SQL_IF_BEFORE(table, at, since) " THEN high ELSE (low + high) / 2 END " \
	"FROM half WHERE low < high) SELECT low FROM half WHERE low >= high)"
#define IWF_SQL_IF_BEFORE(table, at, since) \
	"CASE WHEN (SELECT " at " FROM " table " WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1) < " since

/* For iwfctl: a clock that was put back by no more than a day hides nothing.  All, if `since` is NULL. */
#define IWF_SQL_FIRST_SHOWN(table, at, since) "coalesce(" IWF_SQL_FIRST_SINCE(table, at, since " - 86400000") ", 0)"
