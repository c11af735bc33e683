/* Frames to frequencies and back, the maximum over time and what its gradient needs, in the C of GCC and Clang that has
   vectors: included by kernels.c once for each kind of processor, which says

       NAME(function)  its name there
       TARGET          the instructions that its functions may use
       LANES           floats of a vector
       COLUMNS, ROWS   vectors and rows that are summed up in registers at the same time
       BFLOAT16        frames and frequencies lie in memory as bfloat16; sums are float32 all the same

   Frames lie as (T, B, C). What stands for frequencies lies in panels of PANEL channels, (row, C / PANEL, PLACES,
   PANEL), so that products walk through memory in order: room for B, but an odd number, since rows a power of two apart
   would drive each other out of the caches. The rows are the real parts of the frequencies 0 … F - 1, the imaginary
   parts of 1 … F - 1, and where it will be multiplied the sums or differences of both, of 1 … F - 1.

   Times count from the middle of the clip, taps from the middle tap. A real part is then a sum over what two mirrored
   frames have in common and an imaginary one over their difference: half the multiplications.

   Every output is the work of one thread, in one order: results do not depend on the number of threads. */

#define PANEL (COLUMNS * LANES)
#define OF_PANEL (PLACES * PANEL) /* numbers between two panels of frequencies */
#define ALIGNED __attribute__((aligned(64)))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define vector NAME(vector)
#define bits NAME(bits)
#define halves NAME(halves)

typedef float vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t bits __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

const long NAME(panel) = PANEL;

INLINE vector *NAME(at)(float *place) { return (vector *)place; }
INLINE vector NAME(load)(const float *place) { return *(const vector *)place; }

#ifdef BFLOAT16
#define PLACES ((batch + PANEL - 1) / PANEL * PANEL + 1)
typedef uint16_t NAME(number);
typedef uint16_t halves __attribute__((vector_size(2 * LANES), aligned(2), may_alias));
INLINE vector NAME(read)(const NAME(number) *place) {
    return (vector)(__builtin_convertvector(*(const halves *)place, bits) << 16);
}
INLINE void NAME(write)(NAME(number) *place, vector x) { *(halves *)place = (halves)_mm512_cvtneps_pbh((__m512)x); }
#else
#define PLACES (batch | 1)
typedef float NAME(number);
INLINE vector NAME(read)(const NAME(number) *place) { return NAME(load)(place); }
INLINE void NAME(write)(NAME(number) *place, vector x) { *NAME(at)(place) = x; }
#endif
#define number NAME(number)

/* The responses of packed and folded taps at some frequencies, as the products of this kind of processor take them; four
   bytes each. */
INLINE void NAME(respond)(int frequencies, const float *cosine, const float *sine, const float *taps, long inputs,
                          void *out);

/* The same at so many frequencies, GROUP at most, `size` responses each. */
INLINE void NAME(respond_to)(long frequencies, const float *cosine, const float *sine, const float *taps, long inputs,
                             long size, float *out) {
    if (frequencies == GROUP)
        NAME(respond)(GROUP, cosine, sine, taps, inputs, out);
    else
        for (long f = 0; f < frequencies; f++)
            NAME(respond)(1, cosine + f * (MIDDLE + 1), sine + f * MIDDLE, taps, inputs, out + f * size);
}

/* PIECE(rows, first) for all of `count` rows, where `rows` is a number that the compiler knows. */
#define IN_PIECES(count, PIECE)                                                                                        \
    for (long first_ = 0, left_ = (count), done_; left_ > 0; first_ += done_, left_ -= done_) {                        \
        done_ = left_ >= ROWS ? ROWS : left_ >= 4 ? 4 : left_ >= 2 ? 2 : 1;                                            \
        if (done_ == ROWS) {                                                                                           \
            PIECE(ROWS, first_);                                                                                       \
        } else if (done_ == 4) {                                                                                       \
            PIECE(4, first_);                                                                                          \
        } else if (done_ == 2) {                                                                                       \
            PIECE(2, first_);                                                                                          \
        } else {                                                                                                       \
            PIECE(1, first_);                                                                                          \
        }                                                                                                              \
    }

INLINE void NAME(clear)(int rows, vector sum[][COLUMNS]) {
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < COLUMNS; v++) sum[r][v] = (vector){0};
}

