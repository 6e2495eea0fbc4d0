// Sixteen floats at a time; pairs of bf16 and fours of int8 multiplied and added by one instruction.
#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(                                                                              \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vnni,avx2,fma,f16c"))),      \
    apply_to = function)

#define WIDTH 16
#define TILE_ROWS 12
#define INT8_ROWS 6
#define INT4_ROWS 4
#define LOAD_PART(p, n) ((V)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), (p)))
#define STORE_PART(p, v, n) _mm512_mask_storeu_ps((p), (__mmask16)((1u << (n)) - 1), (__m512)(v))

#define BF16_WEIGHTS(name, p) __m512bh name = (__m512bh)_mm512_loadu_si512(p)
#define BF16_ADD(sum, pair, b) sum = (V)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)_mm512_set1_epi32((int)(pair)), b)
#define F16_WEIGHTS(p) ((V)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p))))
#define INT8_DOTS int8_dots
#define INT4_DOTS int4_dots

typedef int32_t I16 __attribute__((vector_size(64)));

/// dot = the products of 64 inputs with each column.
static inline __attribute__((always_inline)) void int8_dots(const int rows, const int panels, I16 dot[][4][2],
                                                            const uint8_t *block, long panel, const int8_t *x,
                                                            long x_row, const int32_t *sums, long sums_row) {
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++)
      dot[r][p][0] = dot[r][p][1] = (I16)_mm512_set1_epi32(-128 * (sums[r * sums_row] + sums[r * sums_row + 1]));
  for (int k = 0; k < MINIGPT_BLOCK / 4; k++) {
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++) {
      const uint8_t *b = block + p * panel + MINIGPT_PANEL * 4 + k * MINIGPT_PANEL * 4;
      __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 64);
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) {
        int32_t four;
        __builtin_memcpy(&four, x + r * x_row + 4 * k, 4);
        __m512i a = _mm512_set1_epi32(four);
        dot[r][p][0] = (I16)_mm512_dpbusd_epi32((__m512i)dot[r][p][0], b0, a);
        dot[r][p][1] = (I16)_mm512_dpbusd_epi32((__m512i)dot[r][p][1], b1, a);
      }
    }
  }
}

/// dot[half] = the products of 32 inputs with each column.
static inline __attribute__((always_inline)) void int4_dots(const int rows, const int panels, I16 dot[2][INT4_ROWS][4][2],
                                                            const uint8_t *block, long panel, const int8_t *x,
                                                            long x_row, const int32_t *sums, long sums_row) {
  __m512i low = _mm512_set1_epi8(15);
#pragma clang loop unroll(full)
  for (int half = 0; half < 2; half++)
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
      for (int p = 0; p < panels; p++)
        dot[half][r][p][0] = dot[half][r][p][1] = (I16)_mm512_set1_epi32(-8 * sums[r * sums_row + half]);
  for (int k = 0; k < MINIGPT_BLOCK / 8; k++) {
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++) {
      const uint8_t *bytes = block + p * panel + MINIGPT_PANEL * 4 + k * MINIGPT_PANEL * 4;
#pragma clang loop unroll(full)
      for (int v = 0; v < 2; v++) {
        __m512i both = _mm512_loadu_si512(bytes + 64 * v);
        __m512i lower = _mm512_and_si512(both, low), upper = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
          int32_t first, second;
          __builtin_memcpy(&first, x + r * x_row + 4 * k, 4);
          __builtin_memcpy(&second, x + r * x_row + MINIGPT_BLOCK / 2 + 4 * k, 4);
          dot[0][r][p][v] = (I16)_mm512_dpbusd_epi32((__m512i)dot[0][r][p][v], lower, _mm512_set1_epi32(first));
          dot[1][r][p][v] = (I16)_mm512_dpbusd_epi32((__m512i)dot[1][r][p][v], upper, _mm512_set1_epi32(second));
        }
      }
    }
  }
}

#include "DecodingTemplate.h"

#define BF16(R, P) \
  tile_bf16(R, P, left, depth, x + r * x_row, x_row, panel, out + r * out_row + j, out_row)
#define F16(R, P) tile_f16(R, P, left, depth, x + r * x_row, x_row, panel, out + r * out_row + j, out_row)
#define FP32(R, P) tile_fp32(R, P, left, depth, x + r * x_row, x_row, panel, out + r * out_row + j, out_row)
#define INT8(R, P)                                                                                                 \
  tile_int8(R, P, left, blocks, x + r * blocks * MINIGPT_BLOCK, scales + r * blocks, sums + 2 * r * blocks, panel, \
            out + r * out_row + j, out_row)
#define INT4(R, P)                                                                                                 \
  tile_int4(R, P, left, blocks, x + r * blocks * MINIGPT_BLOCK, scales + r * blocks, sums + 2 * r * blocks, panel, \
            out + r * out_row + j, out_row)

#define ONE(T)                   \
  if (panels == 4) T(1, 4);      \
  else if (panels == 2) T(1, 2); \
  else T(1, 1);

