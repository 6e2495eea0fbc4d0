// Eight floats at a time; bf16 becomes fp32 by a shift, int8 becomes int16.
#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define WIDTH 8
#define TILE_ROWS 2
#define INT8_ROWS 1
#define INT4_ROWS 1

static const int32_t decoding_lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

/// All bits set in the first n of eight lanes.
static inline __attribute__((always_inline)) __m256i first_lanes(long n) {
  return _mm256_loadu_si256((const __m256i *)(decoding_lanes + 8 - n));
}

#define LOAD_PART(p, n) ((V)_mm256_maskload_ps((p), first_lanes(n)))
#define STORE_PART(p, v, n) _mm256_maskstore_ps((p), first_lanes(n), (__m256)(v))

/// The even inputs in the lower halves, the odd ones in the upper.
#define BF16_WEIGHTS(name, p) __m256i name = _mm256_loadu_si256((const __m256i *)(p))
#define BF16_ADD(sum, pair, b)                                                                     \
  do {                                                                                             \
    union { uint32_t bits; float number; } even = {(pair) << 16}, odd = {(pair) & 0xFFFF0000u};    \
    sum = fma_(all(even.number), (V)_mm256_slli_epi32(b, 16), sum);                                \
    sum = fma_(all(odd.number), (V)_mm256_and_si256(b, _mm256_set1_epi32((int)0xFFFF0000)), sum);  \
  } while (0)
#define F16_WEIGHTS(p) ((V)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p))))
#define INT8_DOTS(rows, panels, dot, block, panel, x, x_row, sums, sums_row) int8_dots(dot, block, x, sums)
#define INT4_DOTS(rows, panels, dot, block, panel, x, x_row, sums, sums_row) int4_dots(dot, block, x, sums)

typedef int32_t I8 __attribute__((vector_size(32)));

/// dot = the products of 64 inputs with each column of one panel, for one row.
static inline __attribute__((always_inline)) void int8_dots(I8 dot[][4][4], const uint8_t *block, const int8_t *x,
                                                            const int32_t *sum) {
  __m256i pairs[8];
#pragma clang loop unroll(full)
  for (int v = 0; v < 8; v++) pairs[v] = _mm256_setzero_si256();
  for (int k = 0; k < MINIGPT_BLOCK / 4; k++) {
    int32_t four;
    __builtin_memcpy(&four, x + 4 * k, 4);
    __m256i a = _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
    const uint8_t *b = block + MINIGPT_PANEL * 4 + k * MINIGPT_PANEL * 4;
#pragma clang loop unroll(full)
    for (int v = 0; v < 8; v++) {
      // Four columns of four inputs: two sums of two products for each column.
      __m256i four_columns = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(b + 16 * v)));
      pairs[v] = _mm256_add_epi32(pairs[v], _mm256_madd_epi16(four_columns, a));
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < 4; v++) {
    __m256i both = _mm256_permute4x64_epi64(_mm256_hadd_epi32(pairs[2 * v], pairs[2 * v + 1]), 0xD8);
    dot[0][0][v] = (I8)_mm256_add_epi32(both, _mm256_set1_epi32(-128 * (sum[0] + sum[1])));
  }
}

/// dot[half] = the products of 32 inputs with each column of one panel, for one row. Eight products of two numbers below
/// 16 and 128 fit into 16 bits.
static inline __attribute__((always_inline)) void int4_dots(I8 dot[2][1][4][4], const uint8_t *block, const int8_t *x,
                                                            const int32_t *sum) {
  __m256i pairs[2][4], low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
#pragma clang loop unroll(full)
  for (int v = 0; v < 4; v++) pairs[0][v] = pairs[1][v] = _mm256_setzero_si256();
#pragma clang loop unroll(full)
  for (int k = 0; k < MINIGPT_BLOCK / 8; k++) {
    int32_t first, second;
    __builtin_memcpy(&first, x + 4 * k, 4);
    __builtin_memcpy(&second, x + MINIGPT_BLOCK / 2 + 4 * k, 4);
    __m256i a = _mm256_set1_epi32(first), b = _mm256_set1_epi32(second);
    const uint8_t *bytes = block + MINIGPT_PANEL * 4 + k * MINIGPT_PANEL * 4;
#pragma clang loop unroll(full)
    for (int v = 0; v < 4; v++) {
      __m256i both = _mm256_loadu_si256((const __m256i *)(bytes + 32 * v));
      __m256i upper = _mm256_and_si256(_mm256_srli_epi16(both, 4), low);
      pairs[0][v] = _mm256_add_epi16(pairs[0][v], _mm256_maddubs_epi16(_mm256_and_si256(both, low), a));
      pairs[1][v] = _mm256_add_epi16(pairs[1][v], _mm256_maddubs_epi16(upper, b));
    }
  }
#pragma clang loop unroll(full)
  for (int half = 0; half < 2; half++)
#pragma clang loop unroll(full)
    for (int v = 0; v < 4; v++)
      dot[half][0][0][v] =
          (I8)_mm256_add_epi32(_mm256_madd_epi16(pairs[half][v], ones), _mm256_set1_epi32(-8 * sum[half]));
}