/* sum[r] += Σ_k a[r * of_row + k * of_inner] · b[k], for a panel of columns. */
INLINE void NAME(product)(int rows, long inner, const float *a, long of_row, long of_inner, const float *b,
                          vector sum[][COLUMNS]) {
    for (long k = 0; k < inner; k++, a += of_inner, b += PANEL) {
        vector column[COLUMNS];
        for (int v = 0; v < COLUMNS; v++) column[v] = NAME(load)(b + LANES * v);
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < COLUMNS; v++) sum[r][v] += a[r * of_row] * column[v];
    }
}

/* (TAPS, inputs, outputs), a number of it at k * of_tap + i * of_input + o * of_output, as
   (outputs / PANEL, inputs, TAPS, PANEL). Folded: the middle tap, the sums of two that mirror each other, then their
   differences. */
TARGET void NAME(pack_taps)(const float *taps, float *out, long inputs, long outputs, long of_input, long of_output,
                            long folded) {
    long of_tap = inputs * outputs;
    long across = of_output == 1 ? outputs : inputs, down = of_output == 1 ? inputs : outputs; /* along memory, and not */
#pragma omp parallel for schedule(static) collapse(2)
    for (long d = 0; d < down; d += of_output == 1 ? STRIP : PANEL)
        for (long a = 0; a < across; a += of_output == 1 ? PANEL : STRIP) {
            long i = of_output == 1 ? d : a, o = of_output == 1 ? a : d;
            ALIGNED float block[TAPS][STRIP][PANEL]; /* inputs, outputs */
            for (int k = 0; k < TAPS; k++) {
                const float *from = taps + k * of_tap + i * of_input + o * of_output;
                if (of_output == 1)
                    for (int r = 0; r < STRIP; r++) {
                        __builtin_prefetch(from + r * of_input + PANEL); /* of the next block, as below */
                        for (int s = 0; s < PANEL; s++) block[k][r][s] = from[r * of_input + s];
                    }
                else
                    for (int s = 0; s < PANEL; s++) {
                        __builtin_prefetch(from + s * of_output + STRIP);
                        for (int r = 0; r < STRIP; r++) block[k][r][s] = from[s * of_output + r];
                    }
            }
            float *to = out + (o * inputs + i * PANEL) * TAPS;
            for (int r = 0; r < STRIP; r++, to += TAPS * PANEL)
                for (int k = 0; k < TAPS; k++)
                    for (int v = 0; v < COLUMNS; v++) {
                        vector tap = NAME(load)(&block[k][r][LANES * v]);
                        if (folded && k <= MIDDLE) tap = NAME(load)(&block[MIDDLE + k][r][LANES * v]);
                        if (folded && 0 < k && k <= MIDDLE) tap += NAME(load)(&block[MIDDLE - k][r][LANES * v]);
                        if (folded && k > MIDDLE)
                            tap -= NAME(load)(&block[2 * MIDDLE - k][r][LANES * v]);
                        *NAME(at)(to + k * PANEL + LANES * v) = tap;
                    }
        }
}

/* Rows of frequencies out of what mirrored frames have in common and out of their differences. */
INLINE void NAME(some_frequencies)(int rows, long first, long half, long count, const float *cosine, const float *sine,
                                   const float *even, const float *odd, float sign, number *out, long of_row) {
    vector sum[ROWS][COLUMNS];
    ALIGNED float real[ROWS][PANEL];
    NAME(clear)(rows, sum);
    NAME(product)(rows, half, cosine + first, 1, count, even, sum);
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < COLUMNS; v++) {
            NAME(write)(out + (first + r) * of_row + LANES * v, sum[r][v]);
            *NAME(at)(&real[r][LANES * v]) = sum[r][v];
        }
    NAME(clear)(rows, sum);
    NAME(product)(rows, half, sine + first, 1, count, odd, sum);
    for (int r = first == 0; r < rows; r++)
        for (int v = 0; v < COLUMNS; v++) {
            number *to = out + (first + r + count - 1) * of_row + LANES * v;
            NAME(write)(to, sum[r][v]);
            NAME(write)(to + (count - 1) * of_row, sum[r][v] + sign * NAME(load)(&real[r][LANES * v]));
        }
}

/* The frequencies of x (frames, batch, channels), and behind the real and imaginary parts imaginary + sign · real.
   With `active`, of the shape of x: of x where that is above 0. cosine and sine (half, count), half = ceil(frames / 2). */
