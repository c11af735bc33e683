/* The products of rmsnet/network/spectral.py for a CPU with AVX-512 and its bfloat16 instructions; called by rmsnet/network/kernels.py.

   A bfloat16 instruction multiplies and adds *pairs*, out[i] += a[i].low * b[i].low + a[i].high * b[i].high in float32.
   One operand of each product is therefore laid out in pairs, here as an int32, of two numbers that follow each other
   along the axis that is summed over, a panel of 64 columns at a time. What general libraries cannot know is where a
   pair comes from: the response of the taps at a frequency is formed as pairs, in the cache, and multiplied by at once.

   Every output is the work of one thread, in one order: results do not depend on the number of threads. */

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>
#include <stdint.h>

typedef uint16_t bfloat16;
typedef int32_t pair;

enum {
    LANES = 16,
    PANEL = 64,
    VECTORS = PANEL / LANES,
    WIDE = 256, /* numbers that fill half the registers */
    ROWS = 6,   /* of a panel fill most of the registers */
    STEP = 4,   /* rows that divide a tile of 16 */
    GROUP = 3,  /* frequencies that one pass over the taps responds to */
    TAPS = 9,
    TAP_PAIRS = (TAPS + 1) / 2
};

#define AVX __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#define INLINE static inline __attribute__((always_inline)) AVX
#define ALIGNED __attribute__((aligned(64)))

int supported(void) {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
}

INLINE __m512 multiply_add(__m512 sum, pair factor, __m512bh pairs) {
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32(factor), pairs);
}

INLINE __m512bh load(const pair *from) { return (__m512bh)_mm512_loadu_si512(from); }

INLINE __m512i rounded(__m512 first, __m512 second) { return (__m512i)_mm512_cvtne2ps_pbh(second, first); }

/* The low and high halves of 16 pairs. */
INLINE __m512i pairs_of(__m512 low, __m512 high) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, rounded(low, high));
}

/* A panel of two rows as pairs; no second row: zeros. */
INLINE void pair_rows(const bfloat16 *first, const bfloat16 *second, pair *out) {
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6,
                                         37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    for (int v = 0; v < 2; v++) {
        __m512i a = _mm512_loadu_si512(first + 32 * v);
        __m512i b = second ? _mm512_loadu_si512(second + 32 * v) : _mm512_setzero_si512();
        _mm512_storeu_si512(out + 32 * v, _mm512_permutex2var_epi16(a, low, b));
        _mm512_storeu_si512(out + 32 * v + 16, _mm512_permutex2var_epi16(a, high, b));
    }
}

/* sum[r] = Σ_k a[r * of_row + k * of_pair] · b[k], for up to 6 rows and a panel of columns. */
INLINE void product(int rows, long pairs, const pair *a, long of_row, long of_pair, const pair *b,
                    __m512 sum[ROWS][VECTORS]) {
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECTORS; v++) sum[r][v] = _mm512_setzero_ps();
    for (long k = 0; k < pairs; k++, a += of_pair, b += PANEL) {
        __m512bh column[VECTORS];
        for (int v = 0; v < VECTORS; v++) column[v] = load(b + LANES * v);
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < VECTORS; v++) sum[r][v] = multiply_add(sum[r][v], a[r * of_row], column[v]);
    }
}

INLINE void rows_of_panel(int rows, long pairs, const pair *a, const pair *b, const float *bias, bfloat16 *out,
                          long of_out) {
    __m512 sum[ROWS][VECTORS];
    product(rows, pairs, a, pairs, 1, b, sum);
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECTORS; v++)
            if (bias) {
                __m512 y = _mm512_add_ps(sum[r][v], _mm512_loadu_ps(bias + LANES * v));
                sum[r][v] = _mm512_max_ps(_mm512_setzero_ps(), y); /* in this order NaN stays NaN */
            }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECTORS; v += 2)
            _mm512_storeu_si512(out + r * of_out + LANES * v, rounded(sum[r][v], sum[r][v + 1]));
}

