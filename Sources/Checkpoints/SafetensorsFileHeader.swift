internal import MiniGPTStorage

/// One tensor of a safetensors file.
package struct SafetensorsTensor: Hashable, Sendable {
  package let name: String
  package let type: SafetensorsType
  /// Empty for a single number.
  package let shape: [Int]
  /// Where its bytes lie in the file, counted from the file's beginning. They may be aligned to nothing.
  package let range: Range<Int>

  package var byteCount: Int { range.count }
}

/// The header of a safetensors file, every rule of the format checked.
///
/// The file is 8 bytes N (little-endian), N bytes of JSON, and the data. The JSON is an object, `{` its first byte,
/// white space allowed behind it. Each member describes a tensor: `dtype`, `shape`, and `data_offsets` `[begin, end]`,
/// counted from the data's beginning; unknown fields are skipped. The member `__metadata__` maps strings to strings.
/// Sorted by (begin, end), the first tensor begins at 0, each begins where the one before it ends, and the last ends
/// where the file ends. A tensor's bytes are exactly those that its shape and type need, and whole ones.
///
/// Beyond the format: names are given once, in `__metadata__` too; numbers are plain digits; and what could eat memory
/// is bounded (see the limits).
package struct SafetensorsHeader: Sendable {
  package static let byteLimit = 32 << 20
  package static let tensorLimit = 65_536
  package static let entryLimit = 2 * tensorLimit
  package static let rankLimit = 64

  /// In the order of their data.
  package let tensors: [SafetensorsTensor]
  /// The entries of `__metadata__`, in the file's order.
  package let metadata: [(key: String, value: String)]
  /// Where the data begins in the file: 8 + N.
  package let dataStart: Int
  /// Where the 16 digits of the header's own checksum stand in the file, if they do.
  let checksumRange: Range<Int>?
  /// Places in `tensors` and `metadata`, by name.
  private let tensorIndex: [JSON.Key: Int]
  private let metadataIndex: [JSON.Key: Int]

  package func tensor(_ name: String) -> SafetensorsTensor? { tensorIndex[JSON.Key(name)].map { tensors[$0] } }

  package func metadata(_ key: String) -> String? { metadataIndex[JSON.Key(key)].map { metadata[$0].value } }

  /// N, from the file's first bytes.
  static func length(_ start: RawSpan, fileCount: Int, path: Path) throws(SafetensorsError) -> Int {
    guard fileCount >= 8, start.byteCount >= 8 else { throw .file(path, .tooShort(found: fileCount)) }
    let length = UInt64(littleEndian: start.load(UInt64.self, at: 0))
    if length > UInt64(byteLimit) { throw .file(path, .headerTooLarge(found: length)) }
    if Int(length) > fileCount - 8 { throw .file(path, .headerBeyondEnd(header: length, file: fileCount)) }
    return Int(length)
  }

  /// Reads and checks the `bytes` of the header, the length in front not included.
  init(_ bytes: RawSpan, fileCount: Int, path: Path) throws(SafetensorsError) {
    if bytes.byteCount == 0 || bytes[0] != UInt8(ascii: "{") {
      throw .file(path, .noBrace(found: bytes.byteCount == 0 ? nil : bytes[0]))
    }
    var parser = SafetensorsHeaderParser(path: path)
    do { try parser.parse(bytes) } catch {
      throw parser.refusal ?? .file(path, .json(error))
    }
    dataStart = 8 + bytes.byteCount
    metadata = parser.metadata
    metadataIndex = parser.metadataIndex
    checksumRange = parser.checksumRange.map { $0.lowerBound + 8..<$0.upperBound + 8 }
    tensors = try Self.place(parser.tensors, dataStart: dataStart, fileCount: fileCount, path: path)
    var index: [JSON.Key: Int] = [:]
    for (place, tensor) in tensors.enumerated() { index[JSON.Key(tensor.name)] = place }
    tensorIndex = index
  }

  /// Checks that the tensors cover the data without hole or overlap.
  private static func place(
    _ entries: [SafetensorsHeaderParser.Entry], dataStart: Int, fileCount: Int, path: Path
  ) throws(SafetensorsError) -> [SafetensorsTensor] {
    var end: UInt64 = 0
    var tensors: [SafetensorsTensor] = []
    tensors.reserveCapacity(entries.count)
    for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      if entry.begin > end { throw .tensor(path, entry.name, .hole(expected: end, found: entry.begin)) }
      if entry.begin < end { throw .tensor(path, entry.name, .overlap(expected: end, found: entry.begin)) }
      end = entry.end
      // Whatever lies beyond the file is refused below, before anybody sees the clamped range.
      let range = Int(clamping: entry.begin)..<Int(clamping: entry.end)
      tensors.append(
        SafetensorsTensor(
          name: entry.name, type: entry.type, shape: entry.shape,
          range: min(range.lowerBound, fileCount) + dataStart..<min(range.upperBound, fileCount) + dataStart))
    }
    let (expected, overflow) = end.addingReportingOverflow(UInt64(dataStart))
    if overflow || expected != UInt64(fileCount) {
      throw .file(path, .length(expected: overflow ? .max : expected, found: fileCount))
    }
    return tensors
  }
}
