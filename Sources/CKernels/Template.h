// The operations, written once over vectors of WIDTH floats; each instruction set includes this file with its own
// WIDTH, TILE_ROWS, TABLE, LOAD_PART(p, n) and STORE_PART(p, v, n), which touch n lanes only, 0 <= n < WIDTH.
#include "Philox.h"
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float V __attribute__((vector_size(WIDTH * 4)));
typedef float VU __attribute__((vector_size(WIDTH * 4), aligned(4)));
typedef int32_t VI __attribute__((vector_size(WIDTH * 4)));
typedef uint32_t VW __attribute__((vector_size(WIDTH * 4)));
typedef uint64_t VQ __attribute__((vector_size(WIDTH * 8)));
typedef double VD __attribute__((vector_size(WIDTH * 8)));

INLINE V load(const float *p) { return *(const VU *)p; }
INLINE void store(float *p, V v) { *(VU *)p = v; }
INLINE V all(float x) { return x - (V){}; }
INLINE V fma_(V a, V b, V c) { return __builtin_elementwise_fma(a, b, c); }
INLINE V max_(V a, V b) { return __builtin_elementwise_max(a, b); }
INLINE V select_(VI mask, V a, V b) { return (V)((mask & (VI)a) | (~mask & (VI)b)); }

/// The lanes added in a fixed order: halves onto each other.
INLINE float lanes_sum(V v) {
  for (int half = WIDTH / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) v[i] += v[i + half];
  return v[0];
}

INLINE float lanes_max(V v) {
  for (int half = WIDTH / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) v[i] = v[i + half] > v[i] ? v[i + half] : v[i];
  return v[0];
}

/// A vector from `part` floats, the other lanes zero; and back.
INLINE V get(const float *p, long part) { return part == WIDTH ? load(p) : LOAD_PART(p, part); }
INLINE void put(float *p, V v, long part) {
  if (part == WIDTH) store(p, v);
  else STORE_PART(p, v, part);
}

/// The vectors of a row of n floats: index `i`, and `part`, its number of lanes.
#define FOR_VECTORS(n) for (long i = 0, part = (n) < WIDTH ? (n) : WIDTH; i < (n); \
                            i += WIDTH, part = (n) - i < WIDTH ? (n) - i : WIDTH)

/// exp(x): x = k·ln 2 + r, a polynomial for exp(r) on |r| <= ln(2)/2, then the exponent; 0 below -87.3.
///
/// Only k is kept within bounds: r is taken from x itself, so that NaN stays NaN and what is too large becomes
/// infinity.
INLINE V exp_(V x) {
  V clamped = max_(__builtin_elementwise_min(x, all(88.72f)), all(-87.3f));
  V k = __builtin_elementwise_roundeven(clamped * 1.44269504088896341f);
  V r = fma_(k, all(-0.693359375f), x);
  r = fma_(k, all(2.12194440e-4f), r);
  V p = all(1.9875691500e-4f);
  p = fma_(p, r, all(1.3981999507e-3f));
  p = fma_(p, r, all(8.3334519073e-3f));
  p = fma_(p, r, all(4.1665795894e-2f));
  p = fma_(p, r, all(1.6666665459e-1f));
  p = fma_(p, r, all(5.0000001201e-1f));
  p = fma_(p, r * r, r) + 1.0f;
  VI exponent = __builtin_convertvector(k, VI);
  // Two factors, since 2^128 is no float: exp(88.7) is.
  VI half = exponent >> 1;
  V scaled = p * (V)((half + 127) << 23) * (V)((exponent - half + 127) << 23);
  return select_((VI)(x < -87.3f), all(0), scaled);
}

// Products

// A step of a chain: one product, or where `narrow`, two of 16-bit halves. Both take the same number of 32-bit words.
#ifdef DOT2
#define STEP(x, b, sum) (narrow ? DOT2(x, b, sum) : fma_(x, b, sum))
#else
#define STEP(x, b, sum) ((void)narrow, fma_(x, b, sum))
#endif

