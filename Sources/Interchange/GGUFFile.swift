internal import MiniGPTCheckpoints
internal import MiniGPTStorage
internal import MiniGPTTensors

/// A GGUF file, mapped (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 2 and 3, little-endian).
/// Opening reads the header alone; every count in it is checked against the bytes that are there before it is believed.
struct GGUFFile: ForeignContainer, TensorSource {
  static let format = ExportFormat.gguf
  static let program = "llama.cpp"
  struct Tensor {
    let type: UInt32
    /// Innermost first.
    let sizes: [Int]
    /// In the data.
    let offset: Int
  }

  let map: MappedFile
  var path: Path { map.path }
  private(set) var values: [JSON.Key: GGUFValue] = [:]
  private var places: [JSON.Key: Tensor] = [:]
  private(set) var names: [String] = []
  private(set) var dataStart = 0
  /// The parts behind the first, where a model is in several files.
  private var others: [GGUFFile] = []

  static let magic = Array("GGUF".utf8)
  static let countLimit: UInt64 = 65_536

  /// Whether a file begins as one.
  static func looksLike(_ path: Path) -> Bool { (try? FileReader.bytes(of: path, limit: magic.count)) == magic }

  /// Opens a file, and with the first part of several the others, which lie beside it:
  /// `NAME-00001-of-00003.gguf`, and so on.
  init(_ path: Path) throws(InterchangeError) {
    try self.init(part: path)
    let count = try integer("split.count", in: 0...4096) ?? 1
    if count < 2 { return }
    let number = try integer("split.no", in: 0...count - 1) ?? 0
    if number > 0 {
      throw .unsupported(path, "part \(number + 1) of \(count): name the first, \(Self.part(0, of: count, path))")
    }
    for number in 1..<count {
      let sibling = Self.part(number, of: count, path)
      if !Files.exists(sibling) { throw .contradiction(path, "part 1 of \(count), and \(sibling) is not beside it") }
      let other = try GGUFFile(part: sibling)
      let found = (try other.integer("split.count", in: 0...4096), try other.integer("split.no", in: 0...4095))
      if found != (count, number) {
        throw .contradiction(sibling, "expected part \(number + 1) of \(count)")
      }
      if let twice = other.names.first(where: { contains($0) }) {
        throw .contradiction(sibling, "tensor \(Path(twice)) stands in an earlier part too")
      }
      others.append(other)
      names += other.names
    }
  }

  private static func part(_ number: Int, of count: Int, _ first: Path) -> Path {
    func digits(_ number: Int) -> String { String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)" }
    let ending = Array("-\(digits(number + 1))-of-\(digits(count)).gguf".utf8)
    return Path(bytes: first.bytes.dropLast(ending.count) + ending)
  }

  private init(part path: Path) throws(InterchangeError) {
    do throws(StorageError) { map = try MappedFile(path) } catch { throw .storage(error) }
    var reader = GGUFReader(map)
    if try reader.bytes(4, "magic") != Self.magic { throw .notAModel(path, "it does not begin with GGUF") }
    let version = try reader.number(UInt32.self, "version")
    if version.byteSwapped == 2 || version.byteSwapped == 3 { throw .unsupported(path, "a big-endian file") }
    if version != 2 && version != 3 { throw .unsupported(path, "GGUF version \(version); minigpt reads 2 and 3") }
    let tensorCount = try reader.count("number of tensors", limit: Self.countLimit)
    let pairCount = try reader.count("number of keys", limit: Self.countLimit)
    for _ in 0..<pairCount {
      let key = try reader.text("key")
      let value = try reader.value(key)
      if values.updateValue(value, forKey: JSON.Key(key)) != nil {
        throw reader.broken("key \(Path(key))", "is given twice")
      }
    }
    for _ in 0..<tensorCount { try readTensor(&reader) }
    let alignment = try integer("general.alignment", in: 1...65_536) ?? 32
    if alignment & (alignment - 1) != 0 { throw reader.broken("general.alignment", "\(alignment) is no power of two") }
    dataStart = (reader.place + alignment - 1) / alignment * alignment
    try checkPlaces(alignment)
  }

  private mutating func readTensor(_ reader: inout GGUFReader) throws(InterchangeError) {
    let name = try reader.text("tensor's name")
    let part = "tensor \(Path(name))"
    let rank = try reader.number(UInt32.self, part)
    if rank == 0 || rank > 4 { throw reader.broken(part, "expected 1 to 4 dimensions, found \(rank)") }
    var sizes: [Int] = []
    for _ in 0..<rank {
      let size = try reader.number(UInt64.self, part)
      if size == 0 || size > 1 << 40 { throw reader.broken(part, "a dimension of \(size)") }
      sizes.append(Int(size))
    }
    let type = try reader.number(UInt32.self, part)
    let offset = try reader.number(UInt64.self, part)
    if offset > UInt64(map.count) {
      throw reader.broken(part, "begins at byte \(offset) of the data in a file of \(map.count) bytes")
    }
    if places.updateValue(Tensor(type: type, sizes: sizes, offset: Int(offset)), forKey: JSON.Key(name)) != nil {
      throw reader.broken(part, "is given twice")
    }
    names.append(name)
  }

