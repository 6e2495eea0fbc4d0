import MiniGPTTensors
import Testing

@Suite struct LargestTests {
  /// Few values in many places, so that equal ones meet.
  @Test(arguments: InstructionSet.available) func asSortedWithTheFirstOfEquals(set: InstructionSet) throws {
    let field = try Field(set, floats: 1 << 15)
    for (columns, values) in [(1, 3), (9, 2), (127, 4), (128, 1000), (129, 3), (1000, 40), (5000, 100_000)] {
      field.reset()
      let stream = RandomStream(seed: 8, .dropout, place: columns)
      let row: [Float] = (0..<columns).map { Float(stream.integer(below: values, $0)) - 3 }
      let x = field.place(2, columns, row + row.reversed())
      let expected = row.indices.sorted { (a: Int, b: Int) -> Bool in row[a] != row[b] ? row[a] > row[b] : a < b }
      for count in [1, 4, 10] {
        var best: [RankedNumber] = []
        field.memory.largest(x, row: 0, count, into: &best)
        #expect(best.map { Int($0.place) } == Array(expected.prefix(count)), "\(count) of \(columns)")
        #expect(best.map(\.number) == expected.prefix(count).map { row[$0] })
        field.memory.largest(x, row: 0, count, above: 0, into: &best)
        #expect(best.map { Int($0.place) } == Array(expected.filter { row[$0] > 0 }.prefix(count)))
      }
    }
  }
}
