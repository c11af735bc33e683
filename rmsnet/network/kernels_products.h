/* The products of frequencies in float32; included behind kernels_frames.h. */

/* The responses of packed and folded taps at some frequencies: real parts, imaginary parts, sums of both. */
INLINE void NAME(respond)(int frequencies, const float *cosine, const float *sine, const float *taps, long inputs,
                          void *responses) {
    float *out = responses;
    for (long i = 0; i < inputs; i++, taps += TAPS * PANEL) {
        vector real[GROUP][COLUMNS], imaginary[GROUP][COLUMNS];
        NAME(clear)(frequencies, real);
        NAME(clear)(frequencies, imaginary);
#pragma GCC unroll 8 /* both parts at once, so that no sum waits for itself */
        for (int k = 0; k <= MIDDLE; k++)
            for (int v = 0; v < COLUMNS; v++) {
                vector even = NAME(load)(taps + k * PANEL + LANES * v);
                vector odd = k ? NAME(load)(taps + (MIDDLE + k) * PANEL + LANES * v) : (vector){0};
                for (int f = 0; f < frequencies; f++) {
                    real[f][v] += cosine[f * (MIDDLE + 1) + k] * even;
                    if (k) imaginary[f][v] += sine[f * MIDDLE + k - 1] * odd;
                }
            }
        for (int f = 0; f < frequencies; f++)
            for (int v = 0; v < COLUMNS; v++) {
                float *to = out + (3 * f * inputs + i) * PANEL + LANES * v;
                *NAME(at)(to) = real[f][v];
                *NAME(at)(to + inputs * PANEL) = imaginary[f][v];
                *NAME(at)(to + 2 * inputs * PANEL) = real[f][v] + imaginary[f][v];
            }
    }
}

/* Adds the first, second or third of the real products that make a complex one, for some rows of the batch, to a panel of
   real and of imaginary parts. */
INLINE void NAME(some_products)(int rows, int part, const float *x, const float *responses, float *real,
                                float *imaginary, float sign, long inputs, long of_panel) {
    vector sum[ROWS][COLUMNS];
    NAME(clear)(rows, sum);
    for (long i = 0; i < inputs; i += PANEL)
        NAME(product)(rows, PANEL, x + i / PANEL * of_panel, PANEL, 1, responses + i * PANEL, sum);
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < COLUMNS; v++) {
            vector *of_real = NAME(at)(real + r * PANEL + LANES * v);
            vector *of_imaginary = NAME(at)(imaginary + r * PANEL + LANES * v);
            if (part == 0) {
                *of_real = sum[r][v];
            } else if (part == 1) {
                *of_imaginary = -sign * *of_real - sum[r][v];
                *of_real -= sign * sum[r][v];
            } else {
                *of_imaginary += sum[r][v];
            }
        }
}

/* Frequencies x of (batch, inputs) by the responses of packed and folded taps: real and imaginary parts of (batch,
   outputs). sign as of `frequencies`; -1: by the conjugates of the responses. cosine and sine (count, taps of a fold). */
TARGET void NAME(multiply)(const float *cosine, const float *sine, const float *taps, const float *x, float *out,
                           long count, long batch, long inputs, long outputs, long sign) {
    long size = 3 * inputs * PANEL, of_x = inputs / PANEL * OF_PANEL, of_out = outputs / PANEL * OF_PANEL;
#pragma omp parallel for schedule(static) collapse(2)
    for (long first = 0; first < count; first += GROUP)
        for (long c = 0; c < outputs; c += PANEL) {
            ALIGNED float responses[GROUP * size];
            const float *of_panel = taps + c * inputs * TAPS;
            long last = first + GROUP < count ? first + GROUP : count;
            NAME(respond_to)
            (last - first, cosine + first * (MIDDLE + 1), sine + first * MIDDLE, of_panel, inputs, size, responses);
            for (long f = first; f < last; f++) {
                const float *of_f = x + f * of_x, *response = responses + (f - first) * size;
                float *real = out + f * of_out + c / PANEL * OF_PANEL, *imaginary = real + (count - 1) * of_out;
#define PIECE(rows, row)                                                                                               \
    NAME(some_products)                                                                                                \
    (rows, PART, of_f + PART * (count - 1) * of_x + row * PANEL, response + PART * inputs * PANEL, real + row * PANEL,            \
     imaginary + row * PANEL, sign, inputs, OF_PANEL)
#define PART 0
                IN_PIECES(batch, PIECE)
#undef PART
                if (f == 0) continue; /* it is real */
#define PART 1
                IN_PIECES(batch, PIECE)
#undef PART
#define PART 2
                IN_PIECES(batch, PIECE)
#undef PART
#undef PIECE
            }
        }
}

