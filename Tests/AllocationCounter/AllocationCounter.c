// Defines the allocation functions of the whole test process, the Swift runtime included, over glibc's own.
#include "AllocationCounter.h"
#include <stddef.h>

#if !defined(__has_feature)
#define __has_feature(x) 0
#endif

#if defined(__GLIBC__) || defined(__linux__)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define COUNTING 1
#endif
#endif

#ifdef COUNTING
#include <errno.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static uint64_t all;

static void count(void) { __atomic_fetch_add(&all, 1, __ATOMIC_RELAXED); }

void *malloc(size_t n) { count(); return __libc_malloc(n); }
void *calloc(size_t n, size_t size) { count(); return __libc_calloc(n, size); }
void *realloc(void *old, size_t n) { count(); return __libc_realloc(old, n); }
void *memalign(size_t alignment, size_t n) { count(); return __libc_memalign(alignment, n); }
void *aligned_alloc(size_t alignment, size_t n) { count(); return __libc_memalign(alignment, n); }
int posix_memalign(void **out, size_t alignment, size_t n) {
  count();
  void *memory = __libc_memalign(alignment, n);
  if (!memory) return ENOMEM;
  *out = memory;
  return 0;
}

int allocations_counted(void) { return 1; }
uint64_t allocations_all(void) { return __atomic_load_n(&all, __ATOMIC_RELAXED); }
#else
int allocations_counted(void) { return 0; }
uint64_t allocations_all(void) { return 0; }
#endif