TARGET void NAME(frequencies)(const number *x, const number *active, const float *cosine, const float *sine, number *out,
                              long frames, long batch, long channels, long count, long sign) {
    long half = (frames + 1) / 2;
#pragma omp parallel for schedule(static) collapse(2)
    for (long c = 0; c < channels; c += PANEL)
        for (long b = 0; b < batch; b++) {
            ALIGNED float even[half * PANEL], odd[half * PANEL];
            number *to = out + c / PANEL * OF_PANEL + b * PANEL;
            for (long i = 0; i < half; i++)
                for (int v = 0; v < COLUMNS; v++) {
                    vector frame[2];
                    for (int m = 0; m < 2; m++) {
                        long t = m ? frames - 1 - frames / 2 - i : frames / 2 + i;
                        long place = (t * batch + b) * channels + c + LANES * v;
                        frame[m] = NAME(read)(x + place);
                        if (active) frame[m] = (vector)((bits)frame[m] & (bits)(NAME(read)(active + place) > 0));
                    }
                    *NAME(at)(even + i * PANEL + LANES * v) = frame[0] + frame[1];
                    *NAME(at)(odd + i * PANEL + LANES * v) = frame[0] - frame[1];
                }
#define PIECE(rows, first)                                                                                             \
    for (long t = 2 * first; t < 2 * (first + rows) && t < frames && b + 1 < batch; t++)                               \
        __builtin_prefetch(x + (t * batch + b + 1) * channels + c); /* too far apart to be foreseen */                 \
    NAME(some_frequencies)                                                                                             \
    (rows, first, half, count, cosine, sine, even, odd, sign, to, channels / PANEL * OF_PANEL)
            IN_PIECES(count, PIECE)
#undef PIECE
        }
}

/* Some mirrored frames of a panel of a clip out of its real and imaginary parts; with a bias: ReLU(... + bias). */
INLINE void NAME(some_frames)(int rows, long first, long frames, long count, const float *cosine, const float *sine,
                              const float *real, const float *imaginary, const float *bias, float *out) {
    vector sum[ROWS][COLUMNS];
    ALIGNED float even[ROWS][PANEL];
    long half = (frames + 1) / 2;
    NAME(clear)(rows, sum);
    NAME(product)(rows, count, cosine + first, 1, half, real, sum);
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < COLUMNS; v++) *NAME(at)(&even[r][LANES * v]) = sum[r][v];
    NAME(clear)(rows, sum);
    NAME(product)(rows, count - 1, sine + half + first, 1, half, imaginary, sum);
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < COLUMNS; v++)
            for (int m = 0; m < 2; m++) {
                vector y = NAME(load)(&even[r][LANES * v]);
                long t = m ? frames - 1 - frames / 2 - first - r : frames / 2 + first + r;
                y = m ? y - sum[r][v] : y + sum[r][v];
                if (bias) {
                    y += NAME(load)(bias + LANES * v);
                    y = (vector)((bits)y & ~(bits)(y <= 0)); /* NaN stays NaN */
                }
                *NAME(at)(out + t * PANEL + LANES * v) = y;
            }
}

/* A panel of frames of a clip, (frames, PANEL). */
INLINE void NAME(panel_of_frames)(const number *x, const float *cosine, const float *sine, const float *bias, float *out,
                                  long frames, long count, long of_row) {
    ALIGNED float parts[(2 * count - 1) * PANEL];
    for (long f = 0; f < 2 * count - 1; f++)
        for (int v = 0; v < COLUMNS; v++) *NAME(at)(parts + f * PANEL + LANES * v) = NAME(read)(x + f * of_row + LANES * v);
#define PIECE(rows, first)                                                                                             \
    NAME(some_frames)(rows, first, frames, count, cosine, sine, parts, parts + count * PANEL, bias, out)
    IN_PIECES((frames + 1) / 2, PIECE)
#undef PIECE
}

/* The frames (frames, batch, channels) of real and imaginary parts x; with a bias (channels): ReLU(... + bias).
   cosine and sine (count, half). */
