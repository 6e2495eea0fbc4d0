import MiniGPTTensors
import Testing

@Suite struct DropoutTests {
  static func mask(
    seed: UInt64 = 0x1234_5678_9abc_def0, step: Int = 3, firstSample: Int = 0, site: Int = 2, rate: Float = 0.3
  ) -> DropoutMask {
    DropoutMask(seed: seed, step: step, firstSample: firstSample, site: site, rate: rate)
  }

  /// Whether an element of a sample stays, straight from the definition.
  static func stays(_ element: Int, sample: Int, _ mask: DropoutMask) -> Bool {
    let words = Philox.words(
      counter: (UInt32(element / 8), UInt32(mask.firstSample + sample), mask.site, mask.step), key: mask.key)
    let bits = words[element % 8 / 2] >> (element % 2 == 0 ? 0 : 16) & 0xFFFF
    return Float(bits) >= (mask.rate * 65536).rounded()
  }

  /// The factor is 65,536 / (65,536 - threshold), rounded once.
  static func factor(_ rate: Float) -> Float { 65536 / (65536 - (rate * 65536).rounded()) }

  @Test(arguments: InstructionSet.available) func equalsTheDefinitionForAllLengths(set: InstructionSet) throws {
    let field = try Field(set, floats: 1 << 15), mask = Self.mask(firstSample: 5)
    let (batch, length) = (2, 3), rows = batch * length
    for n in lengths {
      field.reset()
      let x = field.place(rows, n, seed: n), before = field.memory.read(x)
      field.memory.dropout(x, length: length, mask)
      let padded = (n + 7) / 8 * 8
      let expected = before.enumerated().map { i, value in
        let row = i / n, element = row % length * padded + i % n
        return Self.stays(element, sample: row / length, mask) ? value * Self.factor(mask.rate) : 0
      }
      #expect(field.memory.read(x) == expected && field.changedOnly(x), "\(n)")
    }
  }

  /// A tile cut anywhere out of the matrix of attention weights drops what the whole matrix drops.
  @Test(arguments: InstructionSet.available) func aTileDropsWhatTheWholeDrops(set: InstructionSet) throws {
    let field = try Field(set, floats: 1 << 15), mask = Self.mask(), (rows, columns) = (11, 80)
    func drop(_ rowRange: Range<Int>, _ columnRange: Range<Int>) -> [Float] {
      field.reset()
      let x = field.place(rowRange.count, columnRange.count, seed: 1)
      field.memory.fill(x, 1)
      field.memory.dropoutTile(
        x, sample: 4, firstElement: rowRange.lowerBound * columns + columnRange.lowerBound, rowElements: columns, mask)
      return field.memory.read(x)
    }
    let whole = drop(0..<rows, 0..<columns)
    #expect((0..<rows * columns).allSatisfy { (whole[$0] != 0) == Self.stays($0, sample: 4, mask) })
    for (r, c) in [(0..<1, 0..<80), (3..<11, 8..<9), (5..<7, 40..<80), (10..<11, 72..<79), (0..<11, 16..<61)] {
      #expect(drop(r, c) == r.flatMap { row in c.map { whole[row * columns + $0] } }, "\(r), \(c)")
    }
  }

  /// The second half of an update cut into two batches drops what the whole update drops there.
  @Test(arguments: InstructionSet.available) func cuttingTheUpdateChangesNothing(set: InstructionSet) throws {
    let field = try Field(set, threads: 3, floats: 1 << 15), (batch, length, n) = (6, 7, 45)
    func drop(_ samples: Range<Int>) -> [Float] {
      field.reset()
      let x = field.place(samples.count * length, n, seed: 1)
      field.memory.fill(x, 1)
      field.memory.dropout(x, length: length, Self.mask(firstSample: samples.lowerBound))
      return field.memory.read(x)
    }
    let whole = drop(0..<batch)
    for samples in [0..<3, 3..<6, 5..<6] {
      #expect(drop(samples) == Array(whole[samples.lowerBound * length * n..<samples.upperBound * length * n]))
    }
  }