INLINE void tile(const int narrow, const long rows, const int whole, long columns, long depth, const float *a,
                 long a_row, long a_depth, const float *b, long b_depth, float *c, long c_row, int accumulate) {
  long second = columns > WIDTH ? columns - WIDTH : 0, first = columns < WIDTH ? columns : WIDTH;
  V acc[TILE_ROWS][2];
#pragma clang loop unroll(full)
  for (long r = 0; r < rows; r++) {
    if (!accumulate) {
      acc[r][0] = acc[r][1] = all(0);
    } else if (whole) {
      acc[r][0] = load(c + r * c_row), acc[r][1] = load(c + r * c_row + WIDTH);
    } else {
      acc[r][0] = first == WIDTH ? load(c + r * c_row) : LOAD_PART(c + r * c_row, first);
      acc[r][1] = second == WIDTH ? load(c + r * c_row + WIDTH) : LOAD_PART(c + r * c_row + WIDTH, second);
    }
  }
  // One pointer for three rows: the others are reached by index, which spares registers.
  const float *p[(TILE_ROWS + 2) / 3];
#pragma clang loop unroll(full)
  for (long r = 0; r < rows; r += 3) p[r / 3] = a + r * a_row;
  for (long k = 0; k < depth; k++) {
    V b0, b1;
    if (whole) {
      b0 = load(b), b1 = load(b + WIDTH);
    } else {
      b0 = first == WIDTH ? load(b) : LOAD_PART(b, first);
      b1 = second == WIDTH ? load(b + WIDTH) : LOAD_PART(b + WIDTH, second);
    }
#pragma clang loop unroll(full)
    for (long r = 0; r < rows; r++) {
      V x = all(p[r / 3][(r % 3) * a_row]);
      acc[r][0] = STEP(x, b0, acc[r][0]);
      acc[r][1] = STEP(x, b1, acc[r][1]);
    }
#pragma clang loop unroll(full)
    for (long r = 0; r < rows; r += 3) p[r / 3] += a_depth;
    b += b_depth;
  }
#pragma clang loop unroll(full)
  for (long r = 0; r < rows; r++) {
    if (whole) {
      store(c + r * c_row, acc[r][0]), store(c + r * c_row + WIDTH, acc[r][1]);
    } else {
      if (first == WIDTH) store(c + r * c_row, acc[r][0]);
      else STORE_PART(c + r * c_row, acc[r][0], first);
      if (second == WIDTH) store(c + r * c_row + WIDTH, acc[r][1]);
      else if (second > 0) STORE_PART(c + r * c_row + WIDTH, acc[r][1], second);
    }
  }
}

#define TILE_CASE(NARROW, R)                                                                              \
  case R:                                                                                                 \
    if (columns == 2 * WIDTH)                                                                             \
      tile(NARROW, R, 1, 2 * WIDTH, depth, a, a_row, a_depth, b, b_depth, c, c_row, accumulate);          \
    else                                                                                                  \
      tile(NARROW, R, 0, columns, depth, a, a_row, a_depth, b, b_depth, c, c_row, accumulate);            \
    break;
#if TILE_ROWS > 6
#define TILE_CASES(NARROW)                                                                                 \
  TILE_CASE(NARROW, 1) TILE_CASE(NARROW, 2) TILE_CASE(NARROW, 3) TILE_CASE(NARROW, 4)                      \
  TILE_CASE(NARROW, 5) TILE_CASE(NARROW, 6) TILE_CASE(NARROW, 7) TILE_CASE(NARROW, 8)                      \
  TILE_CASE(NARROW, 9) TILE_CASE(NARROW, 10) TILE_CASE(NARROW, 11) TILE_CASE(NARROW, 12)
#else
#define TILE_CASES(NARROW)                                                                                 \
  TILE_CASE(NARROW, 1) TILE_CASE(NARROW, 2) TILE_CASE(NARROW, 3) TILE_CASE(NARROW, 4)                      \
  TILE_CASE(NARROW, 5) TILE_CASE(NARROW, 6)
#endif

static void product(long rows, long columns, long depth, const float *a, long a_row, long a_depth, const float *b,
                    long b_depth, float *c, long c_row, int accumulate) {
  switch (rows) { TILE_CASES(0) }
}

#ifndef TILE_ROWS16
#define TILE_ROWS16 TILE_ROWS
#endif

#if defined(DOT2) && !defined(PRODUCT16)
#define PRODUCT16 product16
static void product16(long rows, long columns, long depth, const uint32_t *left, long a_row, long a_depth,
                      const uint32_t *right, long b_depth, float *c, long c_row, int accumulate) {
  const float *a = (const float *)left, *b = (const float *)right;  // moved as words, never computed with
  switch (rows) { TILE_CASES(1) }
}
#endif

// Packing

/// The upper half of each float, rounded to nearest, ties to even, in the lower half of a word; NaN stays NaN.
INLINE VW bfloat16_(V x) {
  VW bits = (VW)x, rounded = bits + 0x7FFF + ((bits >> 16) & 1), nan = (VW)(x != x);
  return ((rounded & ~nan) | ((bits | 0x400000) & nan)) >> 16;
}