/* Some inputs of a panel of the responses' gradient at a frequency, (2, PANEL, PANEL); x and gradient at its real parts. */
INLINE void NAME(some_responses)(int rows, long parts, const float *x, const float *gradient, float *real, long batch,
                                 long of_x, long of_gradient) {
    float *imaginary = real + PANEL * PANEL;
    for (int p = 0; p < parts; p++) {
        vector sum[ROWS][COLUMNS];
        NAME(clear)(rows, sum);
        NAME(product)(rows, batch, x + p * of_x, 1, PANEL, gradient + p * of_gradient, sum);
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < COLUMNS; v++) {
                vector *of_real = NAME(at)(real + r * PANEL + LANES * v);
                vector *of_imaginary = NAME(at)(imaginary + r * PANEL + LANES * v);
                if (p == 0) {
                    *of_real = *of_imaginary = sum[r][v];
                } else if (p == 1) {
                    *of_real += sum[r][v];
                    *of_imaginary -= sum[r][v];
                } else {
                    *of_imaginary += sum[r][v];
                }
            }
    }
}

/* The gradient of taps (TAPS, inputs, outputs) from frequencies x of what was convolved, sign 1, and those of the result's
   gradient, sign -1. cosine and sine as of `multiply`, weighted. */
TARGET void NAME(taps_gradient)(const float *cosine, const float *sine, const float *x, const float *gradient,
                                float *taps, long count, long batch, long inputs, long outputs,
                                float *scratch) {
    (void)scratch;
    long of_x = inputs / PANEL * OF_PANEL, of_gradient = outputs / PANEL * OF_PANEL;
#pragma omp parallel for schedule(static) collapse(2)
    for (long near = 0; near < outputs; near += NEAR)
        for (long i = 0; i < inputs; i += PANEL)
            for (long c = near; c < near + NEAR; c += PANEL) {
                ALIGNED float responses[CHUNK][2][PANEL][PANEL];
                ALIGNED float folded[TAPS][PANEL][PANEL];
                for (long first = 0; first < count; first += CHUNK) {
                    long some = first + CHUNK < count ? CHUNK : count - first;
                    for (long f = 0; f < some; f++) {
                        long parts = first + f ? 3 : 1;
                        const float *left = x + (first + f) * of_x + i / PANEL * OF_PANEL;
                        const float *right = gradient + (first + f) * of_gradient + c / PANEL * OF_PANEL;
#define PIECE(rows, row)                                                                                               \
    NAME(some_responses)                                                                                               \
    (rows, parts, left + row, right, responses[f][0][row], batch, (count - 1) * of_x,             \
     (count - 1) * of_gradient)
                        IN_PIECES(PANEL, PIECE)
#undef PIECE
                    }
                    NAME(add_taps)(first, some, cosine, sine, responses, folded);
                }
                NAME(unfold)(folded, taps + i * outputs + c, inputs * outputs, outputs);
            }
}

/* Floats that `taps_gradient` needs room for. */
long NAME(scratch)(long count, long batch, long channels) { return (void)count, (void)batch, (void)channels, 0; }
