// Instructions that Swift cannot express: one table of functions per instruction set.
// No allocation, no threads, no blocking, no policy: those are Swift's.
#ifndef MINIGPT_CKERNELS_H
#define MINIGPT_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "Decoding.h"

#pragma clang assume_nonnull begin

/// What one AdamW step needs besides the four arrays; see `AdamW.swift` for the formulae.
typedef struct minigpt_adamw {
  float beta1, beta2;
  /// lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t), epsilon, 1 - lr * decay, factor on the gradient (clipping).
  float rate, root_scale, epsilon, shrink, gradient_scale;
  /// Whether only weights shrink that the step makes smaller.
  int cautious;
} minigpt_adamw;

/// Names one row of random numbers: key = seed, counter = (block, sample, site, step).
typedef struct minigpt_random_row {
  uint32_t key[2];
  uint32_t sample, site, step;
  /// The first counter of the row: index of its first element / 8.
  uint32_t block;
} minigpt_random_row;

/// The columns that each row of a tile sees: row r the first `first + r * step` of them.
typedef struct minigpt_visible {
  long first, step;
} minigpt_visible;

/// What stands between the matrices of a feed-forward network: y = f(x). y may be x.
typedef struct minigpt_activation {
  void (*forward)(float *y, const float *x, long n);
  /// dy *= f'(x)
  void (*backward)(float *dy, const float *x, long n);
  /// y = f(x) * factor
  void (*gate)(float *y, const float *x, const float *factor, long n);
  /// The way back through `gate`: dfactor = dy * f(x), then dy *= factor * f'(x).
  void (*gate_backward)(float *dy, float *dfactor, const float *x, const float *factor, long n);
} minigpt_activation;

