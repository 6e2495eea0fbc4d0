/// Keeps the pace between one thread that reads a stream of bytes in order and others that use what it read: they wait for
/// bytes, and it stays at most `lead` bytes ahead of what they are done with, so that no more has to be in memory.
///
/// Unchecked: everything that changes is read and written inside of the monitor.
@safe package final class StreamPace: @unchecked Sendable {
  private let lead: Int
  private var read = 0
  private var released = 0
  private var wanted = 0
  private var hasEnded = false
  private let monitor = Monitor()

  package init(lead: Int) { self.lead = lead }

  /// The reader's: waits until it may read up to `end`; false once nobody wants more.
  package func mayRead(upTo end: Int) -> Bool {
    monitor.locked {
      while !hasEnded && end > max(released + lead, wanted) { monitor.wait() }
      return !hasEnded
    }
  }

  /// The reader's: all bytes in front of `end` are read.
  package func didRead(upTo end: Int) {
    monitor.locked {
      read = end
      monitor.announceChange()
    }
  }

  /// Waits until all bytes in front of `end` are read; false if they never will be.
  package func waitForBytes(upTo end: Int) -> Bool {
    monitor.locked {
      if end > wanted {
        wanted = end
        monitor.announceChange()
      }
      while !hasEnded && read < end { monitor.wait() }
      return read >= end
    }
  }

  /// So many bytes that were read are not needed any more.
  package func release(_ count: Int) {
    monitor.locked {
      released += count
      monitor.announceChange()
    }
  }

  /// No more is read: by the reader after a failure, or by whoever wants no more.
  package func end() {
    monitor.locked {
      hasEnded = true
      monitor.announceChange()
    }
  }
}
