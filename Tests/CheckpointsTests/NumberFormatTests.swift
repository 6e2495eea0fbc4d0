import MiniGPTCheckpoints
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing

@Suite struct NumberFormatTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  /// What numbers become when they are written in a type and read again.
  private func rounded(_ numbers: [Float], _ type: NumberFormat) throws -> [Float] {
    var bytes: [UInt8] = []
    try FileMatrix(rows: 1, columns: numbers.count, numbers).forEachPiece(as: type) { bytes += $0.array }
    // At an address that is a multiple of nothing.
    let path = try folder.write("numbers", [0] + bytes)
    let back = FileMatrix(try MappedFile(path), offset: 1, type, rows: 1, columns: numbers.count)
    var result: [Float] = []
    back.forEachBlock { _, part in result += part }
    return result
  }

  /// Every pattern of 16 bits is read as it is and written as it was.
  @Test(arguments: [NumberFormat.bf16, .f16]) func allPatternsComeBack(type: NumberFormat) throws {
    let patterns = (0...UInt16.max).filter { type == .bf16 ? $0 & 0x7F80 != 0x7F80 : $0 & 0x7C00 != 0x7C00 }
    let path = try folder.write("patterns", patterns.rawBytes.array)
    let matrix = FileMatrix(try MappedFile(path), offset: 0, type, rows: 1, columns: patterns.count)
    var numbers: [Float] = []
    matrix.forEachBlock { _, part in numbers += part }
    #expect(numbers.count == patterns.count && numbers.allSatisfy { $0.isFinite })
    #expect(try rounded(numbers, type).map(\.bitPattern) == numbers.map(\.bitPattern))
    // Between two neighbours the even one wins, and everything else goes to the nearer one.
    let positive = numbers.filter { $0 >= 0 && $0.sign == .plus }.sorted()
    for (low, high) in zip(positive, positive.dropFirst()) where high < 60000 && low.bitPattern >> 13 % 89 == 0 {
      let middle = low + (high - low) / 2
      let even = try rounded([low, middle, middle.nextUp, middle.nextDown, high], type)
      if middle > low && middle < high {
        #expect(even[1] == low || even[1] == high)
        #expect(even[2] == high && (even[3] == low || middle.nextDown == low))
      }
    }
  }

  @Test func knownNumbers() throws {
    #expect(
      try rounded([1, -2, 65504, 0x1p-24, 0x1p-25, 0x1.8p-25, 1 + 0x1p-11, 1 + 0x3p-11], .f16)
        == [1, -2, 65504, 0x1p-24, 0, 0x1p-24, 1, 1 + 0x1p-9])
    #expect(try rounded([1, 1 + 0x1p-8, 1 + 0x3p-8], .bf16) == [1, 1, 1 + 0x1p-6])
    let special = try rounded([.infinity, -.infinity, .nan, -0.0], .f16)
    #expect(special[0] == .infinity && special[1] == -.infinity && special[2].isNaN && special[3].sign == .minus)
    #expect(try rounded([.nan, .infinity], .bf16)[0].isNaN)
  }

  @Test func numbersThatDoNotFitAreNamed() throws {
    let matrix = FileMatrix(rows: 1, columns: 2, [1, 70000])
    let error = #expect(throws: FileMatrix.TooLarge.self) { try matrix.forEachPiece(as: .f16) { _ in } }
    #expect(error?.number == 70000 && error?.type == "f16")
  }
}
