// Products of few rows, over vectors of WIDTH floats; each instruction set includes this file with its own WIDTH,
// LOAD_PART(p, n), STORE_PART(p, v, n), BROADCAST_ROWS, and the macros of the packed types.
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float V __attribute__((vector_size(WIDTH * 4)));
typedef float VU __attribute__((vector_size(WIDTH * 4), aligned(4)));
typedef int32_t VI __attribute__((vector_size(WIDTH * 4)));
typedef uint32_t VW __attribute__((vector_size(WIDTH * 4)));

INLINE V load(const float *p) { return *(const VU *)p; }
INLINE V all(float x) { return x - (V){}; }
INLINE V fma_(V a, V b, V c) { return __builtin_elementwise_fma(a, b, c); }
INLINE V get(const float *p, long part) { return part >= WIDTH ? load(p) : LOAD_PART(p, part); }
INLINE void put(float *p, V v, long part) {
  if (part >= WIDTH) *(VU *)p = v;
  else if (part > 0) STORE_PART(p, v, part);
}
INLINE float lanes_sum(V v) {
  for (int half = WIDTH / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) v[i] += v[i + half];
  return v[0];
}

// Weights in fp32, where they lie

/// Eight rows of w at a time, so that memory is read in eight long streams; the sums wait in the cache.
#define STREAMS 8

INLINE void rows_product_step(long rows, long columns, const int streams, const float *x, long x_row, const float *w,
                              long w_row, float *out, long out_row, int first) {
  for (long j = 0; j < columns; j += WIDTH) {
    long part = columns - j;
    V b[STREAMS];
    UNROLL for (int s = 0; s < streams; s++) {
      b[s] = get(w + s * w_row + j, part);
      __builtin_prefetch(w + (s + STREAMS) * w_row + j, 0, 3);
    }
    for (long r = 0; r < rows; r++) {
      V sum = first ? all(0) : get(out + r * out_row + j, part);
      UNROLL for (int s = 0; s < streams; s++) sum = fma_(all(x[r * x_row + s]), b[s], sum);
      put(out + r * out_row + j, sum, part);
    }
  }
}

/// One row and a few columns: the sums stay in registers.
INLINE void rows_product_narrow(const int vectors, long columns, long depth, const float *x, const float *w, long w_row,
                                float *out) {
  V sum[8];
  long last = columns - (vectors - 1) * WIDTH;
  UNROLL for (int v = 0; v < vectors; v++) sum[v] = all(0);
  for (long k = 0; k < depth; k++) {
    const float *row = w + k * w_row;
    V a = all(x[k]);
    UNROLL for (int v = 0; v < vectors; v++)
        sum[v] = fma_(a, v == vectors - 1 ? get(row + v * WIDTH, last) : load(row + v * WIDTH), sum[v]);
  }
  UNROLL for (int v = 0; v < vectors; v++) put(out + v * WIDTH, sum[v], columns - v * WIDTH);
}

static void rows_product(long rows, long columns, long depth, const float *x, long x_row, const float *w, long w_row,
                         float *out, long out_row) {
  long k = 0;
#define NARROW(vectors) \
  case vectors: return rows_product_narrow(vectors, columns, depth, x, w, w_row, out);
  if (rows == 1) switch ((columns + WIDTH - 1) / WIDTH) {
      NARROW(1) NARROW(2) NARROW(3) NARROW(4) NARROW(5) NARROW(6) NARROW(7) NARROW(8)
    }
  if (depth == 0)
    for (long r = 0; r < rows; r++) memset(out + r * out_row, 0, (size_t)columns * sizeof(float));
  for (; k + STREAMS <= depth; k += STREAMS)
    rows_product_step(rows, columns, STREAMS, x + k, x_row, w + k * w_row, w_row, out, out_row, k == 0);
  for (; k < depth; k++) rows_product_step(rows, columns, 1, x + k, x_row, w + k * w_row, w_row, out, out_row, k == 0);
}