TARGET void NAME(frames)(const number *x, const float *cosine, const float *sine, const float *bias, number *out,
                         long frames, long batch, long channels, long count) {
#pragma omp parallel for schedule(static) collapse(2)
    for (long c = 0; c < channels; c += PANEL)
        for (long b = 0; b < batch; b++) {
            ALIGNED float y[frames * PANEL];
            NAME(panel_of_frames)
            (x + c / PANEL * OF_PANEL + b * PANEL, cosine, sine, bias ? bias + c : 0, y, frames, count,
             channels / PANEL * OF_PANEL);
            for (long t = 0; t < frames; t++)
                for (int v = 0; v < COLUMNS; v++)
                    NAME(write)
                    (out + (t * batch + b) * channels + c + LANES * v, NAME(load)(y + t * PANEL + LANES * v));
        }
}

/* Adds to the gradient of folded taps what the responses' gradients at some frequencies, real and imaginary, say of it. */
INLINE void NAME(add_taps)(long first, long some, const float *cosine, const float *sine, float (*responses)[2][PANEL][PANEL],
                           float (*folded)[PANEL][PANEL]) {
    for (int r = 0; r < PANEL; r++)
        for (int v = 0; v < COLUMNS; v++) {
            vector tap[TAPS];
            for (int k = 0; k < TAPS; k++) tap[k] = first ? NAME(load)(&folded[k][r][LANES * v]) : (vector){0};
            for (long f = 0; f < some; f++) {
                const float *of_real = cosine + (first + f) * (MIDDLE + 1), *of_imaginary = sine + (first + f) * MIDDLE;
                vector real = NAME(load)(&responses[f][0][r][LANES * v]);
                vector imaginary = NAME(load)(&responses[f][1][r][LANES * v]);
                for (int k = 0; k <= MIDDLE; k++) tap[k] += of_real[k] * real;
                for (int k = 0; k < MIDDLE; k++) tap[MIDDLE + 1 + k] += of_imaginary[k] * imaginary;
            }
            for (int k = 0; k < TAPS; k++) *NAME(at)(&folded[k][r][LANES * v]) = tap[k];
        }
}

/* The gradient of the taps themselves. */
INLINE void NAME(unfold)(float (*folded)[PANEL][PANEL], float *taps, long of_tap, long of_input) {
    for (int k = 0; k < TAPS; k++)
        for (int r = 0; r < PANEL; r++)
            for (int v = 0; v < COLUMNS; v++) {
                int mirrored = k < MIDDLE ? MIDDLE - k : k - MIDDLE;
                vector tap = NAME(load)(&folded[mirrored][r][LANES * v]);
                vector odd = NAME(load)(&folded[mirrored ? MIDDLE + mirrored : 0][r][LANES * v]);
                if (mirrored) tap = k < MIDDLE ? tap - odd : tap + odd;
                *NAME(at)(taps + k * of_tap + r * of_input + LANES * v) = tap;
            }
}

INLINE bits NAME(mixed)(bits x, int shift, uint32_t factor) { return (x ^ (x >> shift)) * factor; }

/* 32 bits for each place: a hash of it and of the two halves of the seed. */
INLINE bits NAME(draws)(long place, long seed) {
    bits x;
    for (int l = 0; l < LANES; l++) x[l] = (uint32_t)l;
    x += (uint32_t)(place + seed);
    x = NAME(mixed)(NAME(mixed)(x, 16, 0x7feb352d), 15, 0x846ca68b);
    x ^= (uint32_t)((uint64_t)seed >> 32);
    x = NAME(mixed)(NAME(mixed)(x, 16, 0x7feb352d), 15, 0x846ca68b);
    return x ^ (x >> 16);
}

/* `frames` with a bias, its maximum over time and the first frame that has it, (batch, channels), after numbers were set to
   0 with a probability of rate / 2^32. */
TARGET void NAME(peak)(const number *x, const float *cosine, const float *sine, const float *bias, number *maximum,
                       int16_t *frame, long frames, long batch, long channels, long count, long rate, long seed) {
#pragma omp parallel for schedule(static) collapse(2)
    for (long c = 0; c < channels; c += PANEL)
        for (long b = 0; b < batch; b++) {
            ALIGNED float y[frames * PANEL];
            NAME(panel_of_frames)
            (x + c / PANEL * OF_PANEL + b * PANEL, cosine, sine, bias + c, y, frames, count,
             channels / PANEL * OF_PANEL);
            for (int v = 0; v < COLUMNS; v++) {
                vector best = {0}, not_finite = {0};
                bits where = {0};
                for (long t = 0; t < frames; t++) {
                    vector here = NAME(load)(y + t * PANEL + LANES * v);
                    bits better = (bits)(here > best);
                    if (rate)
                        better &= (bits)(NAME(draws)((t * batch + b) * channels + c + LANES * v, seed) >= (uint32_t)rate);
                    best = (vector)(((bits)here & better) | ((bits)best & ~better));
                    where = ((uint32_t)t & better) | (where & ~better);
                    not_finite += here * 0; /* 0, or NaN */
                }
                long to = b * channels + c + LANES * v;
                NAME(write)(maximum + to, best + not_finite);
                for (int l = 0; l < LANES; l++) frame[to + l] = (int16_t)where[l];
            }
        }
}