/// The words (x[j], y[j]) as pairs of 16-bit floats, the first in the lower half.
INLINE VW pairs_(V x, V y) {
#ifdef NARROW2
  return INTERLEAVE_HALVES(NARROW2(x, y));
#else
  return bfloat16_(x) | bfloat16_(y) << 16;
#endif
}

static void interleave16(uint32_t *words, long words_row, const float *x, long x_row, long rows, long n) {
  for (long r = 0; r < rows; r += 2) {
    float *to = (float *)(words + r / 2 * words_row);
    const float *first = x + r * x_row, *second = first + x_row;
    FOR_VECTORS(n) put(to + i, (V)pairs_(get(first + i, part), r + 1 < rows ? get(second + i, part) : all(0)), part);
  }
}

static void copy_rows(float *y, long y_row, const float *x, long x_row, long rows, long n) {
  for (long r = 0; r < rows; r++) FOR_VECTORS(n) put(y + r * y_row + i, get(x + r * x_row + i, part), part);
}

static void narrow16(uint32_t *words, const float *x, long n) {
  long i = 0;
#ifdef NARROW2
  for (; i + 2 * WIDTH <= n; i += 2 * WIDTH) store((float *)(words + i / 2), NARROW2(load(x + i), load(x + i + WIDTH)));
#endif
  for (; i < n; i += 2) {
    V two = (V){x[i], i + 1 < n ? x[i + 1] : 0};
    VW halves = bfloat16_(two);
    words[i / 2] = halves[0] | halves[1] << 16;
  }
}

static void round16(float *y, const float *x, long n) {
  FOR_VECTORS(n) put(y + i, (V)(bfloat16_(get(x + i, part)) << 16), part);
}

// Lane l of the first of two rows exchanged at distance s, and of the second.
#define FIRST(l, s) (((l) & (s)) ? WIDTH + (l) - (s) : (l))
#define SECOND(l, s) (((l) & (s)) ? WIDTH + (l) : (l) + (s))
#define LANES8(F, l, s) F(l, s), F(l + 1, s), F(l + 2, s), F(l + 3, s), F(l + 4, s), F(l + 5, s), F(l + 6, s), F(l + 7, s)
#if WIDTH == 16
#define LANES(F, s) LANES8(F, 0, s), LANES8(F, 8, s)
#else
#define LANES(F, s) LANES8(F, 0, s)
#endif
#define EXCHANGE(s)                                                                 \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < WIDTH; i++) if (!(i & s)) { \
    V first = r[i], second = r[i + s];                                              \
    r[i] = __builtin_shufflevector(first, second, LANES(FIRST, s));                 \
    r[i + s] = __builtin_shufflevector(first, second, LANES(SECOND, s));            \
  }

/// A square of WIDTH × WIDTH words, rows and columns exchanged; `rows` and `columns` of the source are there.
INLINE void transpose_square(float *y, long y_row, const float *x, long x_row, long rows, long columns) {
  V r[WIDTH];
#pragma clang loop unroll(full)
  for (int i = 0; i < WIDTH; i++) r[i] = i < rows ? get(x + i * x_row, columns) : all(0);
  EXCHANGE(1)
  EXCHANGE(2)
  EXCHANGE(4)
#if WIDTH == 16
  EXCHANGE(8)
#endif
#pragma clang loop unroll(full)
  for (int i = 0; i < WIDTH; i++)
    if (i < columns) put(y + i * y_row, r[i], rows);
}

static void transpose(float *y, long y_row, const float *x, long x_row, long rows, long columns) {
  for (long i = 0; i < rows; i += WIDTH) {
    long height = rows - i < WIDTH ? rows - i : WIDTH;
    for (long j = 0; j < columns; j += WIDTH) {
      if (height == WIDTH && columns - j >= WIDTH)
        transpose_square(y + j * y_row + i, y_row, x + i * x_row + j, x_row, WIDTH, WIDTH);
      else
        transpose_square(y + j * y_row + i, y_row, x + i * x_row + j, x_row, height,
                         columns - j < WIDTH ? columns - j : WIDTH);
    }
  }
}

// Rows

static float maximum(const float *x, long n) {
  V m = all(-INFINITY);
  long i = 0;
  for (; i + WIDTH <= n; i += WIDTH) m = max_(m, load(x + i));
  float most = lanes_max(m);
  for (; i < n; i++) most = x[i] > most ? x[i] : most;
  return most;
}