  /// Tensors lie one behind the other, each at the next multiple of the alignment, and end where the file ends.
  private func checkPlaces(_ alignment: Int) throws(InterchangeError) {
    var end = 0
    let sorted = names.compactMap { name in places[JSON.Key(name)].map { (name, $0) } }
      .sorted { $0.1.offset < $1.1.offset }
    for (name, tensor) in sorted {
      let part = "tensor \(Path(name))"
      let start = (end + alignment - 1) / alignment * alignment
      if tensor.offset != start {
        throw .broken(path, part, "begins at byte \(tensor.offset) of the data, expected \(start)")
      }
      guard let format = NumberFormat(gguf: tensor.type) else {
        throw .unsupported(
          path, "\(part) in \(NumberFormat.ggufName(tensor.type)); minigpt reads F32, F16, BF16, Q8_0 and Q4_0")
      }
      if format.isGrouped, tensor.sizes[0] % 32 != 0 {
        throw .broken(
          path, part,
          "in \(format == .int8 ? "Q8_0" : "Q4_0"), rows of \(tensor.sizes[0]) numbers, which are no multiple of 32")
      }
      var count = 1
      for size in tensor.sizes {
        let product = count.multipliedReportingOverflow(by: size)
        if product.overflow || product.partialValue > map.count {
          throw .broken(path, part, "its dimensions \(tensor.sizes) are more than a file of \(map.count) bytes holds")
        }
        count = product.partialValue
      }
      end = start + format.ggufByteCount(count)
    }
    if dataStart + end > map.count || dataStart + end + alignment <= map.count {
      throw .broken(path, "data", "expected a file of \(dataStart + end) bytes, found \(map.count)")
    }
  }

  // MARK: - What is in it

  var byteCount: Int { others.reduce(map.count) { $0 + $1.map.count } }

  func tensors() -> GGUFFile { self }

  func family() throws(InterchangeError) -> String {
    guard let name = try text("general.architecture") else { throw missing("general.architecture") }
    return name
  }

  func unknown(_ family: String, known: String) -> InterchangeError {
    .unsupported(path, "general.architecture `\(Path(family))`; minigpt reads \(known)")
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(InterchangeError) -> Int? {
    guard let value = values[JSON.Key(key)] else { return nil }
    guard case .integer(let number) = value else { throw unexpected(key, "an integer", value) }
    if !range.contains(number) {
      throw .broken(path, key, "expected \(range.lowerBound) to \(range.upperBound), found \(number)")
    }
    return number
  }

  func text(_ key: String) throws(InterchangeError) -> String? {
    guard let value = values[JSON.Key(key)] else { return nil }
    guard case .text(let text) = value else { throw unexpected(key, "a text", value) }
    return text
  }

  func unexpected(_ key: String, _ expected: String, _ found: GGUFValue) -> InterchangeError {
    .broken(path, key, "expected \(expected), found \(found.kind)")
  }

  func missing(_ key: String) -> InterchangeError { .broken(path, key, "is missing") }

  func contains(_ name: String) -> Bool {
    places[JSON.Key(name)] != nil || others.contains { $0.contains(name) }
  }

  /// It has no checksums.
  func verify() {}

  /// A tensor that must be there, as `[rows, columns]`; a row as `[columns]`.
  func matrix(_ name: String, _ shape: [Int]) throws(InterchangeError) -> FileMatrix {
    guard let tensor = places[JSON.Key(name)] else {
      guard let other = others.first(where: { $0.contains(name) }) else { throw .missingTensor(path, name) }
      return try other.matrix(name, shape)
    }
    guard Array(tensor.sizes.reversed()) == shape, let type = NumberFormat(gguf: tensor.type) else {
      throw .wrongTensor(path, name, expected: "\(shape)", found: "\(Array(tensor.sizes.reversed()))")
    }
    let offset = dataStart + tensor.offset, rows = shape.dropLast().reduce(1, *), columns = shape.last ?? 1
    return type.isGrouped
      ? FileMatrix(quantized: map, offset: offset, type, rows: rows, columns: columns)
      : FileMatrix(map, offset: offset, type, rows: rows, columns: columns)
  }
}
