internal import MiniGPTStorage

/// A value in a GGUF file, as far as minigpt looks at it.
enum GGUFValue {
  case integer(Int)
  case number(Double)
  case bool(Bool)
  case text(String)
  case texts([String])
  case integers([Int])
  /// Passed over.
  case other

  /// With its article, for messages.
  var kind: String {
    switch self {
    case .integer: "an integer"
    case .number: "a number"
    case .bool: "true or false"
    case .text: "a text"
    case .texts: "a list of texts"
    case .integers: "a list of integers"
    case .other: "something else"
    }
  }
}

/// Walks the header of a GGUF file. Whatever a length says, nothing beyond the file's end is read or made room for.
struct GGUFReader {
  private(set) var place = 0
  private let map: MappedFile

  init(_ map: MappedFile) { self.map = map }

  func broken(_ part: String, _ problem: String) -> InterchangeError { .broken(map.path, part, problem) }

  private var rest: Int { map.count - place }

  private func need(_ count: Int, _ part: String) throws(InterchangeError) {
    if count > rest { throw broken(part, "the file ends at byte \(map.count), before its end") }
  }

  mutating func bytes(_ count: Int, _ part: String) throws(InterchangeError) -> [UInt8] {
    try need(count, part)
    let map = self.map, start = place
    let all = map.bytes
    place += count
    return all.extracting(start..<start + count).array
  }

  mutating func number<Number: PlainNumber & FixedWidthInteger>(
    _ type: Number.Type, _ part: String
  ) throws(InterchangeError) -> Number {
    let size = MemoryLayout<Number>.size
    try need(size, part)
    let map = self.map, start = place
    let all = map.bytes
    place += size
    return Number(littleEndian: all.load(Number.self, at: start))
  }

  mutating func count(_ part: String, limit: UInt64) throws(InterchangeError) -> Int {
    let count = try number(UInt64.self, part)
    if count > limit { throw broken(part, "expected at most \(limit), found \(count)") }
    return Int(count)
  }

  mutating func text(_ part: String) throws(InterchangeError) -> String {
    let length = try number(UInt64.self, part)
    if length > UInt64(rest) { throw broken(part, "a text of \(length) bytes with \(rest) left in the file") }
    return String(decoding: try bytes(Int(length), part), as: UTF8.self)
  }

  mutating func value(_ key: String) throws(InterchangeError) -> GGUFValue {
    let part = "key \(Path(key))"
    let type = try number(UInt32.self, part)
    if type != 9 { return try scalar(type, part) }
    let element = try number(UInt32.self, part)
    let count = try number(UInt64.self, part)
    guard let least = Self.leastSize(element) else { throw broken(part, "a list of values of type \(element)") }
    if count > UInt64(rest / least) {
      throw broken(part, "a list of \(count) values with \(rest) bytes left in the file")
    }
    let isKept = key.hasPrefix("tokenizer.ggml.")
    var texts: [String] = [], integers: [Int] = []
    for _ in 0..<count {
      switch try scalar(element, part) {
      case .text(let text) where isKept: texts.append(text)
      case .integer(let integer) where isKept: integers.append(integer)
      default: break
      }
    }
    if !isKept { return .other }
    return element == 8 ? .texts(texts) : integers.count == Int(count) ? .integers(integers) : .other
  }

  private mutating func scalar(_ type: UInt32, _ part: String) throws(InterchangeError) -> GGUFValue {
    switch type {
    case 0: return .integer(Int(try number(UInt8.self, part)))
    case 1: return .integer(Int(try number(Int8.self, part)))
    case 2: return .integer(Int(try number(UInt16.self, part)))
    case 3: return .integer(Int(try number(Int16.self, part)))
    case 4: return .integer(Int(try number(UInt32.self, part)))
    case 5: return .integer(Int(try number(Int32.self, part)))
    case 6: return .number(Double(Float(bitPattern: try number(UInt32.self, part))))
    case 7:
      let byte = try number(UInt8.self, part)
      if byte > 1 { throw broken(part, "expected true or false, found \(byte)") }
      return .bool(byte == 1)
    case 8: return .text(try text(part))
    case 10: return .integer(Int(clamping: try number(UInt64.self, part)))
    case 11: return .integer(Int(try number(Int64.self, part)))
    case 12: return .number(Double(bitPattern: try number(UInt64.self, part)))
    default: throw broken(part, "a value of type \(type), which GGUF does not have")
    }
  }

  /// Bytes that an element takes at least; nil for a type that no list has.
  private static func leastSize(_ type: UInt32) -> Int? {
    switch type {
    case 0, 1, 7: 1
    case 2, 3: 2
    case 4, 5, 6: 4
    case 8, 10, 11, 12: 8
    default: nil
    }
  }
}
