internal import Platform

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Keeps the pace between one thread that reads a stream of bytes in order and others that use what it read: they wait for
/// bytes, and it stays at most `lead` bytes ahead of what they are done with, so that no more has to be in memory.
///
/// Unchecked: everything that changes is read and written with the mutex held.
@safe package final class StreamPace: @unchecked Sendable {
  private let lead: Int
  private var read = 0
  private var released = 0
  private var wanted = 0
  private var hasEnded = false
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let change: UnsafeMutablePointer<pthread_cond_t>

  package init(lead: Int) {
    self.lead = lead
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

  /// The reader's: waits until it may read up to `end`; false once nobody wants more.
  package func mayRead(upTo end: Int) -> Bool {
    locked {
      while !hasEnded && end > max(released + lead, wanted) { unsafe pthread_cond_wait(change, mutex) }
      return !hasEnded
    }
  }

  /// The reader's: all bytes in front of `end` are read.
  package func didRead(upTo end: Int) {
    locked {
      read = end
      unsafe pthread_cond_broadcast(change)
    }
  }

  /// Waits until all bytes in front of `end` are read; false if they never will be.
  package func waitForBytes(upTo end: Int) -> Bool {
    locked {
      if end > wanted {
        wanted = end
        unsafe pthread_cond_broadcast(change)
      }
      while !hasEnded && read < end { unsafe pthread_cond_wait(change, mutex) }
      return read >= end
    }
  }

  /// So many bytes that were read are not needed any more.
  package func release(_ count: Int) {
    locked {
      released += count
      unsafe pthread_cond_broadcast(change)
    }
  }

  /// No more is read: by the reader after a failure, or by whoever wants no more.
  package func end() {
    locked {
      hasEnded = true
      unsafe pthread_cond_broadcast(change)
    }
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body()
  }
}
