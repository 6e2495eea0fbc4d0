internal import MiniGPTPlatform
package import MiniGPTStorage

/// The files of ids that nanoGPT and llm.c learn from.
///
/// nanoGPT's `prepare.py` writes two bytes an id, and nothing else; llm.c's begins with 256 numbers of four bytes, of which
/// the first says whether an id has two bytes or four, and the third how many ids there are.
package enum IdsOfOthers {
  package static let ending = ".bin"
  private static let short: UInt32 = 20_240_520, long: UInt32 = 20_240_801
  private static let headerLength = 1024

  /// The ids of a file; those of two bytes are copied to where they have four.
  package static func read(_ file: MappedFile) throws -> TokenSequence {
    let (bytes, width) = try place(file)
    if width == 4 { return TokenSequence(file, bytes) }
    var copy = try ScratchFile(), block: [Int32] = []
    for first in stride(from: bytes.lowerBound, to: bytes.upperBound, by: 1 << 20) {
      let part = file.bytes.extracting(first..<min(bytes.upperBound, first + 1 << 20))
      block.removeAll(keepingCapacity: true)
      for place in stride(from: 0, to: part.byteCount, by: 2) {
        block.append(Int32(UInt16(littleEndian: part.load(UInt16.self, at: place))))
      }
      try copy.append(block.span.rawBytes)
    }
    let map = try copy.map()
    return TokenSequence(map, 0..<map.count)
  }

  /// Where the ids are, and how many bytes each has.
  private static func place(_ file: MappedFile) throws -> (bytes: Range<Int>, width: Int) {
    func number(_ index: Int) -> UInt32 { UInt32(littleEndian: file.bytes.load(UInt32.self, at: 4 * index)) }
    guard file.count >= headerLength, [short, long].contains(number(0)) else {
      if file.count % 2 != 0 { throw DatasetError.notIds("\(file.path)", "\(grouped(file.count)) bytes, two an id") }
      return (0..<file.count, 2)
    }
    let width = number(0) == short ? 2 : 4, count = Int(number(2)), there = (file.count - headerLength) / width
    if count != there || (file.count - headerLength) % width != 0 {
      throw DatasetError.notIds(
        "\(file.path)", "its header says \(grouped(count)) ids of \(width) bytes, and there are \(grouped(there))")
    }
    return (headerLength..<headerLength + count * width, width)
  }
}
