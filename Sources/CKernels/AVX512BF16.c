// AVX-512 with products of 16-bit floats: two multiply-adds a lane where there was one.
#include "Kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))), \
                             apply_to = function)

#define WIDTH 16
#define TILE_ROWS 12
#define TABLE minigpt_kernels_avx512bf16

#define LOAD_PART(p, n) ((V)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), (p)))
#define STORE_PART(p, v, n) _mm512_mask_storeu_ps((p), (__mmask16)((1u << (n)) - 1), (__m512)(v))
#define DOT2(x, y, sum) ((V)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(x), (__m512bh)(y)))
#define NARROW2(low, high) ((V)_mm512_cvtne2ps_pbh((__m512)(high), (__m512)(low)))

// Element i of the lower half and element i of the upper half become word i.
static const uint16_t avx512bf16_interleaved[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                    8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
#define INTERLEAVE_HALVES(v) \
  ((VW)_mm512_permutexvar_epi16(_mm512_loadu_si512(avx512bf16_interleaved), (__m512i)(v)))

#include "Template.h"

#pragma clang attribute pop
#endif
