#include <stdint.h>

/// 1 where this library counts allocations, 0 where a sanitizer owns `malloc`.
int allocations_counted(void);
/// How many times any thread of this process has asked for memory.
uint64_t allocations_all(void);