static float exponentials(float *x, long n, float scale, float shift) {
  V total = all(0);
  FOR_VECTORS(n) {
    put(x + i, exp_(fma_(get(x + i, part), all(scale), all(-shift))), part);
    total += get(x + i, part);
  }
  return lanes_sum(total);
}

static float dot(const float *x, const float *y, long n) {
  V total = all(0);
  FOR_VECTORS(n) total = fma_(get(x + i, part), get(y + i, part), total);
  return lanes_sum(total);
}

static double sum_of_squares(const float *x, long n) {
  VD total = (VD){};
  FOR_VECTORS(n) {
    VD d = __builtin_convertvector(get(x + i, part), VD);
    total += d * d;
  }
  double sum = 0;
  for (int j = 0; j < WIDTH; j++) sum += total[j];
  return sum;
}

static void scale(float *x, float factor, long n) {
  FOR_VECTORS(n) put(x + i, get(x + i, part) * factor, part);
}

static void add(float *y, const float *x, long n) {
  FOR_VECTORS(n) put(y + i, get(y + i, part) + get(x + i, part), part);
}

static void add_scaled(float *y, const float *x, float factor, long n) {
  FOR_VECTORS(n) put(y + i, fma_(get(x + i, part), all(factor), get(y + i, part)), part);
}

static void add_column_sums(float *y, const float *x, long rows, long stride, long n) {
  FOR_VECTORS(n) {
    V total = get(y + i, part);
    for (long r = 0; r < rows; r++) total += get(x + r * stride + i, part);
    put(y + i, total, part);
  }
}

// Tiles of attention

#if WIDTH == 16
static const int32_t lane_numbers[WIDTH] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#else
static const int32_t lane_numbers[WIDTH] = {0, 1, 2, 3, 4, 5, 6, 7};
#endif

/// The first `part` lanes of v, the others from w.
INLINE V first_of(V v, V w, long part) {
  if (part == WIDTH) return v;
  VI numbers;
  memcpy(&numbers, lane_numbers, sizeof numbers);
  return select_((VI)(numbers < (VI){} + (int32_t)part), v, w);
}

/// The columns that row r of a tile sees.
INLINE long seen_of(const minigpt_visible *visible, long r, long columns) {
  long seen = visible->first + r * visible->step;
  return seen < 0 ? 0 : seen > columns ? columns : seen;
}

/// x = exp(scale · x - shift) for the first `seen` of n, 0 for the others; gives the sum.
INLINE float exponentials_of(float *x, long seen, long n, float scale, float shift) {
  V total = all(0);
  FOR_VECTORS(seen) {
    V e = first_of(exp_(fma_(get(x + i, part), all(scale), all(-shift))), all(0), part);
    put(x + i, e, part);
    total += e;
  }
  for (long i = seen; i < n; i++) x[i] = 0;
  return lanes_sum(total);
}

static void running_softmax(float *x, long x_row, long rows, long columns, const minigpt_visible *visible, float scale,
                            float *maxima, float *sums, float *shrink) {
  for (long start = 0; start < rows; start += WIDTH) {
    long count = rows - start < WIDTH ? rows - start : WIDTH;
    float change[WIDTH] = {0}, added[WIDTH] = {0};
    for (long j = 0; j < count; j++) {
      long r = start + j, seen = seen_of(visible, r, columns);
      float *row = x + r * x_row;
      V most = all(-INFINITY);
      FOR_VECTORS(seen) most = max_(most, first_of(get(row + i, part), all(-INFINITY), part));
      float now = scale * lanes_max(most), before = maxima[r];
      if (!(now > before)) now = before;
      if (seen > 0) {
        change[j] = before - now;
        maxima[r] = now;
      }
      added[j] = exponentials_of(row, seen, columns, scale, now);
    }
    V factors = exp_(load(change));
    put(shrink + start, factors, count);
    put(sums + start, fma_(get(sums + start, count), factors, load(added)), count);
  }
}

static void softmax_again(float *x, long x_row, long rows, long columns, const minigpt_visible *visible, float scale,
                          const float *shifts) {
  for (long r = 0; r < rows; r++)
    exponentials_of(x + r * x_row, seen_of(visible, r, columns), columns, scale, shifts[r]);
}

