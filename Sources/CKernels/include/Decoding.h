// Products of a few rows with large weights, each weight read once: what generation does for every token.
#ifndef MINIGPT_DECODING_H
#define MINIGPT_DECODING_H

#include <stdint.h>

#pragma clang assume_nonnull begin

/// Columns of a panel of packed weights, and inputs that share a scale in int8; in int4 half as many do.
#define MINIGPT_PANEL 32
#define MINIGPT_BLOCK 64

/// The products of one instruction set. Whatever the rows and columns of a call, an element of `out` is computed in
/// one order: its bits depend on its own row and column alone.
///
/// Packed weights [depth, columns] lie in panels of 32 columns, the last one filled up with zeros:
/// - bf16: for each pair of inputs 32 × (even input, odd input); an odd depth is filled up with a zero.
/// - fp32 and f16: for each input 32 numbers.
/// - int8: for each block of 64 inputs 32 floats, the scales of its columns, then for each four inputs 32 × four bytes
///   q + 128; a weight is q · scale.
/// - int4: for each block of 64 inputs 2 × 32 half floats, the scales of the columns for the first and the last 32 of
///   them, then for each four inputs of the first half 32 × four bytes: in the lower four bits q + 8 of these inputs, in
///   the upper ones of those 32 behind.
typedef struct minigpt_decoding {
  /// out[r, j] = sum_k x[r, k] · w[k, j], one chain over k; row k of w at w + k * w_row.
  void (*rows_product)(long rows, long columns, long depth, const float *x, long x_row, const float *w, long w_row,
                       float *out, long out_row);
  /// out[r, j] = x[r] · table[j], row j of the table at table + j * table_row.
  void (*dots)(long rows, long count, long depth, const float *x, long x_row, const float *table, long table_row,
               float *out, long out_row);
  /// The products with packed weights of `columns` columns from the start of a panel on.
  void (*product_fp32)(long rows, long columns, long depth, const float *x, long x_row, const float *w, float *out,
                       long out_row);
  /// x as `to_bf16` makes it, its
  /// rows `x_row` numbers apart, filled up with a zero to an even depth.
  void (*product_bf16)(long rows, long columns, long depth, const uint16_t *x, long x_row, const uint16_t *w,
                       float *out, long out_row);
  void (*product_f16)(long rows, long columns, long depth, const float *x, long x_row, const uint16_t *w, float *out,
                      long out_row);
  /// x as `quantize` makes it: 64 bytes a block, and for each block a scale and two sums.
  void (*product_int8)(long rows, long columns, long blocks, const int8_t *x, const float *scales,
                       const int32_t *sums, const uint8_t *w, float *out, long out_row);
  void (*product_int4)(long rows, long columns, long blocks, const int8_t *x, const float *scales,
                       const int32_t *sums, const uint8_t *w, float *out, long out_row);

  /// To the nearest, ties to even.
  void (*to_bf16)(uint16_t *y, const float *x, long n);
  void (*to_f16)(uint16_t *y, const float *x, long n);
  /// y = round(x / scale) with scale = max|x| / 127 in each block of 64, the last one filled up with zeros; sums are
  /// those of each half of a block of y, by which what the weights have too much is taken back.
  void (*quantize)(int8_t *y, float *scales, int32_t *sums, const float *x, long n);
} minigpt_decoding;

/// Null where this processor lacks the instructions; those for AVX-512 need its BF16 and VNNI too.
const minigpt_decoding *_Nullable minigpt_decoding_for_avx2(void);
const minigpt_decoding *_Nullable minigpt_decoding_for_avx512(void);

#pragma clang assume_nonnull end

#endif