INLINE void dots_tile(const int rows, const int count, long depth, const float *x, long x_row, const float *table,
                      long table_row, float *out, long out_row) {
  V sum[4][4];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int j = 0; j < count; j++) sum[r][j] = all(0);
  for (long k = 0; k < depth; k += WIDTH) {
    V b[4];
    UNROLL for (int j = 0; j < count; j++) b[j] = get(table + j * table_row + k, depth - k);
    UNROLL for (int r = 0; r < rows; r++) {
      V a = get(x + r * x_row + k, depth - k);
      UNROLL for (int j = 0; j < count; j++) sum[r][j] = fma_(a, b[j], sum[r][j]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++)
      UNROLL for (int j = 0; j < count; j++) out[r * out_row + j] = lanes_sum(sum[r][j]);
}

#define DOTS_ROWS (WIDTH == 16 ? 4 : 2)
#define DOTS_CASE(R)                                                                              \
  if (left >= R) {                                                                                \
    if (wide) dots_tile(R, 4, depth, x + r * x_row, x_row, t, table_row, o + r * out_row, out_row); \
    else dots_tile(R, 1, depth, x + r * x_row, x_row, t, table_row, o + r * out_row, out_row);    \
    r += R;                                                                                       \
    continue;                                                                                     \
  }

static void dots(long rows, long count, long depth, const float *x, long x_row, const float *table, long table_row,
                 float *out, long out_row) {
  for (long j = 0; j < count;) {
    int wide = j + 4 <= count;
    const float *t = table + j * table_row;
    float *o = out + j;
    for (long r = 0; r < rows;) {
      long left = rows - r;
#if WIDTH == 16
      DOTS_CASE(4)
#endif
      DOTS_CASE(2)
      DOTS_CASE(1)
    }
    j += wide ? 4 : 1;
  }
}

// Packed weights

/// Vectors of a panel.
#define VECTORS (MINIGPT_PANEL / WIDTH)

INLINE void put_panels(const int rows, const int panels, V sum[][4][VECTORS], float *out, long out_row, long columns) {
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int p = 0; p < panels; p++)
      UNROLL for (int v = 0; v < VECTORS; v++) {
    long column = p * MINIGPT_PANEL + v * WIDTH;
    put(out + r * out_row + column, sum[r][p][v], columns - column);
  }
}

#define CLEAR(rows, panels, sum)                                                                     \
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int p = 0; p < panels; p++)                      \
      UNROLL for (int v = 0; v < VECTORS; v++) sum[r][p][v] = all(0);

INLINE void tile_bf16(const int rows, const int panels, long columns, long depth, const uint16_t *x, long x_row,
                      const uint16_t *w, float *out, long out_row) {
  long pairs = (depth + 1) / 2, panel = pairs * 2 * MINIGPT_PANEL;
  V sum[TILE_ROWS][4][VECTORS];
  CLEAR(rows, panels, sum)
  for (long k = 0; k < pairs; k++) {
    UNROLL for (int p = 0; p < panels; p++) UNROLL for (int v = 0; v < VECTORS; v++) {
      BF16_WEIGHTS(b, w + p * panel + (k * MINIGPT_PANEL + v * WIDTH) * 2);
      UNROLL for (int r = 0; r < rows; r++) {
        uint32_t pair;
        memcpy(&pair, x + r * x_row + 2 * k, 4);
        BF16_ADD(sum[r][p][v], pair, b);
      }
    }
  }
  put_panels(rows, panels, sum, out, out_row, columns);
}

/// For weights of one number each, which WEIGHTS makes WIDTH floats of.
#define NUMBERS_TILE(name, type, WEIGHTS)                                                                             \
  INLINE void name(const int rows, const int panels, long columns, long depth, const float *x, long x_row,            \
                   const type *w, float *out, long out_row) {                                                         \
    long panel = depth * MINIGPT_PANEL;                                                                               \
    V sum[TILE_ROWS][4][VECTORS];                                                                                     \
    CLEAR(rows, panels, sum)                                                                                          \
    for (long k = 0; k < depth; k++) {                                                                                \
      UNROLL for (int p = 0; p < panels; p++) UNROLL for (int v = 0; v < VECTORS; v++) {                              \
        V b = WEIGHTS(w + p * panel + k * MINIGPT_PANEL + v * WIDTH);                                                 \
        UNROLL for (int r = 0; r < rows; r++) sum[r][p][v] = fma_(all(x[r * x_row + k]), b, sum[r][p][v]);            \
      }                                                                                                               \
    }                                                                                                                 \
    put_panels(rows, panels, sum, out, out_row, columns);                                                             \
  }