  @Test func allInstructionSetsAndThreadsDropTheSame() throws {
    func drop(_ set: InstructionSet, threads: Int) throws -> [UInt32] {
      let field = try Field(set, threads: threads, floats: 1 << 17), x = field.place(70, 1000, seed: 1)
      field.memory.dropout(x, length: 35, Self.mask())
      return field.memory.read(x).bits
    }
    let first = try drop(.portable, threads: 1)
    for set in InstructionSet.available {
      for threads in [1, 2, 3] { #expect(try drop(set, threads: threads) == first, "\(set), \(threads) threads") }
    }
  }

  @Test func everythingInTheNameCounts() throws {
    let masks = [
      Self.mask(), Self.mask(seed: 0x1234_5678_9abc_def1), Self.mask(seed: 0x1234_5679_9abc_def0), Self.mask(step: 4),
      Self.mask(firstSample: 1), Self.mask(site: 3),
    ]
    let field = try Field(InstructionSet.best)
    let results = masks.map { mask in
      field.reset()
      let x = field.place(1, 500, [Float](repeating: 1, count: 500))
      field.memory.dropout(x, length: 1, mask)
      return field.memory.read(x)
    }
    #expect(Set(results).count == masks.count)
  }

  /// How many of 2^19 stay, in all and in each of the eight places of a block, and how many pairs of neighbours stay
  /// together: each within five deviations of its mean, which fails for one seed in 100,000.
  @Test(arguments: [Float(0.1), 0.2, 0.5, 0.9]) func theRateIsKept(rate: Float) throws {
    let n = 1 << 19, field = try Field(InstructionSet.best, floats: n + 100)
    let x = field.place(1, n, [Float](repeating: 1, count: n))
    field.memory.dropout(x, length: 1, Self.mask(rate: rate))
    let stays = field.memory.read(x).map { $0 != 0 }
    let p = 1 - Double((rate * 65536).rounded()) / 65536
    func isLikely(_ count: Int, of n: Int, _ p: Double) -> Bool {
      abs(Double(count) - Double(n) * p) < 5 * (Double(n) * p * (1 - p)).squareRoot()
    }
    #expect(isLikely(stays.count { $0 }, of: n, p))
    for place in 0..<8 {
      #expect(isLikely(stride(from: place, to: n, by: 8).count { stays[$0] }, of: n / 8, p), "place \(place)")
    }
    let pairs = stride(from: 0, to: n, by: 2).count { stays[$0] && stays[$0 + 1] }
    #expect(isLikely(pairs, of: n / 2, p * p))
  }

  @Test(arguments: InstructionSet.available) func rateZeroIsTheIdentity(set: InstructionSet) throws {
    let field = try Field(set), x = field.place(4, 33, seed: 1), before = field.memory.read(x).bits
    field.memory.dropout(x, length: 2, Self.mask(rate: 0))
    #expect(field.memory.read(x).bits == before)
    field.memory.dropoutTile(x, sample: 0, firstElement: 8, rowElements: 40, Self.mask(rate: 0))
    #expect(field.memory.read(x).bits == before)
  }

  @Test(arguments: InstructionSet.available) func almostOneDropsEverything(set: InstructionSet) throws {
    let field = try Field(set), x = field.place(4, 33, seed: 1)
    field.memory.dropout(x, length: 2, Self.mask(rate: 0.999999))
    #expect(field.memory.read(x).allSatisfy { $0 == 0 })
  }

  @Test func badCallsAreOurMistakes() async {
    let rate = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = DropoutMask(seed: 1, step: 1, firstSample: 0, site: 0, rate: 1)
    }
    #expect(errorText(rate).contains("dropout of 1.0"))
    let length = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let field = try Field(.portable), x = field.place(5, 3, seed: 1)
      field.memory.dropout(x, length: 2, DropoutTests.mask())
    }
    #expect(errorText(length).contains("activations[5, 3]"))
    #expect(errorText(length).contains("sequences of 2"))
  }
}
