import Tensors
import Testing

@Suite struct StoredMatrixTests {
  final class Bytes {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
  }

  static func bytes(halves numbers: [UInt16]) -> [UInt8] {
    numbers.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
  }

  static func bytes(_ numbers: [Float]) -> [UInt8] {
    numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * UInt32($0))) } }
  }

  @Test func shortFloats() {
    // 1, -2.5, the largest half, the smallest one, infinity.
    let halves = Bytes(Self.bytes(halves: [0x3C00, 0xC100, 0x7BFF, 0x0001, 0x7C00, 0x8000]))
    let matrix = StoredMatrix(viewing: halves.bytes.span.bytes, .f16, rows: 2, columns: 3, keptBy: halves)
    #expect(matrix.row(0) == [1, -2.5, 65504])
    #expect(matrix.row(1) == [0x1p-24, .infinity, 0])
    let brains = Bytes(Self.bytes(halves: [0x3F80, 0xC020, 0x7F80]))
    let other = StoredMatrix(viewing: brains.bytes.span.bytes, .bf16, rows: 1, columns: 3, keptBy: brains)
    #expect(other.row(0) == [1, -2.5, .infinity])
  }

  @Test func scaledBytes() {
    let rows = 70, columns = 2
    let numbers = Bytes((0..<rows * columns).map { UInt8(bitPattern: Int8($0 % 100 - 50)) })
    let down = Bytes(Self.bytes([1, 2, 3, 4] as [Float]))
    let matrix = StoredMatrix(
      viewing: numbers.bytes.span.bytes, .int8, rows: rows, columns: columns, scales: down.bytes.span.bytes,
      keptBy: numbers)
    #expect(StoredMatrix.scaleShape(rows: 70, columns: 2, alongRows: false) == [2, 2])
    #expect(matrix.row(0) == [-50, -98])
    #expect(matrix.row(64) == [3 * -22, 4 * -21])
    let along = Bytes(Self.bytes((0..<70).map { Float($0) }))
    let other = StoredMatrix(
      viewing: numbers.bytes.span.bytes, .int8, rows: rows, columns: columns, scales: along.bytes.span.bytes,
      scalesRunAlongRows: true, keptBy: numbers)
    #expect(StoredMatrix.scaleShape(rows: 70, columns: 2, alongRows: true) == [70, 1])
    #expect(other.row(3) == [3 * -44, 3 * -43])
  }
}
