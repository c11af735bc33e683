/* The products of frequencies in bfloat16; included behind kernels_frames.h.

   A bfloat16 instruction multiplies and adds *pairs*, sum += a.low * b.low + a.high * b.high in float32: two numbers that
   follow each other along the axis that is summed over, here an int32. Products are of blocks, PANEL rows by PANEL columns:
   of the left operand (rows, PANEL / 2 pairs), of the right one (PANEL / 2 pairs, columns). */

#define pair NAME(pair)
typedef int32_t pair __attribute__((may_alias));

enum { NAME(pairs) = PANEL / 2, NAME(block) = PANEL * PANEL / 2 };

INLINE __m512i NAME(pairs_at)(const void *place) { return _mm512_loadu_si512(place); }

/* The low and high halves of 16 pairs. */
INLINE __m512i NAME(pairs_of)(vector low, vector high) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low));
}

/* out (PANEL, PANEL) = Σ over so many blocks of a @ b; those of a lie of_a pairs apart. */
#ifdef AMX
INLINE void NAME(product_of_blocks)(long blocks, const pair *a, long of_a, const pair *b, float *out) {
    __asm__ volatile("" ::: "memory"); /* the compiler does not know what tiles read and write */
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (long k = 0; k < blocks; k++, a += of_a, b += NAME(block)) {
        _tile_loadd(4, a, 64);
        _tile_loadd(5, a + 16 * 16, 64);
        _tile_loadd(6, b, 128);
        _tile_loadd(7, b + 16, 128);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, out, 128);
    _tile_stored(1, out + 16, 128);
    _tile_stored(2, out + 16 * 32, 128);
    _tile_stored(3, out + 16 * 32 + 16, 128);
    __asm__ volatile("" ::: "memory");
}

/* Eight tiles of 16 rows of 64 bytes. */
INLINE void NAME(begin)(void) {
    ALIGNED uint8_t layout[64] = {1};
    for (int t = 0; t < 8; t++) layout[16 + 2 * t] = 64, layout[48 + t] = 16;
    __asm__ volatile("" ::: "memory");
    _tile_loadconfig(layout);
}

INLINE void NAME(end)(void) { _tile_release(); }
#else
INLINE void NAME(some_of_block)(int rows, long blocks, const pair *a, long of_a, const pair *b, float *out) {
    __m512 sum[ROWS][COLUMNS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < COLUMNS; v++) sum[r][v] = _mm512_setzero_ps();
    for (long n = 0; n < blocks; n++, a += of_a)
        for (int k = 0; k < NAME(pairs); k++, b += PANEL)
            for (int r = 0; r < rows; r++)
                for (int v = 0; v < COLUMNS; v++)
                    sum[r][v] = _mm512_dpbf16_ps(sum[r][v], (__m512bh)_mm512_set1_epi32(a[r * NAME(pairs) + k]),
                                                 (__m512bh)NAME(pairs_at)(b + LANES * v));
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < COLUMNS; v++) _mm512_storeu_ps(out + r * PANEL + LANES * v, sum[r][v]);
}

INLINE void NAME(product_of_blocks)(long blocks, const pair *a, long of_a, const pair *b, float *out) {
#define PIECE(rows, row) NAME(some_of_block)(rows, blocks, a + row * NAME(pairs), of_a, b, out + row * PANEL)
    IN_PIECES(PANEL, PIECE)
#undef PIECE
}

INLINE void NAME(begin)(void) {}
INLINE void NAME(end)(void) {}
#endif

/* The responses of packed and folded taps at some frequencies, in pairs of inputs: (frequencies, 3, inputs / 2, PANEL) real
   parts, imaginary parts, sums of both. */
