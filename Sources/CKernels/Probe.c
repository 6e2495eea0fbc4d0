// What this processor has, asked once, and the kernels that it can run.
#include "Kernels.h"

#if defined(__x86_64__)

const minigpt_kernels *minigpt_avx2(void) {
  int there = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return there ? &minigpt_kernels_avx2 : NULL;
}

const minigpt_kernels *minigpt_avx512(void) {
  int there = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("fma");
  return there ? &minigpt_kernels_avx512 : NULL;
}

#else

const minigpt_kernels *minigpt_avx2(void) { return NULL; }
const minigpt_kernels *minigpt_avx512(void) { return NULL; }

#endif