/* A panel of a @ b; with a bias: of ReLU(a @ b + bias). a has rows of so many pairs. */
AVX static void panel(long rows, long pairs, const pair *a, const pair *b, const float *bias, bfloat16 *out,
                      long of_out) {
    for (; rows >= ROWS; rows -= ROWS, a += ROWS * pairs, out += ROWS * of_out)
        rows_of_panel(ROWS, pairs, a, b, bias, out, of_out);
    switch (rows) { /* each with a number of registers that is known */
    case 5: rows_of_panel(5, pairs, a, b, bias, out, of_out); break;
    case 4: rows_of_panel(4, pairs, a, b, bias, out, of_out); break;
    case 3: rows_of_panel(3, pairs, a, b, bias, out, of_out); break;
    case 2: rows_of_panel(2, pairs, a, b, bias, out, of_out); break;
    case 1: rows_of_panel(1, pairs, a, b, bias, out, of_out); break;
    }
}

/* out (rows, columns) = matrix (rows, pairs) @ x (inner, columns), where pairs = ceil(inner / 2). With a bias
   (channels): ReLU(... + bias), the same for every `channels` columns. */
AVX void transform(const pair *matrix, const bfloat16 *x, const float *bias, bfloat16 *out, long rows, long inner,
                   long columns, long channels) {
    long pairs = (inner + 1) / 2;
#pragma omp parallel for schedule(static)
    for (long c = 0; c < columns; c += PANEL) {
        pair of_x[pairs * PANEL] ALIGNED;
        for (long k = 0; k < pairs; k++) {
            const bfloat16 *row = x + 2 * k * columns + c;
            pair_rows(row, 2 * k + 1 < inner ? row + columns : 0, of_x + k * PANEL);
        }
        panel(rows, pairs, matrix, of_x, bias ? bias + c % channels : 0, out + c, columns);
    }
}

/* (TAPS, numbers) as pairs of taps, (TAP_PAIRS, numbers); the last has no second. */
AVX void pair_taps(const float *taps, pair *out, long numbers) {
#pragma omp parallel for schedule(static) collapse(2)
    for (int j = 0; j < TAP_PAIRS; j++)
        for (long i = 0; i < numbers; i += LANES) {
            const float *low = taps + 2 * j * numbers + i;
            __m512 high = 2 * j + 1 < TAPS ? _mm512_loadu_ps(low + numbers) : _mm512_setzero_ps();
            _mm512_storeu_si512(out + j * numbers + i, pairs_of(_mm512_loadu_ps(low), high));
        }
}

/* A panel of the responses of the taps at some frequencies: (frequencies, inputs / 2, PANEL) pairs along the inputs. */
INLINE void respond(int frequencies, const pair *of_taps, const pair *taps, long inputs, long outputs, pair *out) {
    for (long i = 0; i < inputs; i += 2)
        for (int v = 0; v < VECTORS; v++) {
            const pair *here = taps + i * outputs + LANES * v;
            __m512 low[GROUP], high[GROUP];
            for (int f = 0; f < frequencies; f++) low[f] = high[f] = _mm512_setzero_ps();
            for (int j = 0; j < TAP_PAIRS; j++, here += inputs * outputs)
                for (int f = 0; f < frequencies; f++) {
                    low[f] = multiply_add(low[f], of_taps[f * TAP_PAIRS + j], load(here));
                    high[f] = multiply_add(high[f], of_taps[f * TAP_PAIRS + j], load(here + outputs));
                }
            for (int f = 0; f < frequencies; f++)
                _mm512_store_si512(out + (f * inputs / 2 + i / 2) * PANEL + LANES * v, pairs_of(low[f], high[f]));
        }
}

/* out[p] (batch, outputs) = x[p] (batch, inputs) @ Σ_k of_taps[p, k] taps[k] (inputs, outputs), for each of P products;
   of_taps (P, TAP_PAIRS) and taps (TAP_PAIRS, inputs, outputs) in pairs of taps. */
