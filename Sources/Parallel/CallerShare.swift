internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// Looks from time to time how much of a core the caller's thread gets.
///
/// Workers that take turns (`SharedCore`) are of use to a caller that goes on without them. One that loses its own core
/// leaves them waiting in their turns; then all threads go where the scheduler has them, and turns are tried again later.
struct CallerShare {
  /// Whether workers take turns with programs that want their cores.
  private(set) var allowsTurns = true
  /// Whether it kept losing its core to a worker: the two change places all the time, where neighbours do at ticks.
  private(set) var isCrowded = false
  /// Seconds that it slept in rounds since the last look.
  var asleep = 0.0

  private var thread: pthread_t?
  private var start = 0.0
  /// The tick at which it was last called.
  private var last = 0.0
  private var processorTime = 0.0
  private var preemptions = 0
  /// Looks in a row at which it had lost its core too often.
  private var poor = 0
  /// When what holds began, and how long no turns are taken: longer each time that they fail at once.
  private var since = 0.0
  private var hold = Self.shortHold

  /// Seconds between looks, at least and at most.
  private static let window = 0.05, longWindow = 1.0
  private static let shortHold = 0.5, longHold = 8.0
  /// Part of the time that is too much to lose, for so many looks.
  private static let much = 0.12, manyPoor = 3
  private static let manyChanges = 30

  /// Called before each round with the time to a tick; false where no tick has come since the last round.
  mutating func begin(_ now: Double) -> Bool {
    if now == last { return false }
    last = now
    if now - start >= Self.window {
      // Whoever was away for long, waiting for a person or a disk, lost nothing.
      let isSame = thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false
      if isSame, now - start < Self.longWindow { look(now) }
      restart(now)
    }
    return true
  }

  private mutating func restart(_ now: Double) {
    thread = pthread_self()
    (start, asleep) = (now, 0)
    (processorTime, preemptions) = (CurrentThread.processorTime, CurrentThread.preemptions)
  }

  private mutating func look(_ now: Double) {
    let losses = CurrentThread.preemptions - preemptions
    let lost = now - start - asleep - (CurrentThread.processorTime - processorTime)
    isCrowded = losses >= Self.manyChanges && lost > Self.much * (now - start)
    if !allowsTurns {
      if now - since >= hold { (allowsTurns, since, poor) = (true, now, 0) }
      return
    }
    let isPoor = !isCrowded && losses >= 3 && lost > Self.much * (now - start)
    poor = isPoor ? poor + 1 : 0
    if poor < Self.manyPoor { return }
    hold = now - since < Self.longHold ? min(2 * hold, Self.longHold) : Self.shortHold
    (allowsTurns, since) = (false, now)
  }
}