static void softmax_backward(float *dp, long dp_row, const float *p, long p_row, long rows, long n,
                             const float *deltas, float scale) {
  for (long r = 0; r < rows; r++) {
    float *d = dp + r * dp_row;
    const float *w = p + r * p_row;
    float delta = deltas[r];
    FOR_VECTORS(n) put(d + i, get(w + i, part) * (get(d + i, part) - delta) * scale, part);
  }
}

static void scale_rows(float *x, long x_row, long rows, long n, const float *factors) {
  for (long r = 0; r < rows; r++) {
    float factor = factors[r];
    if (factor != 1) FOR_VECTORS(n) put(x + r * x_row + i, get(x + r * x_row + i, part) * factor, part);
  }
}

// Layer norm

INLINE V normalized(V x, const float *statistics) { return (x - statistics[0]) * statistics[1]; }

static void layer_norm_again(float *y, const float *x, const float *gain, const float *bias, const float *statistics,
                             long n) {
  FOR_VECTORS(n)
  put(y + i, fma_(normalized(get(x + i, part), statistics), get(gain + i, part), get(bias + i, part)), part);
}

static void layer_norm(float *y, const float *x, const float *gain, const float *bias, float epsilon,
                       float *statistics, long n) {
  V sum = all(0), squares = all(0);
  FOR_VECTORS(n) sum += get(x + i, part);
  float mean = lanes_sum(sum) / (float)n;
  long i = 0;
  for (; i + WIDTH <= n; i += WIDTH) {
    V d = load(x + i) - mean;
    squares = fma_(d, d, squares);
  }
  float variance = lanes_sum(squares);
  for (; i < n; i++) variance += (x[i] - mean) * (x[i] - mean);
  statistics[0] = mean;
  statistics[1] = 1.0f / sqrtf(variance / (float)n + epsilon);
  layer_norm_again(y, x, gain, bias, statistics, n);
}

static void layer_norm_backward(float *dx, const float *dy, const float *x, const float *gain, const float *statistics,
                                long n) {
  // dx = rstd · (g - mean(g) - x̂ · mean(g · x̂)), g = gain · dy.
  V sum = all(0), sum_hat = all(0);
  FOR_VECTORS(n) {
    V g = get(gain + i, part) * get(dy + i, part);
    sum += g;
    sum_hat = fma_(g, normalized(get(x + i, part), statistics), sum_hat);
  }
  float mean = lanes_sum(sum) / (float)n, mean_hat = lanes_sum(sum_hat) / (float)n, rstd = statistics[1];
  FOR_VECTORS(n) {
    V g = get(gain + i, part) * get(dy + i, part), hat = normalized(get(x + i, part), statistics);
    put(dx + i, get(dx + i, part) + rstd * (g - mean - hat * mean_hat), part);
  }
}

static void layer_norm_parameters(float *dgain, float *dbias, const float *dy, long dy_stride, const float *x,
                                  long x_stride, const float *statistics, long rows, long n) {
  FOR_VECTORS(n) {
    V g = get(dgain + i, part), b = get(dbias + i, part);
    for (long r = 0; r < rows; r++) {
      V d = get(dy + r * dy_stride + i, part);
      g = fma_(d, normalized(get(x + r * x_stride + i, part), statistics + 2 * r), g);
      b += d;
    }
    put(dgain + i, g, part);
    put(dbias + i, b, part);
  }
}

// Activations

// gelu(x) = x · s(2u), s(z) = 1 / (1 + exp(-z)), u = √(2/π) · (x + 0.044715 x³): the tanh form, without cancellation.
#define GELU_2A 1.5957691216057308f
#define GELU_B 0.044715f

INLINE V gelu_sigmoid(V x) { return 1.0f / (1.0f + exp_(-GELU_2A * fma_(x * x * x, all(GELU_B), x))); }
INLINE V gelu_(V x) { return x * gelu_sigmoid(x); }
INLINE V gelu_slope(V x) {
  V s = gelu_sigmoid(x);
  return fma_(x * s * (1.0f - s), GELU_2A * fma_(x * x, all(3 * GELU_B), all(1)), s);
}

static void gelu(float *y, const float *x, long n) {
  FOR_VECTORS(n) put(y + i, gelu_(get(x + i, part)), part);
}

static void gelu_backward(float *dy, const float *x, long n) {
  FOR_VECTORS(n) put(dy + i, get(dy + i, part) * gelu_slope(get(x + i, part)), part);
}

static void relu(float *y, const float *x, long n) {
  FOR_VECTORS(n) {
    V v = get(x + i, part);
    put(y + i, select_((VI)(v < 0.0f), all(0), v), part);  // NaN stays NaN, which a maximum would hide
  }
}

