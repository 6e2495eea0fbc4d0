package import MiniGPTParallel
internal import MiniGPTPlatform

/// All memory that one computation uses, taken before its first step, and the means to compute in it.
///
/// Layers hold slots; this holds what they name, the kernels of one instruction set and the threads. Every operation
/// checks the shapes and places of its slots once, then runs.
///
/// Unchecked: one thread at a time calls an operation; the operation's parts, on the pool's threads, write disjoint
/// places.
@safe package final class Memory: @unchecked Sendable {
  package let parameters: ParameterStorage
  package let processor: Processor
  /// Where the time goes, where somebody wants to know: nil otherwise.
  package var timeSplit: TimeSplit?
  private let gradients: Arena
  private let optimizer: Arena
  private let activations: Arena
  private let scratch: Arena
  private let scratchPerThread: Int
  private let indices: Arena
  /// One partial sum, a double, for every `Memory.partialLength` parameters.
  private let partials: Arena
  private let bases: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let counts: UnsafeMutablePointer<Int>

  package init(_ plan: MemoryPlan, _ parameters: ParameterStorage, on processor: Processor) {
    check(!plan.trains || parameters.isWritable, "training needs parameters of its own")
    self.parameters = parameters
    self.processor = processor
    let activations = plan.activations, pool = processor.pool
    let count = parameters.count
    gradients = Arena(count: plan.trains ? count : 0)
    optimizer = Arena(count: plan.optimizer)
    self.activations = Arena(count: activations)
    indices = Arena(count: plan.indices)
    partials = Arena(count: 2 * (count / Memory.partialLength + 1))
    scratchPerThread = (max(plan.scratch, ProductWork.scratch, Memory.decodingScratch) + 15) / 16 * 16
    scratch = Arena(count: scratchPerThread * pool.threads)
    unsafe bases = .allocate(capacity: Region.allCases.count)
    unsafe counts = .allocate(capacity: Region.allCases.count)
    for region in Region.allCases {
      let (base, count) =
        switch region {
        case .parameters: unsafe (parameters.base, count)
        case .gradients: unsafe (gradients.base, gradients.count)
        case .optimizer: unsafe (optimizer.base, optimizer.count)
        case .activations: unsafe (self.activations.base, activations)
        case .scratch: unsafe (scratch.base, scratchPerThread * pool.threads)
        }
      unsafe (bases + region.rawValue).initialize(to: base)
      unsafe (counts + region.rawValue).initialize(to: count)
    }
  }

  deinit {
    unsafe bases.deallocate()
    unsafe counts.deallocate()
  }

  package var pool: WorkerPool { processor.pool }
  package var kernels: Kernels { processor.kernels }
  /// Of the products.
  package var precision: Precision { processor.precision }

  /// Bytes taken, touched or not.
  package var byteCount: Int {
    4 * (parameters.count + gradients.count + optimizer.count + activations.count + indices.count + scratch.count)
  }

  /// Parameters that one partial sum covers: the same for any number of threads.
  package static var partialLength: Int { 1 << 15 }

  var partialSums: UnsafeMutablePointer<Double> {
    unsafe UnsafeMutableRawPointer(partials.base).assumingMemoryBound(to: Double.self)
  }

  /// Where a list of token ids begins, once its place is checked.
  @inline(__always) func pointer(_ slot: IndexSlot) -> UnsafeMutablePointer<Int32> {
    check(
      slot.offset >= 0 && slot.count >= 0 && slot.offset + slot.count <= indices.count,
      "\(slot) outside of \(indices.count)")
    return unsafe UnsafeMutableRawPointer(indices.base + slot.offset).assumingMemoryBound(to: Int32.self)
  }

  package func count(of region: Region) -> Int { unsafe counts[region.rawValue] }

  /// Where a slot begins, once its place is checked.
  @inline(__always) func pointer(_ slot: Slot) -> UnsafeMutablePointer<Float> {
    let count = unsafe counts[slot.region.rawValue]
    check(
      slot.offset >= 0 && slot.rows >= 0 && slot.columns >= 0 && slot.stride >= slot.columns && slot.end <= count,
      "\(slot) outside of \(count) floats")
    return unsafe bases[slot.region.rawValue] + slot.offset
  }

  /// The scratch memory of one thread, to be cut up by the part of work that runs there.
  package func scratch(_ thread: Int) -> ScratchPlanner {
    ScratchPlanner(next: thread * scratchPerThread, end: (thread + 1) * scratchPerThread)
  }
}

