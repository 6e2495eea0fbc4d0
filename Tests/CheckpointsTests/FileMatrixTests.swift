import MiniGPTCheckpoints
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing

@Suite struct FileMatrixTests {
  private func numbers(_ matrix: FileMatrix) -> [Float] {
    var result: [Float] = []
    matrix.forEachBlock { rows, part in
      #expect(part.count == rows.count * matrix.columns)
      result += part
    }
    return result
  }

  @Test func everyFormIsWhatItsNameSays() throws {
    let folder = try Folder()
    let plain = (0..<12).map { Float($0) }
    let path = try folder.write("m", plain.rawBytes.array)
    // 0 1 2 3 / 4 5 6 7 / 8 9 10 11
    let matrix = FileMatrix(try MappedFile(path), offset: 0, .fp32, rows: 3, columns: 4)
    #expect(numbers(matrix) == (0..<12).map { Float($0) })
    #expect(numbers(matrix.transposed) == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
    #expect(numbers(matrix.transposed.transposed) == numbers(matrix))
    #expect(numbers(matrix.columns(1..<3)) == [1, 2, 5, 6, 9, 10])
    #expect(numbers(matrix.columns(1..<3).transposed) == [1, 5, 9, 2, 6, 10])
    #expect(numbers(matrix.rowOrder([2, 0, 1])) == [8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7])
    #expect(numbers(matrix.columnOrder([3, 0, 1, 2])) == [3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10])
    #expect(numbers(matrix.columnOrder([3, 0, 1, 2]).columns(1..<3)) == [0, 1, 4, 5, 8, 9])
    #expect(numbers(matrix.columnOrder([3, 1, 0, 2]).columns(1..<3).transposed) == [1, 5, 9, 0, 4, 8])
    #expect(numbers(matrix.transposed.rowOrder([3, 0, 1, 2]).columns(2..<3)) == [11, 8, 9, 10])
    let both = FileMatrix.beside([matrix.columns(2..<4), matrix.columns(0..<1)])
    #expect(numbers(both) == [2, 3, 0, 6, 7, 4, 10, 11, 8])
    #expect(numbers(both.columns(1..<3)) == [3, 0, 7, 4, 11, 8])
    #expect(matrix.isEqual(to: FileMatrix(rows: 3, columns: 4, (0..<12).map { Float($0) })))
    #expect(!matrix.isEqual(to: matrix.rowOrder([0, 2, 1])) && !matrix.isEqual(to: matrix.transposed))
  }

  /// Blocks are cut by size; what they hand out together is the matrix.
  @Test func largeOnesComeInBlocks() throws {
    let rows = 700, columns = 999
    let values = (0..<rows * columns).map { Float($0 % 8191) }
    let matrix = FileMatrix(rows: rows, columns: columns, values)
    var blocks = 0
    matrix.transposed.transposed.forEachBlock { _, _ in blocks += 1 }
    #expect(blocks == 3)
    #expect(numbers(matrix.transposed.transposed) == values)
    var count = 0
    try matrix.forEachPiece(as: .bf16) { count += $0.byteCount }
    #expect(count == 2 * rows * columns)
  }

  private func written(_ bytes: [UInt8]) throws -> MappedFile {
    let folder = try Folder()
    return try MappedFile(try folder.write("m", bytes))
  }

  @Test func shortFloats() throws {
    func rows(_ words: [UInt16], _ format: NumberFormat) throws -> [Float] {
      numbers(FileMatrix(try written(words.rawBytes.array), offset: 0, format, rows: 1, columns: words.count))
    }
    // 1, -2.5, the largest half, the smallest one, infinity.
    #expect(
      try rows([0x3C00, 0xC100, 0x7BFF, 0x0001, 0x7C00, 0x8000], .f16) == [1, -2.5, 65504, 0x1p-24, .infinity, 0])
    #expect(try rows([0x3F80, 0xC020, 0x7F80], .bf16) == [1, -2.5, .infinity])
  }

  @Test func scaledBytes() throws {
    let levels = (0..<140).map { UInt8(bitPattern: Int8($0 % 100 - 50)) }
    func rows(_ scales: [Float], alongRows: Bool) throws -> [Float] {
      let map = try written(levels + scales.rawBytes.array)
      return numbers(FileMatrix(map, offset: 0, scales: 140, alongRows: alongRows, rows: 70, columns: 2))
    }
    #expect(Int8Blocks.scaleShape(rows: 70, columns: 2, alongRows: false) == [2, 2])
    let down = try rows([1, 2, 3, 4], alongRows: false)
    #expect(down[0..<2] == [-50, -98] && down[128..<130] == [3 * -22, 4 * -21])
    #expect(Int8Blocks.scaleShape(rows: 70, columns: 2, alongRows: true) == [70, 1])
    let along = try rows((0..<70).map { Float($0) }, alongRows: true)
    #expect(along[6..<8] == [3 * -44, 3 * -43])
  }
}
