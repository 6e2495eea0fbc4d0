import MiniGPTTensors
import Testing

@Suite struct StoredMatrixTests {
  final class Owner {}

  /// The rows of a matrix that views arrays.
  static func rows(
    _ bytes: [UInt8], _ type: WeightType, _ rows: Int, _ columns: Int, scales: [UInt8] = [], alongRows: Bool = false
  ) -> [[Float]] {
    let numbers = bytes.span.bytes, floats = scales.span.bytes
    let matrix = StoredMatrix(
      viewing: numbers, type, rows: rows, columns: columns, scales: floats, scalesRunAlongRows: alongRows,
      keptBy: Owner())
    let result = (0..<rows).map { matrix.row($0) }
    return withExtendedLifetime((bytes, scales)) { result }
  }

  static func bytes(halves numbers: [UInt16]) -> [UInt8] {
    numbers.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
  }

  static func bytes(_ numbers: [Float]) -> [UInt8] {
    numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * UInt32($0))) } }
  }

  @Test func shortFloats() {
    // 1, -2.5, the largest half, the smallest one, infinity.
    let halves = Self.bytes(halves: [0x3C00, 0xC100, 0x7BFF, 0x0001, 0x7C00, 0x8000])
    #expect(Self.rows(halves, .f16, 2, 3) == [[1, -2.5, 65504], [0x1p-24, .infinity, 0]])
    #expect(Self.rows(Self.bytes(halves: [0x3F80, 0xC020, 0x7F80]), .bf16, 1, 3) == [[1, -2.5, .infinity]])
  }

  @Test func scaledBytes() {
    let numbers = (0..<140).map { UInt8(bitPattern: Int8($0 % 100 - 50)) }
    #expect(StoredMatrix.scaleShape(rows: 70, columns: 2, alongRows: false) == [2, 2])
    let down = Self.rows(numbers, .int8, 70, 2, scales: Self.bytes([1, 2, 3, 4] as [Float]))
    #expect(down[0] == [-50, -98] && down[64] == [3 * -22, 4 * -21])
    #expect(StoredMatrix.scaleShape(rows: 70, columns: 2, alongRows: true) == [70, 1])
    let along = Self.rows(
      numbers, .int8, 70, 2, scales: Self.bytes((0..<70).map { Float($0) }), alongRows: true)
    #expect(along[3] == [3 * -44, 3 * -43])
  }
}
