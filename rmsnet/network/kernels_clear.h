/* Takes back what kernels.c and kernels_frames.h have defined for a kind of processor. */

#undef NAME
#undef TARGET
#undef LANES
#undef COLUMNS
#undef ROWS
#undef BFLOAT16
#undef AMX
#undef pair
#undef PANEL
#undef PLACES
#undef OF_PANEL
#undef ALIGNED
#undef INLINE
#undef IN_PIECES
#undef vector
#undef bits
#undef halves
#undef number
