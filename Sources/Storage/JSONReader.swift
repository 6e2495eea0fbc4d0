internal import MiniGPTPlatform

/// Reads JSON from bytes, step by step and strictly: RFC 8259, UTF-8, no byte order mark, nothing behind the value.
///
/// It asks for what it expects (`enterObject`, `nextKey`, `string`, …), so that a text of any size is read in the memory
/// that the caller keeps. `value` reads a whole value instead. Nesting deeper than 128 levels is an error.
package struct JSONReader: ~Escapable {
  package static let depthLimit = 128

  let bytes: RawSpan
  /// The next byte to be read.
  package internal(set) var offset = 0
  private var depth = 0
  /// True between an opening bracket and the first thing behind it, where no comma stands.
  private var isFirst = false
  private let duplicatesAllowed: Bool

  /// Checks the encoding of the whole text, and nothing else yet.
  @_lifetime(copy bytes)
  package init(_ bytes: RawSpan, duplicatesAllowed: Bool = false) throws(JSONError) {
    self.bytes = bytes
    self.duplicatesAllowed = duplicatesAllowed
    if bytes.byteCount >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
      throw JSONError(offset: 0, .byteOrderMark)
    }
    do { _ = try UTF8Span(validating: unsafe bytes._unsafeView(as: UInt8.self)) } catch {
      throw JSONError(offset: error.byteOffsets.lowerBound, .notUTF8)
    }
  }

  /// A whole text as one value.
  package static func parse(_ bytes: RawSpan, duplicatesAllowed: Bool = false) throws(JSONError) -> JSON {
    var reader = try JSONReader(bytes, duplicatesAllowed: duplicatesAllowed)
    let value = try reader.value()
    try reader.end()
    return value
  }

  // MARK: Structure

  package mutating func enterObject() throws(JSONError) { try enter(UInt8(ascii: "{"), "an object") }

  /// The key of the next member, whose value is to be read next; nil at the object's end.
  package mutating func nextKey() throws(JSONError) -> JSON.Key? {
    if !(try separator(UInt8(ascii: "}"))) { return nil }
    skipSpace()
    if peek != UInt8(ascii: "\"") { throw unexpected("a key in double quotes") }
    let key = JSON.Key(try string())
    skipSpace()
    if peek != UInt8(ascii: ":") { throw unexpected("a colon").inside(.key(key.text)) }
    offset += 1
    return key
  }

  package mutating func enterArray() throws(JSONError) { try enter(UInt8(ascii: "["), "a list") }

  /// Whether another element stands next, which is to be read then.
  package mutating func nextElement() throws(JSONError) -> Bool { try separator(UInt8(ascii: "]")) }

  /// Throws unless only white space is left.
  package mutating func end() throws(JSONError) {
    skipSpace()
    if offset < bytes.byteCount { throw unexpected("the end") }
  }

  // MARK: Values

  package mutating func string() throws(JSONError) -> String {
    skipSpace()
    if peek != UInt8(ascii: "\"") { throw unexpected("a string") }
    let (range, hasEscapes) = try scanString()
    return hasEscapes ? unescaped(range) : text(range)
  }

  /// Plain digits: no sign, fraction or exponent, no zero in front.
  package mutating func unsigned() throws(JSONError) -> UInt64 {
    skipSpace()
    guard let first = peek, isDigit(first) else { throw unexpected("a number of plain digits") }
    let start = offset
    switch try number() {
    case .integer(let value): return UInt64(value)
    case .unsigned(let value): return value
    default:
      let isLong = !bytes.extracting(start..<offset).array.contains { !isDigit($0) }
      offset = start
      throw isLong ? error(.numberOutOfRange) : unexpected("a number of plain digits")
    }
  }

  /// Reads a value, checks it and forgets it.
  package mutating func skipValue() throws(JSONError) {
    skipSpace()
    switch peek {
    case UInt8(ascii: "{"):
      try enterObject()
      while try nextKey() != nil { try skipValue() }
    case UInt8(ascii: "["):
      try enterArray()
      while try nextElement() { try skipValue() }
    case UInt8(ascii: "\""): _ = try scanString()
    default: _ = try scalar()
    }
  }

  package mutating func value() throws(JSONError) -> JSON {
    skipSpace()
    switch peek {
    case UInt8(ascii: "{"): return .object(try object())
    case UInt8(ascii: "["): return .array(try array())
    case UInt8(ascii: "\""): return .string(try string())
    default: return try scalar()
    }
  }

  package mutating func isNextNull() -> Bool {
    skipSpace()
    return peek == UInt8(ascii: "n")
  }

  // MARK: Steps

  private mutating func object() throws(JSONError) -> JSONObject {
    try enterObject()
    var members: [JSONObject.Member] = []
    var keys = JSONKeyTable()
    while let key = try nextKey() {
      let place = offset
      do throws(JSONError) {
        if !duplicatesAllowed && !keys.insert(key, members.count, members) {
          throw JSONError(offset: place, .duplicateKey)
        }
        members.append(.init(key, try value()))
      } catch { throw error.inside(.key(key.text)) }
    }
    return JSONObject(members)
  }

  private mutating func array() throws(JSONError) -> [JSON] {
    try enterArray()
    var elements: [JSON] = []
    while try nextElement() {
      do { elements.append(try value()) } catch { throw error.inside(.index(elements.count)) }
    }
    return elements
  }

  private mutating func enter(_ bracket: UInt8, _ name: String) throws(JSONError) {
    skipSpace()
    if peek != bracket { throw unexpected(name) }
    if depth == Self.depthLimit { throw error(.tooDeep(limit: Self.depthLimit)) }
    offset += 1
    depth += 1
    isFirst = true
  }

  /// Goes over a comma where one must stand; false behind the closing bracket.
  private mutating func separator(_ closing: UInt8) throws(JSONError) -> Bool {
    skipSpace()
    let wasFirst = isFirst
    isFirst = false
    if peek == closing {
      offset += 1
      depth -= 1
      return false
    }
    if wasFirst { return true }
    if peek != UInt8(ascii: ",") { throw unexpected("a comma or `\(Character(Unicode.Scalar(closing)))`") }
    offset += 1
    return true
  }

  private mutating func scalar() throws(JSONError) -> JSON {
    switch peek {
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    default: return try number()
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    let letters = Array("\(word)".utf8)
    if offset + letters.count > bytes.byteCount || bytes.extracting(offset..<offset + letters.count).array != letters {
      throw unexpected("`\(word)`")
    }
    offset += letters.count
    return value
  }

  // MARK: Bytes

  var peek: UInt8? {
    offset < bytes.byteCount ? unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self) : nil
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
  }

  func error(_ problem: JSONError.Problem) -> JSONError { JSONError(offset: offset, problem) }

  func unexpected(_ expected: String) -> JSONError { error(.unexpected(expected: expected, found: found)) }
}
