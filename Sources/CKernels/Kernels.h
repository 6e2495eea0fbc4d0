// The tables of the instruction sets, seen by the probe alone.
#include "CKernels.h"

#if defined(__x86_64__)
extern const minigpt_kernels minigpt_kernels_avx2;
extern const minigpt_kernels minigpt_kernels_avx512;
extern const minigpt_kernels minigpt_kernels_avx512bf16;
extern const minigpt_kernels minigpt_kernels_amx;
#endif
