#pragma once
#include <zlib.h>

/* deflateInit2 is a macro, which Swift cannot call. 31: the largest window, with a gzip head. */
static inline int hakaru_deflate_gzip(z_stream *s, int level) {
    return deflateInit2(s, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
}
