// Instructions that Swift cannot express. No allocation, no threads, no logic.
#ifndef MINIGPT_CKERNELS_H
#define MINIGPT_CKERNELS_H

#include <stdint.h>

/// Tells the core that this thread waits in a loop.
static inline void minigpt_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