#include "DecodingTemplate.h"

#define TYPE uint16_t
static void product_bf16(long rows, long columns, long depth, const uint16_t *x, long x_row, const uint16_t *w,
                         float *out, long out_row) {
#define BF16(R) tile_bf16(R, 1, left, depth, x + r * x_row, x_row, panel, out + r * out_row + j, out_row)
  FOR_TILES(2, 1, if (group == 2) BF16(2); else BF16(1);, (depth + 1) / 2 * 2 * MINIGPT_PANEL)
}

static void product_f16(long rows, long columns, long depth, const float *x, long x_row, const uint16_t *w, float *out,
                        long out_row) {
#define F16(R) tile_f16(R, 1, left, depth, x + r * x_row, x_row, panel, out + r * out_row + j, out_row)
  FOR_TILES(2, 1, if (group == 2) F16(2); else F16(1);, depth * MINIGPT_PANEL)
}
#undef TYPE

#define TYPE float
static void product_fp32(long rows, long columns, long depth, const float *x, long x_row, const float *w, float *out,
                         long out_row) {
#define FP32(R) tile_fp32(R, 1, left, depth, x + r * x_row, x_row, panel, out + r * out_row + j, out_row)
  FOR_TILES(2, 1, if (group == 2) FP32(2); else FP32(1);, depth * MINIGPT_PANEL)
}
#undef TYPE

#define TYPE uint8_t
static void product_int8(long rows, long columns, long blocks, const int8_t *x, const float *scales,
                         const int32_t *sums, const uint8_t *w, float *out, long out_row) {
  FOR_TILES(1, 1,
            tile_int8(1, 1, left, blocks, x + r * blocks * MINIGPT_BLOCK, scales + r * blocks, sums + 2 * r * blocks,
                      panel, out + r * out_row + j, out_row);
            , blocks * INT8_BLOCK_BYTES)
}

static void product_int4(long rows, long columns, long blocks, const int8_t *x, const float *scales,
                         const int32_t *sums, const uint8_t *w, float *out, long out_row) {
  FOR_TILES(1, 1,
            tile_int4(1, 1, left, blocks, x + r * blocks * MINIGPT_BLOCK, scales + r * blocks, sums + 2 * r * blocks,
                      panel, out + r * out_row + j, out_row);
            , blocks * INT4_BLOCK_BYTES)
}

static void to_bf16(uint16_t *y, const float *x, long n) {
  for (long i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, 4);
    // A NaN keeps its sign and becomes quiet; rounding could make it infinite.
    uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, nan = (bits >> 16) | 0x40;
    y[i] = (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? nan : rounded);
  }
}

static void to_f16(uint16_t *y, const float *x, long n) {
  for (long i = 0; i < n; i++) y[i] = _cvtss_sh(x[i], 0);
}

static void quantize(int8_t *y, float *scales, int32_t *sums, const float *x, long n) {
  for (long block = 0; block * MINIGPT_BLOCK < n; block++) {
    long first = block * MINIGPT_BLOCK, here = n - first < MINIGPT_BLOCK ? n - first : MINIGPT_BLOCK;
    float largest = 0;
    for (long i = 0; i < here; i++) largest = fmaxf(largest, fabsf(x[first + i]));
    float inverse = largest > 0 ? 127.0f / largest : 0;
    int32_t sum[2] = {0, 0};
    memset(y + first, 0, MINIGPT_BLOCK);
    for (long i = 0; i < here; i++) {
      int32_t q = _mm_cvtss_si32(_mm_set_ss(x[first + i] * inverse));
      sum[i / (MINIGPT_BLOCK / 2)] += q;
      y[first + i] = (int8_t)q;
    }
    scales[block] = largest * (1.0f / 127);
    sums[2 * block] = sum[0];
    sums[2 * block + 1] = sum[1];
  }
}

static const minigpt_decoding table = {
    .rows_product = rows_product,
    .dots = dots,
    .product_fp32 = product_fp32,
    .product_bf16 = product_bf16,
    .product_f16 = product_f16,
    .product_int8 = product_int8,
    .product_int4 = product_int4,
    .to_bf16 = to_bf16,
    .to_f16 = to_f16,
    .quantize = quantize,
};

#pragma clang attribute pop

const minigpt_decoding *minigpt_decoding_for_avx2(void) {
  int there = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return there ? &table : NULL;
}

#else

const minigpt_decoding *minigpt_decoding_for_avx2(void) { return NULL; }

#endif