NUMBERS_TILE(tile_fp32, float, load)
NUMBERS_TILE(tile_f16, uint16_t, F16_WEIGHTS)

/// A block's scales and its 64 inputs of 32 columns.
#define INT8_BLOCK_BYTES (MINIGPT_PANEL * 4 + MINIGPT_BLOCK * MINIGPT_PANEL)

INLINE void tile_int8(const int rows, const int panels, long columns, long blocks, const int8_t *x,
                      const float *scales, const int32_t *sums, const uint8_t *w, float *out, long out_row) {
  V sum[INT8_ROWS][4][VECTORS];
  CLEAR(rows, panels, sum)
  for (long k = 0; k < blocks; k++) {
    const uint8_t *block = w + k * INT8_BLOCK_BYTES;
    VI dot[INT8_ROWS][4][VECTORS];
    INT8_DOTS(rows, panels, dot, block, blocks * INT8_BLOCK_BYTES, x + k * MINIGPT_BLOCK, blocks * MINIGPT_BLOCK,
              sums + 2 * k, 2 * blocks);
    UNROLL for (int p = 0; p < panels; p++) UNROLL for (int v = 0; v < VECTORS; v++) {
      V b = load((const float *)(block + p * blocks * INT8_BLOCK_BYTES) + v * WIDTH);
      UNROLL for (int r = 0; r < rows; r++)
          sum[r][p][v] = fma_(__builtin_convertvector(dot[r][p][v], V), b * scales[r * blocks + k], sum[r][p][v]);
    }
  }
  put_panels(rows, panels, sum, out, out_row, columns);
}

/// The scales of a block's halves and its 64 inputs of 32 columns, two to a byte.
#define INT4_BLOCK_BYTES (MINIGPT_PANEL * 4 + MINIGPT_BLOCK / 2 * MINIGPT_PANEL)

INLINE void tile_int4(const int rows, const int panels, long columns, long blocks, const int8_t *x,
                      const float *scales, const int32_t *sums, const uint8_t *w, float *out, long out_row) {
  V sum[INT4_ROWS][4][VECTORS];
  CLEAR(rows, panels, sum)
  for (long k = 0; k < blocks; k++) {
    const uint8_t *block = w + k * INT4_BLOCK_BYTES;
    VI dot[2][INT4_ROWS][4][VECTORS];
    INT4_DOTS(rows, panels, dot, block, blocks * INT4_BLOCK_BYTES, x + k * MINIGPT_BLOCK, blocks * MINIGPT_BLOCK,
              sums + 2 * k, 2 * blocks);
    UNROLL for (int half = 0; half < 2; half++) UNROLL for (int p = 0; p < panels; p++)
        UNROLL for (int v = 0; v < VECTORS; v++) {
      const uint8_t *own = block + p * blocks * INT4_BLOCK_BYTES + half * 2 * MINIGPT_PANEL;
      V b = F16_WEIGHTS((const uint16_t *)own + v * WIDTH);
      UNROLL for (int r = 0; r < rows; r++)
          sum[r][p][v] = fma_(__builtin_convertvector(dot[half][r][p][v], V), b * scales[r * blocks + k], sum[r][p][v]);
    }
  }
  put_panels(rows, panels, sum, out, out_row, columns);
}

/// Rows in groups, and for a few rows several panels at once: enough sums that do not wait for each other.
#define FOR_TILES(limit, wide, tile_of, panel_size)                      \
  for (long j = 0; j < columns;) {                                       \
    long left = columns - j, panels = 1;                                 \
    const TYPE *panel = w + j / MINIGPT_PANEL * (panel_size);            \
    if (rows == 1 && left > 3 * MINIGPT_PANEL) panels = wide;            \
    else if (rows <= limit / 3 && left > MINIGPT_PANEL) panels = wide / 2; \
    for (long r = 0; r < rows;) {                                        \
      long group = rows - r < limit ? rows - r : limit;                  \
      tile_of                                                            \
      r += group;                                                        \
    }                                                                    \
    j += panels * MINIGPT_PANEL;                                         \
  }
