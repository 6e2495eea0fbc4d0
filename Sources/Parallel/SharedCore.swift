internal import MiniGPTPlatform

/// How a worker lives with another program that wants its core all the time.
///
/// A scheduler takes a core away at a tick and gives it back some ticks later. Who loses it with a part in hand holds up
/// the whole round meanwhile. So a worker that keeps losing its core finds out when the ticks come, lays its work down a
/// moment before one, and wakes a moment before the next, at which it gets the core again: it has the half that is its
/// share anyhow, and while it is away all parts are free for others.
///
/// Of two threads that together do s times the work of one, with a neighbour on one of their cores, that leaves
/// 1 + (s - 1) / 2 at best; a turn loses half a millisecond of its tick, and looking for ticks one or two of them a second.
///
/// It also keeps off the core of the caller, whose side is where a scheduler likes to put who is woken by it.
struct SharedCore {
  /// Whether it takes turns with another program.
  private(set) var isShared = false
  private let tick: Double
  /// How long it has the core, and how long it does without, in seconds: whole ticks.
  private let turn: Double
  private let isPossible: Bool

  /// When a core's ticks come, modulo the tick, and which core that is.
  private var phase = 0.0
  private var core: Int?
  /// When it has to be away.
  private var leaveAt = 0.0
  /// When it looks again whether the other program is still there.
  private var lookAt = 0.0
  /// When it last asked for a part, and how long the one before took.
  private var asked = 0.0
  private var part = 0.0
  /// Turns in a row in which it held up others all the same.
  private var misses = 0
  private var hasMissed = false

  /// Seconds that it slept between rounds since a stretch of time began, and what it had had until then.
  var asleep = 0.0
  private var stretch = 0.0
  private var checked = 0.0
  private var processorTime = 0.0
  private var preemptions = 0
  /// The cores that it might be on before it kept off one, and when it did.
  private var before: CoreSet?
  private var keptOff = 0.0

  /// Seconds before a tick when it stops, and when it wakes: the first is what a part may take besides.
  private static let margin = 0.3e-3, back = 0.2e-3
  /// A scheduler leaves a thread its core for about so long before it looks whether another one's turn has come.
  private static let slice = 3e-3
  /// So many losses in a stretch of so many ticks, that took so much of it, are no accident.
  private static let many = 2, much = 0.2, stretchLength = 4.0
  /// Who loses the core is away for a tick; interrupts and hypervisors take less. In ticks.
  private static let away = 0.6
  /// How long it believes that nothing has changed.
  private static let hold = 1.0
  /// Longer between two parts means that the core was away meanwhile, or that parts are too long for taking turns.
  private static let longPart = 1e-3

  init() {
    tick = MonotonicTime.tick ?? 0
    isPossible = tick > 2 * Self.margin
    turn = isPossible ? (Self.slice / tick).rounded(.up) * tick : 0
    // What is looked up once takes memory, which work does not.
    _ = (CoreSet.ofThread, CurrentThread.core)
  }

  /// How long it stays awake for the next round. Who sleeps in its turn has lost the rest of it.
  var awake: Double { isShared ? 8 * WorkerPool.awake : WorkerPool.awake }

  /// Whether there is time for a part.
  mutating func mayTake() -> Bool {
    if !isShared { return true }
    let now = MonotonicTime.now
    part = now - asked
    asked = now
    if part > Self.longPart {
      hasMissed = true
      part = 0
    }
    return now < leaveAt - part
  }

  /// Whether its turn is over.
  var isOver: Bool { isShared && MonotonicTime.now >= leaveAt - part }

  /// Called when a round begins.
  mutating func beginRound() { if isShared { asked = MonotonicTime.now } }

  /// Called when it has done what it could of a round: looks from time to time whether it keeps losing its core.
  ///
  /// - Parameters:
  ///   - caller: the core of the caller.
  ///   - isCrowded: whether the caller keeps losing it to a worker.
  mutating func endRound(caller: Int?, isCrowded: Bool) {
    if isShared || !isPossible { return }
    let now = MonotonicTime.coarse
    if now == checked { return }
    let isContinued = now - checked < Self.stretchLength * tick
    checked = now
    if before != nil, now - keptOff > Self.hold { comeBack() }
    if isCrowded, caller == CurrentThread.core { keepOff(caller) }
    let length = now - stretch
    if !isContinued || length > 2 * Self.stretchLength * tick {
      begin(stretch: now)
    } else if length > (Self.stretchLength - 0.5) * tick {
      let lost = length - asleep - (CurrentThread.processorTime - processorTime)
      if lost > Self.much * length, CurrentThread.preemptions - preemptions >= Self.many {
        keepOff(caller)
        isShared = findTick(within: 2.5 * turn)
      }
      begin(stretch: MonotonicTime.coarse)
    }
  }

  private mutating func begin(stretch now: Double) {
    (stretch, asleep) = (now, 0)
    (processorTime, preemptions) = (CurrentThread.processorTime, CurrentThread.preemptions)
  }

  /// Sleeps where its turn is over.
  mutating func rest(caller: Int?) {
    if !isOver { return }
    if MonotonicTime.now >= lookAt {
      if !findTick(within: 2.5 * turn) { stop() }
      return
    }
    if let caller, caller == CurrentThread.core { keepOff(caller) }
    let wake = leaveAt + Self.margin + turn - Self.back
    CurrentThread.sleep(until: wake)
    misses = hasMissed ? misses + 1 : 0
    hasMissed = false
    if misses >= 4 || core != CurrentThread.core {
      misses = 0
      if !findTick(within: 2.5 * turn) { stop() }
      return
    }
    begin(MonotonicTime.now)
  }

  /// Goes back to taking every part.
  mutating func stop() {
    isShared = false
    if before != nil { comeBack() }
  }

  /// A turn begins at the tick that is nearest.
  private mutating func begin(_ now: Double) {
    let since = (now - phase).remainder(dividingBy: tick)
    leaveAt = now - since + turn - Self.margin
    (asked, part) = (now, 0)
  }

  /// Waits until the core is taken away and comes back, which is at a tick; false where that does not happen.
  private mutating func findTick(within limit: Double) -> Bool {
    let start = MonotonicTime.now
    var last = start
    while last - start < limit {
      let now = MonotonicTime.now
      if now - last > Self.away * tick {
        phase = now.truncatingRemainder(dividingBy: tick)
        core = CurrentThread.core
        lookAt = now + Self.hold
        begin(now)
        return true
      }
      last = now
    }
    return false
  }

  private mutating func keepOff(_ core: Int?) {
    keptOff = MonotonicTime.coarse
    if before == nil { before = CoreSet.ofThread }
    if let core { before?.without(core)?.restrictThread() }
  }

  private mutating func comeBack() {
    before?.restrictThread()
    before = nil
  }
}
