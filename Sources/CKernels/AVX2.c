// Eight floats at a time, sixteen registers: tiles of 6 × 16.
#include "Kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define WIDTH 8
#define TILE_ROWS 6
#define TABLE minigpt_kernels_avx2

static const int32_t avx2_lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

/// All bits set in the first n of eight lanes.
static inline __attribute__((always_inline)) __m256i first_lanes(long n) {
  return _mm256_loadu_si256((const __m256i *)(avx2_lanes + 8 - n));
}

#define LOAD_PART(p, n) ((V)_mm256_maskload_ps((p), first_lanes(n)))
#define STORE_PART(p, v, n) _mm256_maskstore_ps((p), first_lanes(n), (__m256)(v))

#include "Template.h"

#pragma clang attribute pop
#endif
