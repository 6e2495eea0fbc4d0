import Tensors
import Testing

@Suite struct TranspositionTests {
  @Test(arguments: InstructionSet.available, [1, 3]) func isExact(set: InstructionSet, threads: Int) throws {
    let field = try Field(set, threads: threads, floats: 1 << 16)
    for (rows, columns) in [(0, 3), (1, 1), (1, 40), (17, 1), (31, 33), (16, 64), (300, 19), (700, 33)] {
      field.reset()
      let x = field.place(rows, columns, seed: rows), y = field.place(columns, rows, seed: 1)
      let values = field.memory.read(x)
      field.memory.transpose(x, into: y)
      let expected = (0..<columns).flatMap { j in (0..<rows).map { values[$0 * columns + j] } }
      #expect(field.memory.read(y) == expected && field.changedOnly(y), "\(rows) × \(columns)")
    }
  }
}
