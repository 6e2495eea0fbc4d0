internal import MiniGPT
internal import MiniGPTPlatform

/// What computes: threads, and the kernels of an instruction set.
struct Machine {
  let processor: Processor
  let instructionSet: InstructionSet

  init(threads: Int?, _ console: Console) throws {
    instructionSet = try Self.instructionSet()
    guard let kernels = instructionSet.kernels else { throw Self.lacks(instructionSet.rawValue) }
    processor = Processor(Self.pool(threads: threads, console), kernels)
  }

  var pool: WorkerPool { processor.pool }
  var kernels: Kernels { processor.kernels }

  /// So many threads are tried for each core; beyond, they wait for each other more than they work.
  private static let mostPerCore = 8

  /// The threads that were asked for, or as many of them as make sense and can be had.
  static func pool(threads wanted: Int?, _ console: Console) -> WorkerPool {
    let cores = ProcessorCount.available, wanted = wanted ?? cores
    let pool = WorkerPool(threads: min(wanted, mostPerCore * cores))
    if pool.threads < wanted {
      let why = pool.threads < mostPerCore * cores ? "the system gives no more" : "for \(cores) cores"
      console.say("\(pool.threads) of \(grouped(wanted)) threads: \(why)")
    }
    return pool
  }

  /// The best that the processor has, or the one that `MINIGPT_ISA` names.
  static func instructionSet() throws -> InstructionSet {
    guard let name = Environment.bytes("MINIGPT_ISA"), !name.isEmpty else { return .best }
    let text = String(decoding: name, as: UTF8.self)
    guard let found = InstructionSet.available.first(where: { $0.rawValue == text }) else { throw lacks(text) }
    return found
  }

  private static func lacks(_ name: String) -> UsageError {
    let known = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
    return .contradiction("MINIGPT_ISA=\(printable(name)): this processor has \(known)")
  }
}
