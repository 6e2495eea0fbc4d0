// What this processor has, asked once, and the kernels that it can run.
#include "Kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

const minigpt_kernels *minigpt_avx2(void) {
  int there = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return there ? &minigpt_kernels_avx2 : NULL;
}

const minigpt_kernels *minigpt_avx512(void) {
  int there = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("fma");
  if (!there) return NULL;
  return __builtin_cpu_supports("avx512bf16") ? &minigpt_kernels_avx512bf16 : &minigpt_kernels_avx512;
}

/// Whether the processor has the tiles and products of bfloat16 in them: leaf 7, bits 24 and 22 of edx.
static int has_amx(void) {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 1) && (d >> 22 & 1);
}

/// Linux gives a process the tiles' 8 KB of state only when it asks: arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA).
static int may_use_tiles(void) {
#if defined(__linux__) && defined(SYS_arch_prctl)
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
  return 0;
#endif
}

const minigpt_kernels *minigpt_amx(void) {
  const minigpt_kernels *base = minigpt_avx512();
  return base && base->product16 && has_amx() && may_use_tiles() ? &minigpt_kernels_amx : NULL;
}

int minigpt_has_fast_pairs(void) { return __builtin_cpu_is("amd"); }

#else

int minigpt_has_fast_pairs(void) { return 0; }

const minigpt_kernels *minigpt_amx(void) { return NULL; }
const minigpt_kernels *minigpt_avx2(void) { return NULL; }
const minigpt_kernels *minigpt_avx512(void) { return NULL; }

#endif