INLINE void NAME(respond)(int frequencies, const float *cosine, const float *sine, const float *taps, long inputs,
                          void *responses) {
    pair *out = responses;
    for (long i = 0; i < inputs; i += 2, taps += 2 * TAPS * PANEL)
        for (int v = 0; v < COLUMNS; v++) {
            vector real[GROUP][2], imaginary[GROUP][2];
            NAME(clear)(frequencies, real);
            NAME(clear)(frequencies, imaginary);
#pragma GCC unroll 8
            for (int k = 0; k <= MIDDLE; k++)
                for (int h = 0; h < 2; h++) {
                    const float *of_input = taps + h * TAPS * PANEL + LANES * v;
                    vector even = NAME(load)(of_input + k * PANEL);
                    vector odd = k ? NAME(load)(of_input + (MIDDLE + k) * PANEL) : (vector){0};
                    for (int f = 0; f < frequencies; f++) {
                        real[f][h] += cosine[f * (MIDDLE + 1) + k] * even;
                        if (k) imaginary[f][h] += sine[f * MIDDLE + k - 1] * odd;
                    }
                }
            for (int f = 0; f < frequencies; f++) {
                pair *to = out + (3 * f * inputs / 2 + i / 2) * PANEL + LANES * v;
                _mm512_storeu_si512(to, NAME(pairs_of)(real[f][0], real[f][1]));
                _mm512_storeu_si512(to + inputs / 2 * PANEL, NAME(pairs_of)(imaginary[f][0], imaginary[f][1]));
                _mm512_storeu_si512(to + inputs * PANEL,
                                    NAME(pairs_of)(real[f][0] + imaginary[f][0], real[f][1] + imaginary[f][1]));
            }
        }
}

/* Frequencies x of (batch, inputs) by the responses of packed and folded taps: real and imaginary parts of (batch,
   outputs). sign as of `frequencies`; -1: by the conjugates of the responses. cosine and sine (count, taps of a fold). */
TARGET void NAME(multiply)(const float *cosine, const float *sine, const float *taps, const number *x, number *out,
                           long count, long batch, long inputs, long outputs, long sign) {
    long size = 3 * inputs / 2 * PANEL, of_x = inputs / PANEL * OF_PANEL, of_out = outputs / PANEL * OF_PANEL;
    float signs = (float)sign;
#pragma omp parallel for schedule(static) collapse(2)
    for (long first = 0; first < count; first += GROUP)
        for (long c = 0; c < outputs; c += PANEL) {
            ALIGNED pair responses[GROUP * size];
            ALIGNED float product[3][PANEL][PANEL];
            const float *of_panel = taps + c * inputs * TAPS;
            long last = first + GROUP < count ? first + GROUP : count;
            NAME(respond_to)
            (last - first, cosine + first * (MIDDLE + 1), sine + first * MIDDLE, of_panel, inputs, size,
             (float *)responses);
            NAME(begin)();
            for (long f = first; f < last; f++)
                for (long row = 0; row < batch; row += PANEL) {
                    for (int p = 0; p < (f ? 3 : 1); p++) {
                        const number *from = x + (f + p * (count - 1)) * of_x + row * PANEL;
                        NAME(product_of_blocks)
                        (inputs / PANEL, (const pair *)from, OF_PANEL / 2, responses + (f - first) * size + p * size / 3,
                         product[p][0]);
                    }
                    number *real = out + f * of_out + c / PANEL * OF_PANEL + row * PANEL;
                    for (int r = 0; r < PANEL && row + r < batch; r++)
                        for (int v = 0; v < COLUMNS; v++) {
                            vector one = NAME(load)(&product[0][r][LANES * v]);
                            number *to = real + r * PANEL + LANES * v;
                            if (f == 0) {
                                NAME(write)(to, one);
                                continue;
                            }
                            vector two = NAME(load)(&product[1][r][LANES * v]);
                            NAME(write)(to, one - signs * two);
                            NAME(write)
                            (to + (count - 1) * of_out, NAME(load)(&product[2][r][LANES * v]) - signs * one - two);
                        }
                }
            NAME(end)();
        }
}

/* 16 rows of 16 pairs, as 16 columns of them. */
INLINE void NAME(transpose)(__m512i rows[16]) {
    __m512i other[16];
    for (int r = 0; r < 16; r += 2) {
        other[r] = _mm512_unpacklo_epi32(rows[r], rows[r + 1]);
        other[r + 1] = _mm512_unpackhi_epi32(rows[r], rows[r + 1]);
    }
    for (int r = 0; r < 16; r += 4)
        for (int h = 0; h < 2; h++) {
            rows[r + 2 * h] = _mm512_unpacklo_epi64(other[r + h], other[r + 2 + h]);
            rows[r + 2 * h + 1] = _mm512_unpackhi_epi64(other[r + h], other[r + 2 + h]);
        }
    for (int r = 0; r < 4; r++)
        for (int h = 0; h < 2; h++) {
            other[8 * h + r] = _mm512_shuffle_i32x4(rows[8 * h + r], rows[8 * h + 4 + r], 0x88);
            other[8 * h + 4 + r] = _mm512_shuffle_i32x4(rows[8 * h + r], rows[8 * h + 4 + r], 0xdd);
        }
    for (int r = 0; r < 8; r++) {
        rows[r] = _mm512_shuffle_i32x4(other[r], other[8 + r], 0x88);
        rows[8 + r] = _mm512_shuffle_i32x4(other[r], other[8 + r], 0xdd);
    }
}

