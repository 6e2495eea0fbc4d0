internal import MiniGPTStorage

/// Walks the JSON of a safetensors header. What is not needed is skipped, not kept, so that a hostile header costs its
/// own size and no more.
struct SafetensorsHeaderParser {
  /// A tensor as the header has it, its size checked, its place not yet.
  struct Entry {
    let name: String
    let type: SafetensorsType
    let shape: [Int]
    let begin: UInt64
    let end: UInt64
  }

  let path: Path
  private(set) var tensors: [Entry] = []
  private(set) var metadata: [(key: String, value: String)] = []
  private(set) var metadataIndex: [JSON.Key: Int] = [:]
  /// Where the header's own checksum stands in it.
  private(set) var checksumRange: Range<Int>?
  /// The reason why `parse` stopped, where it is none of JSON's.
  private(set) var refusal: SafetensorsError?

  private var names: Set<JSON.Key> = []

  init(path: Path) { self.path = path }

  /// Throws the error of the JSON; rules of safetensors that are broken are left in `refusal`.
  mutating func parse(_ bytes: RawSpan) throws(JSONError) {
    var reader = try JSONReader(bytes)
    try reader.enterObject()
    while let key = try reader.nextKey() {
      if !names.insert(key).inserted {
        throw key.text == Self.metadataKey
          ? JSONError(path: [.key(key.text)], offset: reader.offset, .duplicateKey)
          : refuse(key.text, .givenTwice)
      }
      do {
        if key.text == Self.metadataKey {
          try readMetadata(&reader)
        } else {
          try readTensor(key.text, &reader)
        }
      } catch { throw error.inside(.key(key.text)) }
    }
    try reader.end()
  }

  private static let metadataKey = "__metadata__"

  /// Notes the reason; the error that is thrown only carries it out.
  private mutating func refuse(_ error: SafetensorsError) -> JSONError {
    refusal = error
    return JSONError(.missing)
  }

  private mutating func refuse(_ name: String, _ problem: SafetensorsError.TensorProblem) -> JSONError {
    refuse(.tensor(path, name, problem))
  }

  private mutating func readMetadata(_ reader: inout JSONReader) throws(JSONError) {
    if reader.isNextNull() { return try reader.skipValue() }
    try reader.enterObject()
    while let key = try reader.nextKey() {
      if metadata.count == SafetensorsHeader.entryLimit { throw refuse(.file(path, .tooManyEntries)) }
      if metadataIndex.updateValue(metadata.count, forKey: key) != nil {
        throw JSONError(path: [.key(key.text)], offset: reader.offset, .duplicateKey)
      }
      let value: String
      do { value = try reader.string() } catch { throw error.inside(.key(key.text)) }
      metadata.append((key.text, value))
      if key == SafetensorsChecksum.headerKey { checksumRange = reader.offset - 17..<reader.offset - 1 }
    }
  }

  private mutating func readTensor(_ name: String, _ reader: inout JSONReader) throws(JSONError) {
    if tensors.count == SafetensorsHeader.tensorLimit { throw refuse(.file(path, .tooManyTensors)) }
    var type: SafetensorsType?
    var shape: [Int]?
    var offsets: (begin: UInt64, end: UInt64)?
    try reader.enterObject()
    while let key = try reader.nextKey() {
      let place = reader.offset
      do throws(JSONError) {
        switch key.text {
        case "dtype" where type == nil: type = try readType(name, &reader)
        case "shape" where shape == nil: shape = try readShape(name, &reader)
        case "data_offsets" where offsets == nil: offsets = try readOffsets(&reader)
        case "dtype", "shape", "data_offsets": throw JSONError(offset: place, .duplicateKey)
        default: try reader.skipValue()
        }
      } catch { throw error.inside(.key(key.text)) }
    }
    guard let type else { throw refuse(name, .missing(field: "dtype")) }
    guard let shape else { throw refuse(name, .missing(field: "shape")) }
    guard let offsets else { throw refuse(name, .missing(field: "data_offsets")) }
    try checkSize(name, type, shape, offsets.begin, offsets.end)
    tensors.append(Entry(name: name, type: type, shape: shape, begin: offsets.begin, end: offsets.end))
  }

  private mutating func readType(_ name: String, _ reader: inout JSONReader) throws(JSONError) -> SafetensorsType {
    let text = try reader.string()
    guard let type = SafetensorsType(rawValue: text) else { throw refuse(name, .unknownType(text)) }
    return type
  }

  private mutating func readShape(_ name: String, _ reader: inout JSONReader) throws(JSONError) -> [Int] {
    var shape: [Int] = []
    try reader.enterArray()
    while try reader.nextElement() {
      let size = try reader.unsigned()
      guard let size = Int(exactly: size) else { throw refuse(name, .dimension(size)) }
      shape.append(size)
      if shape.count > SafetensorsHeader.rankLimit { throw refuse(name, .rank(found: shape.count)) }
    }
    return shape
  }

  private func readOffsets(_ reader: inout JSONReader) throws(JSONError) -> (begin: UInt64, end: UInt64) {
    var offsets: [UInt64] = []
    try reader.enterArray()
    while try reader.nextElement() {
      if offsets.count == 2 {
        throw JSONError(offset: reader.offset, .outside(expected: "two offsets", found: "more"))
      }
      offsets.append(try reader.unsigned())
    }
    guard offsets.count == 2 else {
      throw JSONError(offset: reader.offset, .outside(expected: "two offsets", found: "\(offsets.count)"))
    }
    return (offsets[0], offsets[1])
  }

  /// A size is multiplied in the order of the shape, and may overflow on the way even where it ends in zero: such a
  /// shape is refused, as every reader of the format does.
  private mutating func checkSize(
    _ name: String, _ type: SafetensorsType, _ shape: [Int], _ begin: UInt64, _ end: UInt64
  ) throws(JSONError) {
    var bits: UInt64 = 1
    for factor in shape + [type.bits] {
      let (product, overflow) = bits.multipliedReportingOverflow(by: UInt64(factor))
      if overflow { throw refuse(name, .overflow(shape: shape, type)) }
      bits = product
    }
    if bits % 8 != 0 { throw refuse(name, .partOfAByte(shape: shape, type)) }
    if end < begin { throw refuse(name, .reversed(begin: begin, end: end)) }
    if end - begin != bits / 8 {
      throw refuse(name, .size(shape: shape, type, expected: bits / 8, found: end - begin))
    }
  }
}