AVX void multiply(const pair *of_taps, const pair *taps, const bfloat16 *x, bfloat16 *out, long products, long batch,
                  long inputs, long outputs) {
    long size = inputs / 2 * PANEL;
#pragma omp parallel for schedule(static) collapse(2)
    for (long c = 0; c < outputs; c += PANEL)
        for (long first = 0; first < products; first += GROUP) {
            pair responses[GROUP * size] ALIGNED;
            long last = first + GROUP < products ? first + GROUP : products;
            if (last - first == GROUP)
                respond(GROUP, of_taps + first * TAP_PAIRS, taps + c, inputs, outputs, responses);
            else
                for (long p = first; p < last; p++)
                    respond(1, of_taps + p * TAP_PAIRS, taps + c, inputs, outputs, responses + (p - first) * size);
            for (long p = first; p < last; p++)
                panel(batch, inputs / 2, (const pair *)(x + p * batch * inputs), responses + (p - first) * size, 0,
                      out + p * batch * outputs + c, outputs);
        }
}

/* Rows of x (P, batch, columns) in pairs, panel by panel: (P, columns / PANEL, ceil(batch / 2), PANEL). */
AVX void pair_batch(const bfloat16 *x, pair *out, long products, long batch, long columns) {
    long pairs = (batch + 1) / 2;
#pragma omp parallel for schedule(static)
    for (long p = 0; p < products; p++)
        for (long c = 0; c < columns; c += PANEL)
            for (long k = 0; k < pairs; k++) {
                const bfloat16 *row = x + (p * batch + 2 * k) * columns + c;
                pair_rows(row, 2 * k + 1 < batch ? row + columns : 0, out + (p * columns + c) * pairs + k * PANEL);
            }
}

/* taps (TAPS, inputs, outputs) = Σ_p of_taps[k, p] x[p]' @ gradient[p]; of_taps (TAPS, ceil(P / 2)) in pairs of
   products, x and gradient as `pair_batch` leaves them. */
AVX void taps_gradient(const pair *of_taps, const pair *x, const pair *gradient, float *taps, long products, long batch,
                       long inputs, long outputs) {
    long pairs = (batch + 1) / 2, halves = (products + 1) / 2;
#pragma omp parallel for schedule(static) collapse(2)
    for (long c = 0; c < outputs; c += PANEL)
        for (long r = 0; r < inputs; r += LANES) {
            pair tiles[halves][LANES][PANEL] ALIGNED; /* of two products each */
            const pair *left = x + (r - r % PANEL) * pairs + r % PANEL, *right = gradient + c * pairs;
            for (long h = 0; h < halves; h++, left += 2 * pairs * inputs, right += 2 * pairs * outputs)
                for (int t = 0; t < LANES; t += STEP) {
                    __m512 sum[ROWS][VECTORS];
                    float first[STEP][PANEL] ALIGNED;
                    product(STEP, pairs, left + t, 1, PANEL, right, sum);
                    for (int s = 0; s < STEP; s++)
                        for (int v = 0; v < VECTORS; v++) {
                            _mm512_store_ps(&first[s][LANES * v], sum[s][v]);
                            sum[s][v] = _mm512_setzero_ps();
                        }
                    if (2 * h + 1 < products)
                        product(STEP, pairs, left + pairs * inputs + t, 1, PANEL, right + pairs * outputs, sum);
                    for (int s = 0; s < STEP; s++)
                        for (int v = 0; v < VECTORS; v++)
                            _mm512_store_si512(&tiles[h][t + s][LANES * v],
                                               pairs_of(_mm512_load_ps(&first[s][LANES * v]), sum[s][v]));
                }
            for (int t = 0; t < LANES; t++)
                for (int v = 0; v < VECTORS; v++) {
                    __m512 tap[TAPS];
                    for (int k = 0; k < TAPS; k++) tap[k] = _mm512_setzero_ps();
                    for (long h = 0; h < halves; h++)
                        for (int k = 0; k < TAPS; k++)
                            tap[k] = multiply_add(tap[k], of_taps[k * halves + h], load(&tiles[h][t][LANES * v]));
                    for (int k = 0; k < TAPS; k++)
                        _mm512_storeu_ps(taps + (k * inputs + r + t) * outputs + c + LANES * v, tap[k]);
                }
        }
}

