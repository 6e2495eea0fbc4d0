import MiniGPTParallel
import MiniGPTTensors
import Testing

/// Numbers in -1 ..< 1 that look random and repeat from run to run.
func numbers(_ count: Int, _ seed: Int) -> [Float] {
  let stream = RandomStream(seed: UInt64(seed), .dropout, place: 0)
  return (0..<count).map { Float(stream.uniform($0) * 2 - 1) }
}

/// Lengths of rows around all vector widths and their multiples, and some larger ones.
let lengths = Array(0...70) + [95, 127, 128, 129, 255, 257, 1000]

/// How far kernels are from the definition in double precision: the largest |a - b| / max(1, |b|).
func worstError(_ a: [Float], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  var worst = 0.0
  for (x, y) in zip(a, b) {
    let error = abs(Double(x) - y) / max(1, abs(y))
    if !(error <= worst) { worst = error }  // a NaN counts
  }
  return worst
}

/// A memory whose matrices lie at odd places with odd strides, and which notices what is written beside them.
final class Field {
  static let untouched: Float = -54321
  let memory: Memory
  private let whole: Slot
  private var next = 1
  private var nextIndex = 1
  private var placed: [(slot: Slot, values: [Float])] = []

  init(
    _ set: InstructionSet, threads: Int = 1, floats: Int = 1 << 14, indices: Int = 0, precision: Precision = .fp32
  ) throws {
    memory = Memory(
      MemoryPlan(activations: floats, indices: indices + 64), ParameterStorage(count: 0),
      on: Processor(WorkerPool(threads: threads), try #require(set.kernels), precision))
    whole = Slot(.activations, offset: 0, rows: 1, columns: floats)
    memory.fill(whole, Self.untouched)
  }

  /// Forgets all matrices.
  func reset() {
    memory.fill(whole, Self.untouched)
    (next, nextIndex) = (1, 1)
    placed = []
  }

  /// A matrix with these values; contiguous where the operation wants it so.
  func place(_ rows: Int, _ columns: Int, _ values: [Float], contiguous: Bool = false) -> Slot {
    let gap = 1 + placed.count * 5 % 7
    let slot = Slot(
      .activations, offset: next, rows: rows, columns: columns, stride: contiguous ? columns : columns + gap)
    memory.write(slot, values)
    placed.append((slot, values))
    next = slot.end + gap + 1
    return slot
  }

  func place(_ rows: Int, _ columns: Int, seed: Int, contiguous: Bool = false) -> Slot {
    place(rows, columns, numbers(rows * columns, seed), contiguous: contiguous)
  }

  func place(_ ids: [Int32]) -> IndexSlot {
    let slot = IndexSlot(offset: nextIndex, count: ids.count)
    for (i, id) in ids.enumerated() { memory.setIndex(slot, i, id) }
    nextIndex += ids.count + 1
    return slot
  }

  /// Whether the values of all other matrices and everything between the matrices are as they were.
  func changedOnly(_ slots: Slot...) -> Bool {
    var now = memory.read(whole)
    for (slot, values) in placed {
      for r in 0..<slot.rows {
        for j in 0..<slot.columns {
          let place = slot.offset + r * slot.stride + j
          let mayChange = slots.contains(slot)
          if !mayChange && now[place].bitPattern != values[r * slot.columns + j].bitPattern { return false }
          now[place] = Self.untouched
        }
      }
    }
    return now.allSatisfy { $0 == Self.untouched }
  }
}

extension [Float] {
  /// The same bits, so that NaN equals itself and 0 is not -0.
  var bits: [UInt32] { map(\.bitPattern) }

  var areAllNaN: Bool { allSatisfy { $0.isNaN } }

  var doubles: [Double] { map(Double.init) }
}

/// What a process of an exit test said on its way out.
func errorText(_ result: ExitTest.Result?) -> String {
  String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
}

/// x rounded to the nearest bfloat16, ties to even, as the definition has it.
func bfloat16(_ x: Float) -> Float {
  let bits = x.bitPattern, rest = bits & 0xFFFF, kept = bits >> 16
  let up = rest > 0x8000 || rest == 0x8000 && kept % 2 == 1
  return Float(bitPattern: (up ? kept + 1 : kept) << 16)
}