/* Blocks of x's rows of frequencies in pairs of clips: (row, channels / PANEL, ceil(batch / PANEL), block), as the right
   operand of a product or, transposed, as the left one. What is missing of a block is 0. */
INLINE void NAME(pair_batch)(const number *x, pair *out, long rows, long batch, long channels, int transposed) {
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6,
                                         37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    long blocks = (batch + PANEL - 1) / PANEL;
#pragma omp parallel for schedule(static)
    for (long panel = 0; panel < rows * (channels / PANEL); panel++)
        for (long n = 0; n < blocks; n++) {
            const number *from = x + panel * OF_PANEL + n * PANEL * PANEL;
            pair *to = out + (panel * blocks + n) * NAME(block);
            __m512i half[2][16];
            for (int k = 0; k < 16; k++) {
                long b = n * PANEL + 2 * k;
                __m512i one = b < batch ? NAME(pairs_at)(from + 2 * k * PANEL) : _mm512_setzero_si512();
                __m512i two = b + 1 < batch ? NAME(pairs_at)(from + (2 * k + 1) * PANEL) : _mm512_setzero_si512();
                half[0][k] = _mm512_permutex2var_epi16(one, low, two);
                half[1][k] = _mm512_permutex2var_epi16(one, high, two);
            }
            for (int h = 0; h < 2; h++) {
                if (transposed) NAME(transpose)(half[h]);
                for (int k = 0; k < 16; k++)
                    _mm512_storeu_si512(to + (transposed ? 16 * (16 * h + k) : 32 * k + 16 * h), half[h][k]);
            }
        }
}

/* Floats that `taps_gradient` needs room for, of each operand's channels. */
long NAME(scratch)(long count, long batch, long channels) {
    return (3 * count - 2) * (channels / PANEL) * ((batch + PANEL - 1) / PANEL) * NAME(block);
}

/* The gradient of taps (TAPS, inputs, outputs) from frequencies x of what was convolved, sign 1, and those of the result's
   gradient, sign -1. cosine and sine as of `multiply`, weighted. */
TARGET void NAME(taps_gradient)(const float *cosine, const float *sine, const number *x, const number *gradient,
                                float *taps, long count, long batch, long inputs, long outputs, pair *scratch) {
    pair *left = scratch, *right = scratch + NAME(scratch)(count, batch, inputs);
    long blocks = (batch + PANEL - 1) / PANEL, size = blocks * NAME(block);
    NAME(pair_batch)(x, left, 3 * count - 2, batch, inputs, 1);
    NAME(pair_batch)(gradient, right, 3 * count - 2, batch, outputs, 0);
#pragma omp parallel for schedule(static) collapse(2)
    for (long near = 0; near < outputs; near += NEAR)
        for (long i = 0; i < inputs; i += PANEL)
            for (long c = near; c < near + NEAR; c += PANEL) {
                ALIGNED float responses[CHUNK][2][PANEL][PANEL], folded[TAPS][PANEL][PANEL], product[3][PANEL][PANEL];
                NAME(begin)();
                for (long first = 0; first < count; first += CHUNK) {
                    long some = first + CHUNK < count ? CHUNK : count - first;
                    for (long f = 0; f < some; f++) {
                        for (int p = 0; p < (first + f ? 3 : 1); p++) {
                            long row = first + f + p * (count - 1);
                            NAME(product_of_blocks)
                            (blocks, left + (row * (inputs / PANEL) + i / PANEL) * size, NAME(block),
                             right + (row * (outputs / PANEL) + c / PANEL) * size, product[p][0]);
                        }
                        for (int r = 0; r < PANEL; r++)
                            for (int v = 0; v < COLUMNS; v++) {
                                vector one = NAME(load)(&product[0][r][LANES * v]), imaginary = {0};
                                if (first + f) {
                                    vector two = NAME(load)(&product[1][r][LANES * v]);
                                    imaginary = NAME(load)(&product[2][r][LANES * v]) + one - two;
                                    one += two;
                                }
                                *NAME(at)(&responses[f][0][r][LANES * v]) = one;
                                *NAME(at)(&responses[f][1][r][LANES * v]) = imaginary;
                            }
                    }
                    NAME(add_taps)(first, some, cosine, sine, responses, folded);
                }
                NAME(end)();
                NAME(unfold)(folded, taps + i * outputs + c, inputs * outputs, outputs);
            }
}