/* The gradient of what a maximum over time of convolved frames x was taken of: gradient (batch, outputs) arrives at one
   frame of each clip and channel, and at the TAPS rows of x around it. taps (inputs / PANEL, outputs, TAPS, PANEL), of_x
   (frames, batch, inputs). */
TARGET void NAME(sparse_x_gradient)(const float *gradient, const int16_t *frame, const float *taps, number *of_x,
                                    long frames, long batch, long inputs, long outputs) {
#pragma omp parallel for schedule(static) collapse(2)
    for (long i = 0; i < inputs; i += PANEL)
        for (long b = 0; b < batch; b++) {
            ALIGNED float sums[(frames + TAPS - 1) * PANEL];
            for (long n = 0; n < (frames + TAPS - 1) * PANEL; n++) sums[n] = 0;
            const float *tap = taps + i * outputs * TAPS;
            for (long o = 0; o < outputs; o++, tap += TAPS * PANEL) {
                float factor = gradient[b * outputs + o], *to = sums + frame[b * outputs + o] * PANEL;
                for (int v = 0; v < TAPS * COLUMNS; v++) *NAME(at)(to + LANES * v) += factor * NAME(load)(tap + LANES * v);
            }
            for (long t = 0; t < frames; t++)
                for (int v = 0; v < COLUMNS; v++)
                    NAME(write)
                    (of_x + (t * batch + b) * inputs + i + LANES * v, NAME(load)(sums + (t + TAPS / 2) * PANEL + LANES * v));
        }
}

/* As `sparse_x_gradient`, of the taps (TAPS, inputs, outputs). */
TARGET void NAME(sparse_taps_gradient)(const float *gradient, const int16_t *frame, const number *x, float *taps,
                                       long frames, long batch, long inputs, long outputs) {
    long length = frames + TAPS - 1;
#pragma omp parallel for schedule(static)
    for (long i = 0; i < inputs; i += PANEL) {
        ALIGNED float sums[outputs][TAPS][PANEL], clips[CLIPS][length][PANEL];
        for (long o = 0; o < outputs; o++)
            for (int k = 0; k < TAPS; k++)
                for (int v = 0; v < COLUMNS; v++) *NAME(at)(&sums[o][k][LANES * v]) = (vector){0};
        for (long first = 0; first < batch; first += CLIPS) {
            long last = first + CLIPS < batch ? first + CLIPS : batch;
            for (long b = first; b < last; b++)
                for (long t = 0; t < length; t++)
                    for (int v = 0; v < COLUMNS; v++) {
                        long at = t - TAPS / 2;
                        *NAME(at)(&clips[b - first][t][LANES * v]) =
                            0 <= at && at < frames ? NAME(read)(x + (at * batch + b) * inputs + i + LANES * v) : (vector){0};
                    }
            for (long o = 0; o < outputs; o++)
                for (int v = 0; v < COLUMNS; v++) {
                    vector sum[TAPS];
                    for (int k = 0; k < TAPS; k++) sum[k] = NAME(load)(&sums[o][k][LANES * v]);
                    for (long b = first; b < last; b++) {
                        const float *row = &clips[b - first][frame[b * outputs + o]][LANES * v];
                        float factor = gradient[b * outputs + o];
                        for (int k = 0; k < TAPS; k++) sum[k] += factor * NAME(load)(row + k * PANEL);
                    }
                    for (int k = 0; k < TAPS; k++) *NAME(at)(&sums[o][k][LANES * v]) = sum[k];
                }
        }
        for (int k = 0; k < TAPS; k++)
            for (int n = 0; n < PANEL; n++)
                for (long o = 0; o < outputs; o++) taps[(k * inputs + i + n) * outputs + o] = sums[o][k][n];
    }
}
