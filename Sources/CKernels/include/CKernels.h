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
} minigpt_adamw;

/// Names one row of random numbers: key = seed, counter = (block, sample, site, step).
typedef struct minigpt_random_row {
  uint32_t key[2];
  uint32_t sample, site, step;
  /// The first counter of the row: index of its first element / 8.
  uint32_t block;
} minigpt_random_row;

/// The operations of one instruction set. Rows are contiguous and may lie at any address; `n` may be zero.
typedef struct minigpt_kernels {
  /// The largest tile that `product` makes: its rows, and its columns, which are the width of a packed panel.
  long tile_rows, tile_columns;

  /// c[rows, columns] = (accumulate ? c : 0) + a[rows, depth] · b[depth, columns].
  /// Element (r, k) of a is a[r * a_row + k * a_depth]; row k of b is at b + k * b_depth, c's row r at c + r * c_row.
  /// Each element of c is one chain of multiply-adds over k = 0, 1, …: its bits do not depend on the tile.
  void (*product)(long rows, long columns, long depth, const float *a, long a_row, long a_depth, const float *b,
                  long b_depth, float *c, long c_row, int accumulate);

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
  /// dp[j] = p[j] * (dp[j] - delta) * scale
  void (*softmax_backward)(float *dp, const float *p, float delta, float scale, long n);

  /// y = gain * (x - mean) * rstd + bias; writes mean and rstd = 1 / sqrt(variance + epsilon) to statistics.
  void (*layer_norm)(float *y, const float *x, const float *gain, const float *bias, float epsilon, float *statistics,
                     long n);
  /// y = gain * (x - mean) * rstd + bias with the statistics of `layer_norm`.
  void (*layer_norm_again)(float *y, const float *x, const float *gain, const float *bias, const float *statistics,
                           long n);
  /// dx += the gradient through `layer_norm`.
  void (*layer_norm_backward)(float *dx, const float *dy, const float *x, const float *gain, const float *statistics,
                              long n);
  /// dgain[j] += sum_r dy[r, j] * (x[r, j] - mean_r) * rstd_r, dbias[j] += sum_r dy[r, j]; two statistics a row.
  void (*layer_norm_parameters)(float *dgain, float *dbias, const float *dy, long dy_stride, const float *x,
                                long x_stride, const float *statistics, long rows, long n);

  /// y = gelu(x), tanh form; y may be x.
  void (*gelu)(float *y, const float *x, long n);
  /// dy *= gelu'(x)
  void (*gelu_backward)(float *dy, const float *x, long n);
  void (*relu)(float *y, const float *x, long n);
  void (*relu_backward)(float *dy, const float *x, long n);

  /// x[j] = bits16(j) < threshold ? 0 : x[j] * factor, 16 random bits an element.
  void (*dropout)(float *x, const minigpt_random_row *row, uint32_t threshold, float factor, long n);

  /// One AdamW update of n weights and their moments.
  void (*adamw)(float *weight, const float *gradient, float *first, float *second, const minigpt_adamw *how, long n);
} minigpt_kernels;

/// Null where the compiler's target is no x86-64, or this processor (or its system) lacks the instructions.
const minigpt_kernels *_Nullable minigpt_avx2(void);
const minigpt_kernels *_Nullable minigpt_avx512(void);

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
