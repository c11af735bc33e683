/* The compiled products of rmsnet/network/spectral.py for each kind of processor that this compiler makes programs for;
   called by rmsnet/network/kernels.py, which asks NAME_supported() what the processor can. */

#include <stdint.h>

enum {
    TAPS = 9,
    MIDDLE = TAPS / 2,
    GROUP = 3,  /* frequencies that one pass over the taps responds to */
    CHUNK = 8,  /* frequencies whose responses' gradients are kept before they become one of the taps */
    CLIPS = 16, /* whose frames fit a cache */
    STRIP = 16, /* inputs whose taps do */
    NEAR = 64,  /* outputs whose frequencies do while panels of inputs meet them; outputs are a multiple of it */
};

#if defined(__x86_64__) && defined(__linux__)

#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

int avx2_supported(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

#define NAME(function) avx2_##function
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define COLUMNS 2
#define ROWS 6
#include "kernels_frames.h"
#include "kernels_products.h"
#include "kernels_clear.h"

int avx512_supported(void) { return __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"); }

#define NAME(function) avx512_##function
#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw")))
#define LANES 16
#define COLUMNS 2
#define ROWS 12
#include "kernels_frames.h"
#include "kernels_products.h"
#include "kernels_clear.h"

int avx512bf16_supported(void) {
    return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512bf16");
}

#define NAME(function) avx512bf16_##function
#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16")))
#define LANES 16
#define COLUMNS 2
#define ROWS 12
#define BFLOAT16
#include "kernels_frames.h"
#include "kernels_pairs.h"
#include "kernels_clear.h"

/* Tiles are a state of the processor that Linux gives to those who ask. */
int amx_supported(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILES = 18 };
    return avx512bf16_supported() && __builtin_cpu_supports("amx-bf16") &&
           syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILES) == 0;
}

#define NAME(function) amx_##function
#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,amx-tile,amx-bf16")))
#define LANES 16
#define COLUMNS 2
#define ROWS 12
#define BFLOAT16
#define AMX
#include "kernels_frames.h"
#include "kernels_pairs.h"
#include "kernels_clear.h"

#elif defined(__aarch64__)

int neon_supported(void) { return 1; }

#define NAME(function) neon_##function
#define TARGET
#define LANES 4
#define COLUMNS 4
#define ROWS 6
#include "kernels_frames.h"
#include "kernels_products.h"
#include "kernels_clear.h"

#endif
