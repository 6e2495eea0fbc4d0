internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// A lock, and a place to sleep until somebody who held it changed something (Hoare 1974, *Monitors*).
///
/// Unchecked: the two are made for being used by any thread.
@safe final class Monitor: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let change: UnsafeMutablePointer<pthread_cond_t>

  init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe change = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(change, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(change)
    unsafe pthread_mutex_destroy(mutex)
    unsafe change.deallocate()
    unsafe mutex.deallocate()
  }

  /// Runs `body` while no other thread runs one.
  func locked<Result>(_ body: () -> Result) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Inside of `locked`: lets others in and sleeps until one of them announces a change, or for no reason.
  func wait() { unsafe _ = pthread_cond_wait(change, mutex) }

  /// Inside of `locked`: wakes all that sleep.
  func announceChange() { unsafe _ = pthread_cond_broadcast(change) }
}
