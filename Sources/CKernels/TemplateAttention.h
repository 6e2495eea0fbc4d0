// What attention does with a tile of scores: a part of `Template.h`.

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
