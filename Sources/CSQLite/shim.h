#pragma once
#include <sqlite3.h>

/* Variadic functions cannot be called from Swift. */

/* SQLite counts no memory: every request would take a lock for it. Before the first use of SQLite. */
static inline int hakaru_sqlite_without_memory_statistics(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