#define SIX(T)                                  \
  switch (group) {                              \
    case 1: ONE(T) break;                       \
    case 2:                                     \
      if (panels == 2) T(2, 2);                 \
      else T(2, 1);                             \
      break;                                    \
    case 3: TWO(T, 3) break;                    \
    case 4: TWO(T, 4) break;                    \
    case 5: T(5, 1); break;                     \
    case 6: T(6, 1); break;                     \
    MORE(T)                                     \
  }

/// As SIX, for tiles of at most four rows: two panels only for one row.
#define FOUR(T)                 \
  switch (group) {              \
    case 1: ONE(T) break;       \
    case 2: T(2, 1); break;     \
    case 3: T(3, 1); break;     \
    case 4: T(4, 1); break;     \
  }

#define TWO(T, R)           \
  if (panels == 2) T(R, 2); \
  else T(R, 1);
#define MORE(T)                 \
  case 7: T(7, 1); break;       \
  case 8: T(8, 1); break;       \
  case 9: T(9, 1); break;       \
  case 10: T(10, 1); break;     \
  case 11: T(11, 1); break;     \
  case 12: T(12, 1); break;

#define TYPE uint16_t
static void product_bf16(long rows, long columns, long depth, const uint16_t *x, long x_row, const uint16_t *w,
                         float *out, long out_row) {
  FOR_TILES(12, 4, SIX(BF16), (depth + 1) / 2 * 2 * MINIGPT_PANEL)
}

static void product_f16(long rows, long columns, long depth, const float *x, long x_row, const uint16_t *w, float *out,
                        long out_row) {
  FOR_TILES(12, 4, SIX(F16), depth * MINIGPT_PANEL)
}
#undef TYPE

#define TYPE float
static void product_fp32(long rows, long columns, long depth, const float *x, long x_row, const float *w, float *out,
                         long out_row) {
  FOR_TILES(12, 4, SIX(FP32), depth * MINIGPT_PANEL)
}
#undef TYPE
#undef TWO
#undef MORE

#define TYPE uint8_t
#define TWO(T, R) T(R, 1);
#define MORE(T)
static void product_int8(long rows, long columns, long blocks, const int8_t *x, const float *scales,
                         const int32_t *sums, const uint8_t *w, float *out, long out_row) {
  FOR_TILES(6, 4, SIX(INT8), blocks * INT8_BLOCK_BYTES)
}

static void product_int4(long rows, long columns, long blocks, const int8_t *x, const float *scales,
                         const int32_t *sums, const uint8_t *w, float *out, long out_row) {
  FOR_TILES(4, 4, FOUR(INT4), blocks * INT4_BLOCK_BYTES)
}

static void to_bf16(uint16_t *y, const float *x, long n) {
  for (long i = 0; i < n; i += 16) {
    __mmask16 some = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
    _mm256_mask_storeu_epi16(y + i, some, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(some, x + i)));
  }
}

static void to_f16(uint16_t *y, const float *x, long n) {
  for (long i = 0; i < n; i += 16) {
    __mmask16 some = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
    _mm256_mask_storeu_epi16(y + i, some, _mm512_cvtps_ph(_mm512_maskz_loadu_ps(some, x + i), 0));
  }
}

static void quantize(int8_t *y, float *scales, int32_t *sums, const float *x, long n) {
  for (long block = 0; block * MINIGPT_BLOCK < n; block++) {
    __m512 part[4], most = _mm512_setzero_ps();
    for (int i = 0; i < 4; i++) {
      long left = n - block * MINIGPT_BLOCK - 16 * i;
      __mmask16 some = left >= 16 ? 0xFFFF : left <= 0 ? 0 : (__mmask16)((1u << left) - 1);
      part[i] = _mm512_maskz_loadu_ps(some, x + block * MINIGPT_BLOCK + 16 * i);
      most = _mm512_max_ps(most, _mm512_abs_ps(part[i]));
    }
    float largest = _mm512_reduce_max_ps(most), inverse = largest > 0 ? 127.0f / largest : 0;
    __m512i sum[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int i = 0; i < 4; i++) {
      __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(part[i], _mm512_set1_ps(inverse)));
      sum[i / 2] = _mm512_add_epi32(sum[i / 2], q);
      _mm_storeu_si128((__m128i *)(y + block * MINIGPT_BLOCK + 16 * i), _mm512_cvtsepi32_epi8(q));
    }
    scales[block] = largest * (1.0f / 127);
    sums[2 * block] = _mm512_reduce_add_epi32(sum[0]);
    sums[2 * block + 1] = _mm512_reduce_add_epi32(sum[1]);
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

const minigpt_decoding *minigpt_decoding_for_avx512(void) {
  int there = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni") &&
              __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return there ? &table : NULL;
}

#else

const minigpt_decoding *minigpt_decoding_for_avx512(void) { return NULL; }

#endif
