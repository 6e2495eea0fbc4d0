internal import MiniGPT
internal import MiniGPTPlatform

/// What computes: threads, and the kernels of an instruction set.
struct Machine {
  let processor: Processor
  let instructionSet: InstructionSet

  init(threads: Int?) throws {
    instructionSet = try Self.instructionSet()
    guard let kernels = instructionSet.kernels else { throw Self.lacks(instructionSet.rawValue) }
    processor = Processor(WorkerPool(threads: Self.threads(threads)), kernels)
  }

  var pool: WorkerPool { processor.pool }
  var kernels: Kernels { processor.kernels }

  static func threads(_ wanted: Int?) -> Int { wanted ?? ProcessorCount.available }

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
