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

#include "TemplateProducts.h"

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

#include "TemplateAttention.h"

#include "TemplateNorms.h"

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
INLINE V gelu_back(V dy, V x) { return dy * gelu_slope(x); }

INLINE V relu_(V x) { return select_((VI)(x < 0.0f), all(0), x); }  // NaN stays NaN, which a maximum would hide
INLINE V relu_back(V dy, V x) { return select_((VI)(x > 0.0f), dy, all(0)); }

INLINE V relu2_(V x) { return relu_(x) * relu_(x); }
INLINE V relu2_back(V dy, V x) { return dy * (2.0f * relu_(x)); }

INLINE V silu_(V x) { return x / (1.0f + exp_(-x)); }
INLINE V silu_back(V dy, V x) {
  V s = 1.0f / (1.0f + exp_(-x));
  return dy * (s * fma_(x, 1.0f - s, all(1)));
}

#define ACTIVATION(NAME)                                                                             \
  static void NAME(float *y, const float *x, long n) {                                               \
    FOR_VECTORS(n) put(y + i, NAME##_(get(x + i, part)), part);                                      \
  }                                                                                                  \
  static void NAME##_backward(float *dy, const float *x, long n) {                                   \
    FOR_VECTORS(n) put(dy + i, NAME##_back(get(dy + i, part), get(x + i, part)), part);              \
  }                                                                                                  \
  static void NAME##_gate(float *y, const float *x, const float *factor, long n) {                   \
    FOR_VECTORS(n) put(y + i, NAME##_(get(x + i, part)) * get(factor + i, part), part);              \
  }                                                                                                  \
  static void NAME##_gate_backward(float *dy, float *dfactor, const float *x, const float *factor, long n) { \
    FOR_VECTORS(n) {                                                                                 \
      V d = get(dy + i, part), v = get(x + i, part);                                                 \
      put(dy + i, NAME##_back(d * get(factor + i, part), v), part);                                  \
      put(dfactor + i, d * NAME##_(v), part);                                                        \
    }                                                                                                \
  }

ACTIVATION(gelu)
ACTIVATION(relu)
ACTIVATION(relu2)
ACTIVATION(silu)
#define ACTIVATION_TABLE(NAME) {NAME, NAME##_backward, NAME##_gate, NAME##_gate_backward}

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
  V shrink = all(how->shrink);
  if (how->cautious) shrink = select_(*m * *w >= 0, shrink, all(1.0f));
  *w = *w * shrink - how->rate * *m / root;
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
    .rms_norm = rms_norm,
    .rms_norm_again = rms_norm_again,
    .rms_norm_backward = rms_norm_backward,
    .rms_norm_parameters = rms_norm_parameters,
    .turn_heads = turn_heads,
    .turn_heads_backward = turn_heads_backward,
    .gelu = ACTIVATION_TABLE(gelu),
    .relu = ACTIVATION_TABLE(relu),
    .relu2 = ACTIVATION_TABLE(relu2),
    .silu = ACTIVATION_TABLE(silu),
    .dropout = dropout,
    .adamw = adamw,
};
