#pragma once
#include <stdint.h>

/* How often this process has asked for memory since it began, on whatever thread. */
uint64_t allocation_count(void);
