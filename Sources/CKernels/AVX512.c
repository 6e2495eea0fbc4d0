// Sixteen floats at a time, thirty-two registers: tiles of 12 × 32.
#include "Kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)

#define WIDTH 16
#define TILE_ROWS 12
#define TABLE minigpt_kernels_avx512

#define LOAD_PART(p, n) ((V)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), (p)))
#define STORE_PART(p, v, n) _mm512_mask_storeu_ps((p), (__mmask16)((1u << (n)) - 1), (__m512)(v))

#include "Template.h"

#pragma clang attribute pop
#endif