/* 32 bfloat16 as float32: the even ones and the odd ones. */
INLINE void widen(const bfloat16 *from, __m512 *even, __m512 *odd) {
    __m512i pairs = _mm512_loadu_si512(from);
    *even = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
    *odd = _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(0xffff0000)));
}

INLINE __m512i mixed(__m512i x, int shift, int factor) {
    return _mm512_mullo_epi32(_mm512_xor_si512(x, _mm512_srli_epi32(x, shift)), _mm512_set1_epi32(factor));
}

/* 32 numbers of 16 bits for each place: a hash of it and of the two halves of the seed. */
INLINE __m512i draws(long place, long seed) {
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i x = _mm512_add_epi32(lanes, _mm512_set1_epi32((int)(place + seed)));
    x = mixed(mixed(x, 16, 0x7feb352d), 15, 0x846ca68b);
    x = _mm512_xor_si512(x, _mm512_set1_epi32((int)(seed >> 32)));
    x = mixed(mixed(x, 16, 0x7feb352d), 15, 0x846ca68b);
    return _mm512_xor_si512(x, _mm512_srli_epi32(x, 16));
}

/* The maximum over time of y (frames, batch, channels) >= 0 and the first frame that has it, (batch, channels), after
   numbers were set to 0 with a probability of rate / 2^16. */
