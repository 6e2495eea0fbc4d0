import MiniGPTParallel
import MiniGPTTensors
import Testing

@Suite struct ArenaTests {
  /// Keeps bytes where they are, as a mapped file does, and says when it ends.
  final class Owner {
    let bytes: UnsafeMutableRawBufferPointer
    let ended: Ended

    init(_ floats: [Float], _ ended: Ended) {
      bytes = .allocate(byteCount: 4 * floats.count, alignment: 4)
      self.ended = ended
      floats.withUnsafeBytes { bytes.copyMemory(from: $0) }
    }

    deinit {
      bytes.deallocate()
      ended.count += 1
    }
  }

  final class Ended { var count = 0 }

  static func memory(_ parameters: ParameterStorage, trains: Bool) throws -> Memory {
    Memory(
      MemoryPlan(trains: trains), parameters,
      on: Processor(WorkerPool(threads: 1), try #require(InstructionSet.portable.kernels)))
  }

  /// The largest is 1 GiB, of which no page is touched.
  @Test(arguments: [0, 1, 17, 1 << 28]) func anArenaHasItsSize(count: Int) {
    #expect(Arena(count: count).count == count)
  }

  /// Whole pages are given back, and nothing else; a mapped one keeps its numbers whatever is advised.
  @Test func releasedParameters() throws {
    let count = 3 * 4096, storage = ParameterStorage(count: count), memory = try Self.memory(storage, trains: false)
    let all = Slot(.parameters, offset: 0, rows: 3, columns: 4096), numbers = [Float](repeating: 7, count: count)
    memory.write(all, numbers)
    storage.useSmallPages()
    storage.release(all)
    #expect(memory.read(all) == numbers)
    #if os(Linux)
      storage.release(all.rows(1..<2), discarding: true)
      #expect(memory.read(all.rows(0..<1)) == Array(numbers.prefix(4096)))
      #expect(memory.read(all.rows(1..<2)).contains(0))
      #expect(memory.read(all.rows(2..<3)) == Array(numbers.prefix(4096)))
    #endif
  }

  @Test func parametersOfItsOwnAreZeroAndWritable() throws {
    let storage = ParameterStorage(count: 5), all = Slot(.parameters, offset: 0, rows: 1, columns: 5)
    let memory = try Self.memory(storage, trains: true)
    #expect(storage.isWritable && memory.read(all) == [0, 0, 0, 0, 0])
    memory.write(all, [1, 2, 3, 4, 5])
    let other = try Self.memory(storage, trains: false)
    #expect(other.read(all) == [1, 2, 3, 4, 5])
  }

  @Test func parametersAreSeenInPlaceAndKept() throws {
    let ended = Ended()
    do {
      let owner = Owner([1, -0.5, 7], ended)
      let memory = try Self.memory(ParameterStorage(viewing: owner.bytes.bytes, keptBy: owner), trains: false)
      #expect(!memory.parameters.isWritable && memory.parameters.count == 3)
      #expect(memory.read(Slot(.parameters, offset: 0, rows: 1, columns: 3)) == [1, -0.5, 7])
      #expect(ended.count == 0)
    }
    #expect(ended.count == 1)
    let none = Owner([], ended)
    #expect(ParameterStorage(viewing: none.bytes.bytes, keptBy: none).count == 0)
  }

  @Test func trainingNeedsParametersOfItsOwn() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let owner = Owner([0, 0], Ended())
      _ = try ArenaTests.memory(ParameterStorage(viewing: owner.bytes.bytes, keptBy: owner), trains: true)
    }
    #expect(errorText(result).contains("training needs parameters of its own"))
    let negative = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Arena(count: -1)
    }
    #expect(errorText(negative).contains("an arena of -1 floats"))
  }
}
