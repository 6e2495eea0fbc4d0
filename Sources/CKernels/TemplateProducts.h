// The tile of a product and the layout of its factors: a part of `Template.h`.

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