AVX void peak(const bfloat16 *y, pair *maximum, pair *frame, long frames, long batch, long channels, long rate,
              long seed) {
    const __m512i low = _mm512_set1_epi32(0xffff);
    const __m512i least = _mm512_set1_epi32((int)rate);
#pragma omp parallel for schedule(static)
    for (long b = 0; b < batch; b++)
        for (long c = 0; c < channels; c += 2 * LANES) {
            __m512 best[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, not_finite[2] = {best[0], best[1]};
            __m512i where[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
            for (long t = 0; t < frames; t++) {
                __m512 x[2];
                long place = (t * batch + b) * channels + c;
                widen(y + place, &x[0], &x[1]);
                __m512i draw = draws(place / 2, seed);
                __mmask16 kept[2] = {_mm512_cmpge_epu32_mask(_mm512_and_si512(draw, low), least),
                                     _mm512_cmpge_epu32_mask(_mm512_srli_epi32(draw, 16), least)};
                for (int o = 0; o < 2; o++) {
                    __mmask16 better = _mm512_mask_cmp_ps_mask(kept[o], x[o], best[o], _CMP_GT_OQ);
                    best[o] = _mm512_mask_mov_ps(best[o], better, x[o]);
                    where[o] = _mm512_mask_mov_epi32(where[o], better, _mm512_set1_epi32((int)t));
                    not_finite[o] = _mm512_fmadd_ps(x[o], _mm512_setzero_ps(), not_finite[o]); /* 0, or NaN */
                }
            }
            long to = (b * channels + c) / 2;
            _mm512_storeu_si512(maximum + to, pairs_of(_mm512_add_ps(best[0], not_finite[0]),
                                                       _mm512_add_ps(best[1], not_finite[1])));
            _mm512_storeu_si512(frame + to, _mm512_or_si512(where[0], _mm512_slli_epi32(where[1], 16)));
        }
}

/* The gradient of what a maximum over time of convolved frames x was taken of: gradient (batch, outputs) arrives at one
   frame of each clip and channel, and at the TAPS rows of x around it. taps (TAP_PAIRS, outputs, inputs) in pairs of
   taps, of_x (frames, batch, inputs). */
AVX void sparse_x_gradient(const float *gradient, const int16_t *frame, const pair *taps, bfloat16 *of_x, long frames,
                           long batch, long inputs, long outputs) {
#pragma omp parallel for schedule(static) collapse(2)
    for (long b = 0; b < batch; b++)
        for (long i = 0; i < inputs; i += PANEL) {
            float sums[frames + 2 * TAP_PAIRS - 1][PANEL] ALIGNED;
            for (long n = 0; n < (frames + 2 * TAP_PAIRS - 1) * PANEL; n++) sums[0][n] = 0;
            for (long o = 0; o < outputs; o++) {
                __m512 factor = _mm512_set1_ps(gradient[b * outputs + o]);
                for (long j = 0; j < TAP_PAIRS; j++)
                    for (int v = 0; v < VECTORS; v++) {
                        float *row = &sums[frame[b * outputs + o] + 2 * j][LANES * v];
                        __m512 first, second;
                        widen((const bfloat16 *)(taps + (j * outputs + o) * inputs + i + LANES * v), &first, &second);
                        _mm512_store_ps(row, _mm512_fmadd_ps(factor, first, _mm512_load_ps(row)));
                        _mm512_store_ps(row + PANEL, _mm512_fmadd_ps(factor, second, _mm512_load_ps(row + PANEL)));
                    }
            }
            for (long t = 0; t < frames; t++)
                for (int v = 0; v < VECTORS; v += 2) {
                    const float *from = &sums[t + TAPS / 2][LANES * v];
                    _mm512_storeu_si512(of_x + (t * batch + b) * inputs + i + LANES * v,
                                        rounded(_mm512_load_ps(from), _mm512_load_ps(from + LANES)));
                }
        }
}

/* As `sparse_x_gradient`, of the taps (TAPS, inputs, outputs). */
AVX void sparse_taps_gradient(const float *gradient, const int16_t *frame, const bfloat16 *x, float *taps, long frames,
                              long batch, long inputs, long outputs) {
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i of_channels = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(WIDE));
    static const bfloat16 zeros[WIDE];
#pragma omp parallel for schedule(static) collapse(3)
    for (long c = 0; c < outputs; c += LANES)
        for (long i = 0; i < inputs; i += WIDE)
            for (long k = 0; k < TAPS; k++) {
                float sums[LANES][WIDE] ALIGNED; /* of 32 the even ones, then the odd ones */
                for (long o = 0; o < LANES; o++) {
                    __m512 sum[WIDE / LANES];
                    for (int v = 0; v < WIDE / LANES; v++) sum[v] = _mm512_setzero_ps();
                    for (long b = 0; b < batch; b++) {
                        long place = b * outputs + c + o, t = frame[place] + k - TAPS / 2;
                        const bfloat16 *row = 0 <= t && t < frames ? x + (t * batch + b) * inputs + i : zeros;
                        __m512 factor = _mm512_set1_ps(gradient[place]);
                        for (int v = 0; v < WIDE / LANES; v += 2) {
                            __m512 even, odd;
                            widen(row + LANES * v, &even, &odd);
                            sum[v] = _mm512_fmadd_ps(factor, even, sum[v]);
                            sum[v + 1] = _mm512_fmadd_ps(factor, odd, sum[v + 1]);
                        }
                    }
                    for (int v = 0; v < WIDE / LANES; v++) _mm512_store_ps(&sums[o][LANES * v], sum[v]);
                }
                for (long n = 0; n < WIDE; n++) {
                    long split = n - n % (2 * LANES) + n % 2 * LANES + n % (2 * LANES) / 2;
                    _mm512_storeu_ps(taps + (k * inputs + i + n) * outputs + c,
                                     _mm512_i32gather_ps(of_channels, &sums[0][split], 4));
                }
            }
}

#endif
