import MiniGPTParallel
import MiniGPTTensors
import Testing

@Suite struct MemoryTests {
  static func memory(trains: Bool = true, threads: Int = 2) throws -> Memory {
    var plan = MemoryPlan(activations: 100, indices: 10, scratch: 1000, trains: trains)
    if trains { for _ in 0..<2 { _ = plan.takeState(like: Slot(.parameters, offset: 0, rows: 1, columns: 37)) } }
    return Memory(
      plan, ParameterStorage(count: 37),
      on: Processor(WorkerPool(threads: threads), try #require(InstructionSet.portable.kernels)))
  }

  @Test func allRegionsAreThereAndApart() throws {
    let memory = try Self.memory()
    let scratch = memory.count(of: .scratch)
    #expect(Region.allCases.map(memory.count) == [37, 37, 96, 100, scratch] && scratch >= 2000)
    for (i, region) in Region.allCases.enumerated() {
      let whole = Slot(region, offset: 0, rows: 1, columns: memory.count(of: region))
      #expect(memory.read(whole).count { $0 == 0 } == whole.count, "\(region) starts with zeros")
      memory.fill(whole, Float(i + 1))
    }
    for i in 0..<10 { memory.setIndex(IndexSlot(offset: 0, count: 10), i, Int32(i)) }
    for (i, region) in Region.allCases.enumerated() {
      let whole = Slot(region, offset: 0, rows: 1, columns: memory.count(of: region))
      #expect(memory.read(whole).count { $0 == Float(i + 1) } == whole.count, "\(region)")
    }
    #expect(memory.byteCount >= 4 * (2 * 37 + 96 + 100 + 10 + scratch))
    let generating = try Self.memory(trains: false)
    #expect(generating.count(of: .gradients) == 0 && generating.count(of: .optimizer) == 0)
  }

  @Test func whatIsWrittenIsRead() throws {
    let memory = try Self.memory(), slot = Slot(.activations, offset: 3, rows: 4, columns: 5, stride: 7)
    let values = numbers(20, 1)
    memory.write(slot, values)
    #expect(memory.read(slot) == values && memory.value(slot, 2, 3) == values[13])
    memory.setValue(slot, 3, 4, 9)
    #expect(memory.read(slot) == values.dropLast() + [9])
    memory.fill(slot.columns(1..<2), 0)
    #expect(memory.read(slot.rows(0..<1)) == [values[0], 0, values[2], values[3], values[4]])
    let ids = IndexSlot(offset: 2, count: 5)
    memory.setIndex(ids, 4, 77)
    #expect(memory.index(ids, 4) == 77 && memory.index(IndexSlot(offset: 0, count: 10), 6) == 77)
  }

  @Test func bytesAreThoseOfTheFloats() throws {
    let memory = try Self.memory(), slot = Slot(.parameters, offset: 5, rows: 2, columns: 3)
    let other = Slot(.activations, offset: 1, rows: 2, columns: 3)
    memory.write(slot, [1, -2, 0.5, 3, 4, .infinity])
    let bytes = memory.withBytes(of: slot) { span in span.withUnsafeBytes { [UInt8]($0) } }
    #expect(bytes.count == 24 && Array(bytes[0..<8]) == [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])
    memory.setBytes(of: other, bytes.span.bytes)
    #expect(memory.read(other) == memory.read(slot))
  }

  @Test func everyThreadHasScratchOfItsOwn() throws {
    let memory = try Self.memory(threads: 3), all = memory.count(of: .scratch)
    var places: [Range<Int>] = []
    for thread in 0..<3 {
      var plan = memory.scratch(thread)
      for _ in 0..<2 {
        let slot = plan.take(3, 100)
        #expect(slot.offset % 16 == 0 && slot.end <= all)
        places.append(slot.offset..<slot.end)
      }
    }
    for (i, place) in places.enumerated() {
      #expect(places[..<i].count { $0.overlaps(place) } == 0)
    }
  }

  @Test func bothShapesAreNamed() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let field = try Field(.portable)
      field.memory.add(field.place(2, 3, seed: 1), field.place(3, 2, seed: 1))
    }
    #expect(errorText(result).contains("activations[2, 3]") && errorText(result).contains("activations[3, 2]"))
    let product = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let field = try Field(.portable), a = field.place(4, 5, seed: 1), b = field.place(6, 7, seed: 1)
      field.memory.product(field.place(4, 7, seed: 1), a.plain, b.plain)
    }
    #expect(errorText(product).contains("[4, 5] and [6, 7]"))
    let norm = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let field = try Field(.portable), x = field.place(4, 5, seed: 1), y = field.place(4, 6, seed: 1)
      let row = field.place(1, 5, seed: 1), statistics = field.place(4, 2, seed: 1, contiguous: true)
      field.memory.layerNorm(y, x, gain: row, bias: row, .compute(epsilon: 0, into: statistics))
    }
    #expect(errorText(norm).contains("activations[4, 5]") && errorText(norm).contains("activations[4, 6]"))
  }

  @Test func aPlaceOutsideOfItsRegionIsNamed() async {
    let end = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try MemoryTests.memory().clear(Slot(.activations, offset: 81, rows: 4, columns: 5))
    }
    #expect(errorText(end).contains("activations[4, 5] at 81 outside of 100 floats"))
    let start = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try MemoryTests.memory().clear(Slot(.parameters, offset: -1, rows: 1, columns: 5))
    }
    #expect(errorText(start).contains("parameters[1, 5] at -1 outside of 37 floats"))
    let ids = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = try MemoryTests.memory().index(IndexSlot(offset: 4, count: 7), 0)
    }
    #expect(errorText(ids).contains("ids 4..<11 outside of 10"))
    let scratch = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var plan = try MemoryTests.memory().scratch(0)
      for _ in 0..<10_000 { _ = plan.take(10, 16) }
    }
    #expect(errorText(scratch).contains("scratch memory"))
    let values = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try MemoryTests.memory().write(Slot(.activations, offset: 0, rows: 4, columns: 5), [1, 2])
    }
    #expect(errorText(values).contains("2 values for activations[4, 5]"))
  }
}
