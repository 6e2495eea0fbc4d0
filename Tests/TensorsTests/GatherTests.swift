import MiniGPTTensors
import Testing

@Suite struct GatherTests {
  static let ids: [Int32] = [4, 0, 4, 2, 4, 1]
  static let tableRows = 5

  @Test(arguments: InstructionSet.available) func gatherIsExact(set: InstructionSet) throws {
    let field = try Field(set), length = 3, scale: Float = 1.5
    for n in lengths {
      for (factor, positioned) in [(1, false), (scale, false), (1, true), (scale, true)] {
        field.reset()
        let table = field.place(Self.tableRows, n, seed: n), positions = field.place(length + 1, n, seed: n + 1)
        let y = field.place(Self.ids.count, n, seed: 2), ids = field.place(Self.ids)
        let (t, p) = (field.memory.read(table), field.memory.read(positions))
        field.memory.gather(
          y, ids, table: table, scale: factor, positions: positioned ? positions : nil, length: length)
        let expected = (0..<Self.ids.count * n).map { i -> Float in
          let row = i / n, j = i % n
          return t[Int(Self.ids[row]) * n + j] * factor + (positioned ? p[row % length * n + j] : 0)
        }
        #expect(field.memory.read(y) == expected && field.changedOnly(y), "\(n), \(factor), \(positioned)")
      }
    }
  }

  /// Ids that come again are added one after the other; error below 3·10⁻⁷.
  @Test(arguments: InstructionSet.available) func scatterAddsEveryRow(set: InstructionSet) throws {
    let field = try Field(set), scale: Float = 0.7
    for n in lengths {
      field.reset()
      let gradient = field.place(Self.tableRows, n, seed: n), dy = field.place(Self.ids.count, n, seed: n + 1)
      let ids = field.place(Self.ids), d = field.memory.read(dy)
      var expected = field.memory.read(gradient).doubles
      for (i, value) in d.enumerated() { expected[Int(Self.ids[i / n]) * n + i % n] += Double(scale) * Double(value) }
      field.memory.scatterAdd(gradient, ids, dy, scale: scale)
      #expect(worstError(field.memory.read(gradient), expected) < 3e-7 && field.changedOnly(gradient), "\(n)")
    }
  }

  @Test(arguments: InstructionSet.available) func addOverBatchSumsTheSamples(set: InstructionSet) throws {
    let field = try Field(set, floats: 1 << 15), (batch, length) = (3, 5)
    for n in lengths {
      field.reset()
      let gradient = field.place(length + 2, n, seed: n), dy = field.place(batch * length, n, seed: n + 1)
      var expected = field.memory.read(gradient).doubles
      for (i, value) in field.memory.read(dy).enumerated() { expected[i % (length * n)] += Double(value) }
      field.memory.addOverBatch(gradient, dy, length: length)
      #expect(worstError(field.memory.read(gradient), expected) < 3e-7 && field.changedOnly(gradient), "\(n)")
    }
  }

  @Test(arguments: InstructionSet.available) func threadsDoNotShowInTheBits(set: InstructionSet) throws {
    let (rows, n, length, vocabulary) = (200, 150, 50, 17)
    func run(threads: Int) throws -> [[UInt32]] {
      let field = try Field(set, threads: threads, floats: 1 << 17, indices: rows)
      let ids = field.place((0..<rows).map { Int32($0 * $0 % vocabulary) })
      let table = field.place(vocabulary, n, seed: 1), y = field.place(rows, n, seed: 2)
      let positions = field.place(length, n, seed: 3)
      field.memory.gather(y, ids, table: table, scale: 0.3, positions: positions, length: length)
      field.memory.scatterAdd(table, ids, y, scale: 0.9)
      field.memory.addOverBatch(positions, y, length: length)
      return [y, table, positions].map { field.memory.read($0).bits }
    }
    let one = try run(threads: 1)
    for threads in [2, 3] { #expect(try run(threads: threads) == one, "\(threads) threads") }
  }

  @Test func anIdOutsideOfTheTableIsOurMistake() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let field = try Field(.portable), table = field.place(5, 3, seed: 1), y = field.place(2, 3, seed: 2)
      field.memory.gather(y, field.place([1, 5]), table: table, scale: 1, positions: nil, length: 2)
    }
    #expect(errorText(result).contains("token 5 of a table with 5 rows"))
    let shapes = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let field = try Field(.portable), gradient = field.place(5, 3, seed: 1), dy = field.place(2, 4, seed: 2)
      field.memory.scatterAdd(gradient, field.place([1, 2]), dy, scale: 1)
    }
    #expect(errorText(shapes).contains("activations[5, 3]"))
    #expect(errorText(shapes).contains("activations[2, 4]"))
  }
}