/// The operations of one instruction set. Rows are contiguous and may lie at any address; `n` may be zero.
typedef struct minigpt_kernels {
  /// The largest tile that `product` makes: its rows, and its columns, which are the width of a packed panel.
  long tile_rows, tile_columns;
  /// The rows of the largest tile that `product16` makes; its columns are the same.
  long tile_rows16;
  /// Whether `product16` wants the rows of a contiguous (a_depth is 1), `tile_rows16` of them readable whatever `rows`
  /// says, and as many words in each row of b as a tile has columns.
  int strips_by_rows;

  /// c[rows, columns] = (accumulate ? c : 0) + a[rows, depth] · b[depth, columns].
  /// Element (r, k) of a is a[r * a_row + k * a_depth]; row k of b is at b + k * b_depth, c's row r at c + r * c_row.
  /// Each element of c is one chain of multiply-adds over k = 0, 1, …: its bits do not depend on the tile.
  void (*product)(long rows, long columns, long depth, const float *a, long a_row, long a_depth, const float *b,
                  long b_depth, float *c, long c_row, int accumulate);

  /// The same for bfloat16 factors with fp32 sums: a word of a and b holds the elements 2k and 2k + 1 of the depth, the
  /// first in its lower half, and `depth` counts words. Null where the processor multiplies no bfloat16.
  void (*_Nullable product16)(long rows, long columns, long depth, const uint32_t *a, long a_row, long a_depth,
                              const uint32_t *b, long b_depth, float *c, long c_row, int accumulate);
  /// words[r * words_row + j] = (x[2r, j], x[2r + 1, j]) as bfloat16, rounded to nearest, ties to even, for the `rows`
  /// rows of x; an odd last one stands beside zeros.
  void (*interleave16)(uint32_t *words, long words_row, const float *x, long x_row, long rows, long n);
  void (*copy_rows)(float *y, long y_row, const float *x, long x_row, long rows, long n);
  /// words[j] = (x[2j], x[2j + 1]); an odd last one stands beside a zero.
  void (*narrow16)(uint32_t *words, const float *x, long n);
  /// y = x rounded to bfloat16; y may be x.
  void (*round16)(float *y, const float *x, long n);
  /// y[j * y_row + i] = x[i * x_row + j] for i < rows, j < columns: words of any kind.
  void (*transpose)(float *y, long y_row, const float *x, long x_row, long rows, long columns);

  /// The largest of x, -infinity where n is 0. A NaN is passed over; `exponentials` brings it to light.
  float (*maximum)(const float *x, long n);
  /// x = exp(scale * x - shift); gives the sum.
  float (*exponentials)(float *x, long n, float scale, float shift);
  float (*dot)(const float *x, const float *y, long n);
  double (*sum_of_squares)(const float *x, long n);
  void (*scale)(float *x, float factor, long n);
  /// y += x
  void (*add)(float *y, const float *x, long n);
  /// y += factor * x
  void (*add_scaled)(float *y, const float *x, float factor, long n);
  /// y[j] += sum over the rows r of x[r * stride + j]
  void (*add_column_sums)(float *y, const float *x, long rows, long stride, long n);

  /// One step of a running softmax over the columns of a tile: row r becomes exp(scale * x - m), m being the largest of
  /// maxima[r] and of what the row sees, and 0 where it sees nothing; sums[r] and maxima[r] go along, and shrink[r] is
  /// what sums so far were multiplied by.
  void (*running_softmax)(float *x, long x_row, long rows, long columns, const minigpt_visible *visible, float scale,
                          float *maxima, float *sums, float *shrink);
  /// Row r becomes exp(scale * x - shifts[r]), and 0 where it sees nothing.
  void (*softmax_again)(float *x, long x_row, long rows, long columns, const minigpt_visible *visible, float scale,
                        const float *shifts);
  /// dp[r, j] = p[r, j] * (dp[r, j] - deltas[r]) * scale
  void (*softmax_backward)(float *dp, long dp_row, const float *p, long p_row, long rows, long n, const float *deltas,
                           float scale);
  /// x[r, j] *= factors[r]
  void (*scale_rows)(float *x, long x_row, long rows, long n, const float *factors);

  /// y = gain * (x - mean) * rstd + bias; writes mean and rstd = 1 / sqrt(variance + epsilon) to statistics.
  /// A null bias is none.
  void (*layer_norm)(float *y, const float *x, const float *gain, const float *_Nullable bias, float epsilon,
                     float *statistics, long n);
  /// y = gain * (x - mean) * rstd + bias with the statistics of `layer_norm`.
  void (*layer_norm_again)(float *y, const float *x, const float *gain, const float *_Nullable bias,
                           const float *statistics, long n);
  /// dx += the gradient through `layer_norm`.
  void (*layer_norm_backward)(float *dx, const float *dy, const float *x, const float *gain, const float *statistics,
                              long n);
  /// dgain[j] += sum_r dy[r, j] * (x[r, j] - mean_r) * rstd_r, dbias[j] += sum_r dy[r, j]; two statistics a row.
  void (*layer_norm_parameters)(float *dgain, float *_Nullable dbias, const float *dy, long dy_stride, const float *x,
                                long x_stride, const float *statistics, long rows, long n);

  /// y = gain * x * rstd; writes rstd = 1 / sqrt(mean(x * x) + epsilon).
  void (*rms_norm)(float *y, const float *x, const float *gain, float epsilon, float *rstd, long n);
  void (*rms_norm_again)(float *y, const float *x, const float *gain, const float *rstd, long n);
  /// dx += the gradient through `rms_norm`.
  void (*rms_norm_backward)(float *dx, const float *dy, const float *x, const float *gain, const float *rstd, long n);
  /// dgain[j] += sum_r dy[r, j] * x[r, j] * rstd[r]
  void (*rms_norm_parameters)(float *dgain, const float *dy, long dy_stride, const float *x, long x_stride,
                              const float *rstd, long rows, long n);

  /// Each of `heads` pieces of `width` numbers: `rms_norm` with `gain`, unless that is null, then unless `turn` is null
  /// (a, b) -> (a cos - b sin, b cos + a sin) for its two halves a and b; `turn` holds width / 2 cosines and as many
  /// sines. One of the two is there. y may be x.
  void (*turn_heads)(float *y, const float *x, const float *_Nullable gain, const float *_Nullable turn, float epsilon,
                     long heads, long width);
  /// dx, the gradient of what `turn_heads` gave, becomes that of x, and dgain gets its sum; without gain x is not read.
  void (*turn_heads_backward)(float *dx, const float *x, const float *_Nullable gain, float *_Nullable dgain,
                              const float *_Nullable turn, float epsilon, long heads, long width);

  /// The tanh form of GPT-2; max(x, 0); its square; x / (1 + exp(-x)).
  minigpt_activation gelu, relu, relu2, silu;

  /// x[j] = bits16(j) < threshold ? 0 : x[j] * factor, 16 random bits an element.
  void (*dropout)(float *x, const minigpt_random_row *row, uint32_t threshold, float factor, long n);

  /// One AdamW update of n weights and their moments.
  void (*adamw)(float *weight, const float *gradient, float *first, float *second, const minigpt_adamw *how, long n);
} minigpt_kernels;

/// Null where the compiler's target is no x86-64, or this processor (or its system) lacks the instructions.
const minigpt_kernels *_Nullable minigpt_avx2(void);
const minigpt_kernels *_Nullable minigpt_avx512(void);
/// Asks the system for the tiles, once, so it is called before threads use them; null also where that is refused.
const minigpt_kernels *_Nullable minigpt_amx(void);

/// Whether `vdpbf16ps` multiplies two pairs in the time of one product of fp32. AMD's does; Intel's takes several steps.
int minigpt_has_fast_pairs(void);

/// Tells the core that this thread waits in a loop.
static inline void minigpt_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#pragma clang assume_nonnull end

#endif