static void relu_backward(float *dy, const float *x, long n) {
  FOR_VECTORS(n) put(dy + i, select_((VI)(get(x + i, part) > 0.0f), get(dy + i, part), all(0)), part);
}

// Dropout

/// The upper and lower halves of a · b.
INLINE VW multiply_high(VW a, uint32_t b, VW *low) {
  VQ product = __builtin_convertvector(a, VQ) * (uint64_t)b;
  *low = __builtin_convertvector(product, VW);
  return __builtin_convertvector(product >> 32, VW);
}

/// Bits for WIDTH blocks of eight elements: element e of block l is half e % 2 (low first) of words[l][e / 2].
INLINE void philox_blocks(const minigpt_random_row *row, uint32_t block, uint32_t words[WIDTH][4]) {
  VW c0, c1 = (VW){} + row->sample, c2 = (VW){} + row->site, c3 = (VW){} + row->step;
  for (int l = 0; l < WIDTH; l++) c0[l] = block + (uint32_t)l;
  uint32_t k0 = row->key[0], k1 = row->key[1];
  for (int round = 0; round < PHILOX_ROUNDS; round++) {
    VW low0, low1, high0 = multiply_high(c0, PHILOX_M0, &low0), high1 = multiply_high(c2, PHILOX_M1, &low1);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 += PHILOX_W0;
    k1 += PHILOX_W1;
  }
  for (int l = 0; l < WIDTH; l++) words[l][0] = c0[l], words[l][1] = c1[l], words[l][2] = c2[l], words[l][3] = c3[l];
}

static void dropout(float *x, const minigpt_random_row *row, uint32_t threshold, float factor, long n) {
  uint32_t words[WIDTH][4];
  uint16_t bits[8 * WIDTH];
  for (long start = 0; start < n; start += 8 * WIDTH) {
    philox_blocks(row, row->block + (uint32_t)(start / 8), words);
    memcpy(bits, words, sizeof bits);  // a pointer of the other type would be undefined, and came out as zeros
    long end = n - start < 8 * WIDTH ? n - start : 8 * WIDTH;
    for (long j = 0; j < end; j++) x[start + j] = bits[j] < threshold ? 0.0f : x[start + j] * factor;
  }
}

// AdamW

INLINE void adamw_lane(V *w, V g, V *m, V *v, const minigpt_adamw *how) {
  g *= how->gradient_scale;
  *m = fma_(all(how->beta1), *m, (1.0f - how->beta1) * g);
  *v = fma_(all(how->beta2), *v, (1.0f - how->beta2) * g * g);
  V root = __builtin_elementwise_sqrt(*v) * how->root_scale + how->epsilon;
  *w = *w * how->shrink - how->rate * *m / root;
}

static void adamw(float *weight, const float *gradient, float *first, float *second, const minigpt_adamw *how,
                  long n) {
  FOR_VECTORS(n) {
    V w = get(weight + i, part), m = get(first + i, part), v = get(second + i, part);
    adamw_lane(&w, get(gradient + i, part), &m, &v, how);
    put(weight + i, w, part);
    put(first + i, m, part);
    put(second + i, v, part);
  }
}

const minigpt_kernels TABLE = {
    .tile_rows = TILE_ROWS,
    .tile_columns = 2 * WIDTH,
    .tile_rows16 = TILE_ROWS16,
    .strips_by_rows = TILE_ROWS16 != TILE_ROWS,
    .product = product,
#ifdef PRODUCT16
    .product16 = PRODUCT16,
#endif
    .interleave16 = interleave16,
    .copy_rows = copy_rows,
    .narrow16 = narrow16,
    .round16 = round16,
    .transpose = transpose,
    .maximum = maximum,
    .exponentials = exponentials,
    .dot = dot,
    .sum_of_squares = sum_of_squares,
    .scale = scale,
    .add = add,
    .add_scaled = add_scaled,
    .add_column_sums = add_column_sums,
    .running_softmax = running_softmax,
    .softmax_again = softmax_again,
    .softmax_backward = softmax_backward,
    .scale_rows = scale_rows,
    .layer_norm = layer_norm,
    .layer_norm_again = layer_norm_again,
    .layer_norm_backward = layer_norm_backward,
    .layer_norm_parameters = layer_norm_parameters,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .relu = relu,
    .relu_backward = relu_backward,
    .dropout = dropout,
    .adamw = adamw,
};
