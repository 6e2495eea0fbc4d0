internal import MiniGPTPlatform
package import MiniGPTStorage

/// Writes a safetensors file durably, with checksums, the data streamed: nothing but the header is held in memory.
///
/// The header is written compactly, `__metadata__` first (the caller's entries in their order, then the checksums of the
/// tensors, then that of the header), then the tensors in the order of their data, then blanks, so that the data begins
/// at a multiple of 64. As all checksums have the same width, the header's length is known before the data.
package struct SafetensorsFileWriter: ~Copyable {
  /// What a tensor is, before it has bytes.
  package struct Tensor: Sendable {
    package let name: String
    package let type: SafetensorsType
    package let shape: [Int]

    package init(_ name: String, _ type: SafetensorsType, _ shape: [Int]) {
      self.name = name
      self.type = type
      self.shape = shape
    }

    package var byteCount: Int {
      let bits = shape.reduce(type.bits, *)
      check(bits % 8 == 0, "tensor \(name): \(bits) bits")
      return bits / 8
    }
  }

  private let tensors: [Tensor]
  private var front: SafetensorsFileFront
  private var file: AtomicFile
  /// The tensor whose bytes come next, how many of them came, and their sum.
  private var current = 0
  private var filled = 0
  private var hash = XXH64()

  /// Refuses the names that the format or the checksums need, and headers that could not be read again. The keys
  /// `checksum.…` are not the caller's.
  package init(
    _ path: Path, tensors: [Tensor], metadata: [(key: String, value: String)]
  ) throws(SafetensorsError) {
    for tensor in tensors where tensor.name == "header" || tensor.name == "__metadata__" {
      throw .tensor(path, tensor.name, .reservedName)
    }
    check(Set(tensors.map { JSON.Key($0.name) }).count == tensors.count, "two tensors of one name")
    let front = SafetensorsFileFront(tensors: tensors, metadata: metadata)
    // What we could not read ourselves is not written.
    if front.bytes.count - 8 > SafetensorsHeader.byteLimit {
      throw .file(path, .headerTooLarge(found: UInt64(front.bytes.count - 8)))
    }
    if tensors.count > SafetensorsHeader.tensorLimit { throw .file(path, .tooManyTensors) }
    file = try Self.begin(path, front)
    self.tensors = tensors
    self.front = front
    finishFullTensors()
  }

  /// The file with room for the header.
  private static func begin(_ path: Path, _ front: SafetensorsFileFront) throws(SafetensorsError) -> AtomicFile {
    do {
      var file = try AtomicFile(path)
      try file.append(front.bytes)
      return file
    } catch { throw .storage(error) }
  }

  /// Writes a whole file: `data` is called with each tensor's index in turn, and hands its bytes on in order, in pieces
  /// of any size.
  package static func write(
    _ path: Path, tensors: [Tensor], metadata: [(key: String, value: String)],
    data: (_ index: Int, _ writer: inout SafetensorsFileWriter) throws -> Void
  ) throws {
    var writer = try SafetensorsFileWriter(path, tensors: tensors, metadata: metadata)
    for index in tensors.indices { try data(index, &writer) }
    try writer.commit()
  }

  /// The next bytes of the current tensor, which must not reach into the next one. When a tensor has all of its bytes,
  /// the next one is the current.
  package mutating func append(_ bytes: RawSpan) throws(SafetensorsError) {
    if bytes.byteCount == 0 { return }
    check(current < tensors.count, "bytes behind the last tensor")
    let count = tensors[current].byteCount
    check(
      filled + bytes.byteCount <= count, "tensor \(tensors[current].name): more than its \(count) bytes")
    do { try file.append(bytes) } catch { throw .storage(error) }
    hash.update(bytes)
    filled += bytes.byteCount
    finishFullTensors()
  }

  package mutating func append<Number: PlainNumber>(_ numbers: Span<Number>) throws(SafetensorsError) {
    try append(numbers.rawBytes)
  }

  /// Puts the header into its place and the file into its own.
  package consuming func commit() throws(SafetensorsError) {
    check(current == tensors.count, "\(current) of \(tensors.count) tensors have all of their bytes")
    front.setHeaderChecksum()
    do {
      let bytes = front.bytes
      try file.overwrite(at: 0, bytes.rawBytes)
      try file.commit()
    } catch { throw .storage(error) }
  }

  /// Tensors without any bytes are full at once.
  private mutating func finishFullTensors() {
    while current < tensors.count && filled == tensors[current].byteCount {
      front.setChecksum(current, hash.hexadecimal)
      current += 1
      filled = 0
      hash = XXH64()
    }
  }
}

/// Everything in front of the data: the length and the header, with places for the checksums.
struct SafetensorsFileFront {
  private(set) var bytes: [UInt8] = []
  private var checksums: [Range<Int>] = []
  private var headerChecksum = 0..<0

  init(tensors: [SafetensorsFileWriter.Tensor], metadata: [(key: String, value: String)]) {
    bytes = [UInt8](repeating: 0, count: 8)
    text("{\"__metadata__\":{")
    for entry in metadata {
      check(!entry.key.hasPrefix(SafetensorsChecksum.prefix), "metadata named \(entry.key)")
      bytes += JSONWriter.quoted(entry.key)
      text(":")
      bytes += JSONWriter.quoted(entry.value)
      text(",")
    }
    for tensor in tensors {
      checksums.append(checksum(SafetensorsChecksum.prefix + tensor.name))
      text(",")
    }
    headerChecksum = checksum(SafetensorsChecksum.headerKey.text)
    text("}")
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.byteCount
      text(",")
      bytes += JSONWriter.quoted(tensor.name)
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      text(":{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    text("}")
    while bytes.count % 64 != 0 { text(" ") }
    let length = UInt64(bytes.count - 8)
    for place in 0..<8 { bytes[place] = UInt8(truncatingIfNeeded: length >> UInt64(8 * place)) }
  }

  mutating func setChecksum(_ index: Int, _ digits: String) { put(digits, checksums[index]) }

  /// When all others are there.
  mutating func setHeaderChecksum() {
    put(SafetensorsChecksum.sum(bytes.rawBytes, without: headerChecksum), headerChecksum)
  }

  private mutating func text(_ text: String) { bytes += Array(text.utf8) }

  /// Writes an entry of zeros and returns where its digits stand.
  private mutating func checksum(_ key: String) -> Range<Int> {
    bytes += JSONWriter.quoted(key)
    text(":\"")
    let range = bytes.count..<bytes.count + 16
    text("0000000000000000\"")
    return range
  }

  private mutating func put(_ digits: String, _ range: Range<Int>) {
    bytes.replaceSubrange(range, with: digits.utf8)
  }
}
