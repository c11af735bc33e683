/* The kernels of a kind of processor against a naive loop: prints the largest relative error of a convolution, its
   gradients, a peak and its. Made for processors that are only emulated, where there is no PyTorch: -DKIND=neon. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.c"

#define JOIN(a, b) a##_##b
#define EXPAND(a, b) JOIN(a, b)
#define KERNEL(function) EXPAND(KIND, function)

enum { T = 41, B = 7, CIN = 128, COUT = 64, HALF = 21, COUNT = 23, LENGTH = 45 };

static float x[T][B][CIN], taps[TAPS][CIN][COUT], bias[COUT], of_y[T][B][COUT];
static float y[T][B][COUT], of_x[T][B][CIN], of_taps[TAPS][CIN][COUT];
static float packed[TAPS * CIN * COUT], turned[TAPS * CIN * COUT], chosen[TAPS * CIN * COUT];
static float frequencies[67 * 9 * CIN], of_frequencies[67 * 9 * CIN], products[45 * 9 * CIN];
static float peak[B][COUT], of_peak[B][COUT];
static int16_t frame[B][COUT];
static float forward[2][HALF][COUNT], back[2][COUNT][HALF], real[2][COUNT][MIDDLE + 1], imaginary[2][COUNT][MIDDLE];

static void fill(float *numbers, long count) {
    static uint32_t state = 1;
    for (long n = 0; n < count; n++) state = state * 1664525u + 1013904223u, numbers[n] = (float)(state >> 8) / (1 << 23) - 1;
}

static void make_tables(void) {
    for (int f = 0; f < COUNT; f++) {
        double step = 2 * acos(-1) / LENGTH * f, weight = (f ? 2. : 1.) / LENGTH;
        for (int i = 0; i < HALF; i++) {
            double once = i ? 1 : 0.5;
            forward[0][i][f] = (float)(once * cos(step * i)), forward[1][i][f] = (float)(-once * sin(step * i));
            back[0][f][i] = (float)(weight * cos(step * i)), back[1][f][i] = (float)(-weight * sin(step * i));
        }
        for (int k = 0; k <= MIDDLE; k++) {
            real[0][f][k] = (float)cos(step * k), real[1][f][k] = (float)(weight * cos(step * k));
            if (k) imaginary[0][f][k - 1] = (float)sin(step * k), imaginary[1][f][k - 1] = (float)(weight * sin(step * k));
        }
    }
}

/* y[t] = Σ_k x[t + k - 4] taps[k] and what of it the gradient of y makes, in double precision. */
static double convolved[T][B][COUT], exact_x[T][B][CIN], exact_taps[TAPS][CIN][COUT];

static void convolve(const float (*gradient)[B][COUT]) {
    memset(convolved, 0, sizeof convolved), memset(exact_x, 0, sizeof exact_x), memset(exact_taps, 0, sizeof exact_taps);
    for (int t = 0; t < T; t++)
        for (int k = 0; k < TAPS; k++) {
            int s = t + k - MIDDLE;
            if (s < 0 || s >= T) continue;
            for (int b = 0; b < B; b++)
                for (int i = 0; i < CIN; i++)
                    for (int o = 0; o < COUT; o++) {
                        convolved[t][b][o] += (double)x[s][b][i] * taps[k][i][o];
                        exact_x[s][b][i] += (double)gradient[t][b][o] * taps[k][i][o];
                        exact_taps[k][i][o] += (double)gradient[t][b][o] * x[s][b][i];
                    }
        }
}

static int failed;

static void compare(const char *what, const float *found, const double *exact, long count) {
    double error = 0, size = 0;
    for (long n = 0; n < count; n++) {
        double off = fabs(found[n] - exact[n]), large = fabs(exact[n]);
        if (!(off <= error)) error = off; /* also where it is not a number */
        if (large > size) size = large;
    }
    printf("%s %.1e\n", what, error / size);
    failed |= !(error < 2e-6 * size);
}

int main(void) {
    fill(x[0][0], T * B * CIN), fill(taps[0][0], TAPS * CIN * COUT), fill(bias, COUT), fill(of_y[0][0], T * B * COUT);
    make_tables();
    if (!KERNEL(supported)()) return 77;
    KERNEL(pack_taps)(taps[0][0], packed, CIN, COUT, COUT, 1, 1);
    KERNEL(pack_taps)(taps[0][0], turned, COUT, CIN, 1, COUT, 1);
    KERNEL(pack_taps)(taps[0][0], chosen, COUT, CIN, 1, COUT, 0);
    KERNEL(frequencies)(x[0][0], 0, forward[0][0], forward[1][0], frequencies, T, B, CIN, COUNT, 1);
    KERNEL(multiply)(real[0][0], imaginary[0][0], packed, frequencies, products, COUNT, B, CIN, COUT, 1);
    KERNEL(frames)(products, back[0][0], back[1][0], bias, y[0][0], T, B, COUT, COUNT);
    KERNEL(peak)(products, back[0][0], back[1][0], bias, peak[0], frame[0], T, B, COUT, COUNT, 0, 0);
    convolve(of_y);
    static double highest[B][COUT];
    for (int t = 0; t < T; t++)
        for (int b = 0; b < B; b++)
            for (int o = 0; o < COUT; o++) {
                convolved[t][b][o] = fmax(0, convolved[t][b][o] + bias[o]);
                highest[b][o] = fmax(highest[b][o], convolved[t][b][o]);
            }
    compare("convolution", y[0][0], convolved[0][0], T * B * COUT);

    KERNEL(frequencies)(of_y[0][0], 0, forward[0][0], forward[1][0], of_frequencies, T, B, COUT, COUNT, -1);
    KERNEL(multiply)(real[0][0], imaginary[0][0], turned, of_frequencies, products, COUNT, B, COUT, CIN, -1);
    KERNEL(frames)(products, back[0][0], back[1][0], 0, of_x[0][0], T, B, CIN, COUNT);
    KERNEL(taps_gradient)(real[1][0], imaginary[1][0], frequencies, of_frequencies, of_taps[0][0], COUNT, B, CIN, COUT, 0);
    compare("its gradient", of_x[0][0], exact_x[0][0], T * B * CIN);
    compare("of the taps", of_taps[0][0], exact_taps[0][0], TAPS * CIN * COUT);

    compare("peak", peak[0], highest[0], B * COUT);
    fill(of_peak[0], B * COUT);
    memset(of_y, 0, sizeof of_y);
    for (int b = 0; b < B; b++)
        for (int o = 0; o < COUT; o++) of_y[frame[b][o]][b][o] = of_peak[b][o];
    convolve(of_y);
    KERNEL(sparse_x_gradient)(of_peak[0], frame[0], chosen, of_x[0][0], T, B, CIN, COUT);
    KERNEL(sparse_taps_gradient)(of_peak[0], frame[0], x[0][0], of_taps[0][0], T, B, CIN, COUT);
    compare("its gradient", of_x[0][0], exact_x[0][0], T * B * CIN);
    compare("of the taps", of_taps[0][0], exact_taps[0][0], TAPS * CIN * COUT);
    return failed;
}
