// Norms of rows, and of heads, which are turned as well: a part of `Template.h`.

// Layer norm

INLINE V normalized(V x, const float *statistics) { return (x - statistics[0]) * statistics[1]; }

static void layer_norm_again(float *y, const float *x, const float *gain, const float *bias, const float *statistics,
                             long n) {
  FOR_VECTORS(n) {
    V b = bias ? get(bias + i, part) : all(0);
    put(y + i, fma_(normalized(get(x + i, part), statistics), get(gain + i, part), b), part);
  }
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
    V g = get(dgain + i, part), b = dbias ? get(dbias + i, part) : all(0);
    for (long r = 0; r < rows; r++) {
      V d = get(dy + r * dy_stride + i, part);
      g = fma_(d, normalized(get(x + r * x_stride + i, part), statistics + 2 * r), g);
      b += d;
    }
    put(dgain + i, g, part);
    if (dbias) put(dbias + i, b, part);
  }
}

// RMS norm

static void rms_norm_again(float *y, const float *x, const float *gain, const float *rstd, long n) {
  FOR_VECTORS(n) put(y + i, get(x + i, part) * rstd[0] * get(gain + i, part), part);
}

/// 1 / sqrt(mean of the squares + epsilon)
INLINE float inverse_rms(const float *x, float epsilon, long n) {
  V squares = all(0);
  FOR_VECTORS(n) squares = fma_(get(x + i, part), get(x + i, part), squares);
  return 1.0f / sqrtf(lanes_sum(squares) / (float)n + epsilon);
}

static void rms_norm(float *y, const float *x, const float *gain, float epsilon, float *rstd, long n) {
  rstd[0] = inverse_rms(x, epsilon, n);
  rms_norm_again(y, x, gain, rstd, n);
}

static void rms_norm_backward(float *dx, const float *dy, const float *x, const float *gain, const float *rstd,
                              long n) {
  // dx = rstd · (g - x̂ · mean(g · x̂)), g = gain · dy, x̂ = rstd · x.
  V sum = all(0);
  FOR_VECTORS(n) sum = fma_(get(gain + i, part) * get(dy + i, part), get(x + i, part), sum);
  float r = rstd[0], pull = lanes_sum(sum) / (float)n * r * r;
  FOR_VECTORS(n) {
    V g = get(gain + i, part) * get(dy + i, part);
    put(dx + i, fma_(all(r), g - get(x + i, part) * pull, get(dx + i, part)), part);
  }
}

static void rms_norm_parameters(float *dgain, const float *dy, long dy_stride, const float *x, long x_stride,
                                const float *rstd, long rows, long n) {
  FOR_VECTORS(n) {
    V g = get(dgain + i, part);
    for (long r = 0; r < rows; r++)
      g = fma_(get(dy + r * dy_stride + i, part), get(x + r * x_stride + i, part) * rstd[r], g);
    put(dgain + i, g, part);
  }
}

// Heads of queries and keys

/// The vectors of half a head: index `i` in the first half, `j` in the second.
#define FOR_HALVES(half) for (long i = 0, j = (half), part = (half) < WIDTH ? (half) : WIDTH; i < (half); \
                              i += WIDTH, j += WIDTH, part = (half) - i < WIDTH ? (half) - i : WIDTH)

static void turn_heads(float *y, const float *x, const float *gain, const float *turn, float epsilon, long heads,
                       long width) {
  long half = width / 2;
  for (long h = 0; h < heads; h++, x += width, y += width) {
    const float *from = x;
    if (gain) {
      float rstd = inverse_rms(x, epsilon, width);
      rms_norm_again(y, x, gain, &rstd, width);
      from = y;
    }
    if (turn) FOR_HALVES(half) {
      V a = get(from + i, part), b = get(from + j, part), c = get(turn + i, part), s = get(turn + j, part);
      put(y + i, a * c - b * s, part);
      put(y + j, b * c + a * s, part);
    }
  }
}

static void turn_heads_backward(float *dx, const float *x, const float *gain, float *dgain, const float *turn,
                                float epsilon, long heads, long width) {
  long half = width / 2;
  for (long h = 0; h < heads; h++, x += width, dx += width) {
    if (turn) FOR_HALVES(half) {
      V a = get(dx + i, part), b = get(dx + j, part), c = get(turn + i, part), s = get(turn + j, part);
      put(dx + i, a * c + b * s, part);
      put(dx + j, b * c - a * s, part);
    }
    if (!gain) continue;
    V sum = all(0);
    float r = inverse_rms(x, epsilon, width);
    FOR_VECTORS(width) {
      V d = get(dx + i, part), hat = get(x + i, part) * r;
      put(dgain + i, fma_(d, hat, get(dgain + i, part)), part);
      sum = fma_(get(gain + i, part) * d, hat, sum);
    }
    float mean = lanes_sum(sum) / (float)width;
    FOR_VECTORS(width) {
      V g = get(gain + i, part) * get(dx + i, part), hat = get(x + i, part) * r;
      put(dx + i, (g - hat * mean) * r, part);
    }
  }
}