/// Where the scratch memory of each thread begins, for work in many small parts: such work holds no object, as counting
/// who holds one goes back and forth between the cores.
@safe struct ThreadScratch {
  private let base: UnsafeMutablePointer<Float>
  private let perThread: Int

  fileprivate init(base: UnsafeMutablePointer<Float>, perThread: Int) {
    unsafe self.base = base
    self.perThread = perThread
  }

  func pointer(_ thread: Int) -> UnsafeMutablePointer<Float> { unsafe base + thread * perThread }
}

extension Memory {
  /// So many floats for each thread.
  func scratch(ofFloats count: Int) -> ThreadScratch {
    check(count <= scratchPerThread, "\(count) floats of scratch memory, of \(scratchPerThread)")
    return unsafe ThreadScratch(base: scratch.base, perThread: scratchPerThread)
  }
}

/// Cuts slots out of one thread's scratch memory.
package struct ScratchPlanner {
  var next: Int
  let end: Int

  package mutating func take(_ rows: Int, _ columns: Int) -> Slot {
    let slot = Slot(.scratch, offset: next, rows: rows, columns: columns)
    next = (slot.end + 15) / 16 * 16
    check(next <= end, "scratch memory: \(slot) ends behind \(end)")
    return slot
  }
}

// Values in and out, outside of the hot paths.
extension Memory {
  /// A copy of a matrix, row by row.
  package func read(_ slot: Slot) -> [Float] {
    let base = unsafe pointer(slot)
    return unsafe [Float](unsafeUninitializedCapacity: slot.count) { buffer, count in
      for r in 0..<slot.rows {
        for j in 0..<slot.columns {
          unsafe buffer[r * slot.columns + j] = base[r * slot.stride + j]
        }
      }
      count = slot.count
    }
  }

  /// Copies a row to an array of its length, which takes no memory.
  package func read(_ slot: Slot, row: Int, into values: inout [Float]) {
    check(row >= 0 && row < slot.rows && values.count == slot.columns, "row \(row) of \(slot) to \(values.count)")
    let source = unsafe pointer(slot) + row * slot.stride
    unsafe values.withUnsafeMutableBufferPointer { buffer in
      if let start = buffer.baseAddress { unsafe start.update(from: source, count: buffer.count) }
    }
  }

  package func value(_ slot: Slot, _ row: Int, _ column: Int) -> Float {
    check(row >= 0 && row < slot.rows && column >= 0 && column < slot.columns, "[\(row), \(column)] of \(slot)")
    return unsafe pointer(slot)[row * slot.stride + column]
  }

  package func setValue(_ slot: Slot, _ row: Int, _ column: Int, _ value: Float) {
    check(row >= 0 && row < slot.rows && column >= 0 && column < slot.columns, "[\(row), \(column)] of \(slot)")
    unsafe pointer(slot)[row * slot.stride + column] = value
  }

  package func write(_ slot: Slot, _ values: [Float]) {
    check(values.count == slot.count, "\(values.count) values for \(slot)")
    let base = unsafe pointer(slot)
    for r in 0..<slot.rows {
      for j in 0..<slot.columns {
        unsafe base[r * slot.stride + j] = values[r * slot.columns + j]
      }
    }
  }

  package func fill(_ slot: Slot, _ value: Float) {
    let base = unsafe pointer(slot)
    for r in 0..<slot.rows { unsafe (base + r * slot.stride).update(repeating: value, count: slot.columns) }
  }

  package func index(_ slot: IndexSlot, _ i: Int) -> Int32 {
    check(i >= 0 && i < slot.count, "place \(i) of \(slot)")
    return unsafe pointer(slot)[i]
  }

  package func setIndex(_ slot: IndexSlot, _ i: Int, _ id: Int32) {
    check(i >= 0 && i < slot.count, "place \(i) of \(slot)")
    unsafe pointer(slot)[i] = id
  }

  /// The bytes of a contiguous slot, little-endian as the machine is.
  package func withBytes<Result, Failure: Error>(
    of slot: Slot, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    check(slot.isContiguous, "bytes of \(slot) with stride \(slot.stride)")
    let bytes = unsafe UnsafeRawBufferPointer(start: pointer(slot), count: slot.count * 4)
    return try unsafe body(bytes.bytes)
  }

  /// Sets a contiguous slot from the bytes of its floats.
  package func setBytes(of slot: Slot, _ bytes: RawSpan) {
    check(slot.isContiguous && bytes.byteCount == slot.count * 4, "\(bytes.byteCount) bytes for \(slot)")
    let target = unsafe UnsafeMutableRawPointer(pointer(slot))
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress { unsafe target.copyMemory(from: start, byteCount: source.count) }
    }
  }
}
