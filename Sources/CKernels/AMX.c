// Tiles of 16 × 16 sums in registers of their own, and products of bfloat16 between them: blocks of 32 × 32, two tiles
// by two. All other operations are those of AVX-512.
#include "Kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,amx-tile,amx-bf16"))), \
    apply_to = function)

#define WIDTH 16
#define TILE_ROWS 12
#define TABLE minigpt_kernels_amx

#define LOAD_PART(p, n) ((V)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), (p)))
#define STORE_PART(p, v, n) _mm512_mask_storeu_ps((p), (__mmask16)((1u << (n)) - 1), (__m512)(v))
#define DOT2(x, y, sum) ((V)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(x), (__m512bh)(y)))
#define NARROW2(low, high) ((V)_mm512_cvtne2ps_pbh((__m512)(high), (__m512)(low)))

static const uint16_t amx_interleaved[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                             8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
#define INTERLEAVE_HALVES(v) ((VW)_mm512_permutexvar_epi16(_mm512_loadu_si512(amx_interleaved), (__m512i)(v)))

static void amx_product16(long rows, long columns, long depth, const uint32_t *a, long a_row, long a_depth,
                          const uint32_t *b, long b_depth, float *c, long c_row, int accumulate);
#define PRODUCT16 amx_product16
#define TILE_ROWS16 32

#include "Template.h"

/// Words of the depth that a tile of factors holds.
#define AMX_WORDS 16

/// The shapes of the tiles, as the processor wants them told (Intel's manual, volume 1, section 18.2).
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} amx_shapes;

/// Depth for which this thread's tiles are shaped; 0 before the first time.
static _Thread_local long amx_shaped;

/// Tiles 0 to 3 are sums, 4 and 5 strips of a, `words` wide, 6 and 7 panels of b, `words` high.
static void amx_shape(long words) {
  if (amx_shaped == words) return;
  amx_shapes shapes;
  memset(&shapes, 0, sizeof shapes);
  shapes.palette = 1;
  for (int t = 0; t < 8; t++) {
    shapes.row_bytes[t] = (uint16_t)(t == 4 || t == 5 ? words * 4 : 64);
    shapes.rows[t] = (uint8_t)(t >= 6 ? words : 16);
  }
  _tile_loadconfig(&shapes);
  amx_shaped = words;
}

INLINE void amx_load_sums(const float *c, size_t stride) {
  _tile_loadd(0, c, stride);
  _tile_loadd(1, c + 16, stride);
  _tile_loadd(2, (const char *)c + 16 * stride, stride);
  _tile_loadd(3, (const char *)c + 16 * stride + 64, stride);
}

INLINE void amx_store_sums(float *c, size_t stride) {
  _tile_stored(0, c, stride);
  _tile_stored(1, c + 16, stride);
  _tile_stored(2, (char *)c + 16 * stride, stride);
  _tile_stored(3, (char *)c + 16 * stride + 64, stride);
}

INLINE void amx_step(const uint32_t *a, size_t a_stride, const uint32_t *b, size_t b_stride) {
  _tile_loadd(4, a, a_stride);
  _tile_loadd(6, b, b_stride);
  _tile_loadd(7, b + 16, b_stride);
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 4, 7);
  _tile_loadd(5, (const char *)a + 16 * a_stride, a_stride);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

/// Always computes 32 × 32: of a, 32 rows can be read, and of each row of b, 32 words, whatever stands there; what goes
/// beyond `rows` and `columns` is not stored. So a row's bits do not depend on how many there are.
static void amx_product16(long rows, long columns, long depth, const uint32_t *a, long a_row, long a_depth,
                          const uint32_t *b, long b_depth, float *c, long c_row, int accumulate) {
  (void)a_depth;  // rows are contiguous: `strips_by_rows`
  float aside[32 * 32] __attribute__((aligned(64)));
  int whole = rows == 32 && columns == 32;
  float *sums = whole ? c : aside;
  size_t stride = 4 * (size_t)(whole ? c_row : 32), a_stride = 4 * (size_t)a_row, b_stride = 4 * (size_t)b_depth;
  if (!whole && accumulate) {
    memset(aside, 0, sizeof aside);
    for (long r = 0; r < rows; r++) memcpy(aside + 32 * r, c + r * c_row, 4 * (size_t)columns);
  }
  amx_shape(AMX_WORDS);
  if (accumulate) {
    amx_load_sums(sums, stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  long k = 0;
  for (; k + AMX_WORDS <= depth; k += AMX_WORDS) amx_step(a + k, a_stride, b + k * b_depth, b_stride);
  amx_store_sums(sums, stride);
  if (k < depth) {
    amx_shape(depth - k);
    amx_load_sums(sums, stride);
    amx_step(a + k, a_stride, b + k * b_depth, b_stride);
    amx_store_sums(sums, stride);
  }
  if (!whole)
    for (long r = 0; r < rows; r++) memcpy(c + r * c_row, aside + 32 * r, 4 * (size_t)columns);
}

#pragma clang attribute pop
#endif
