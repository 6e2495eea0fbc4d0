/// Turns a JSON value into bytes: the same value always into the same ones, members in the order they have.
///
/// Control characters, DEL and C1 are escaped, so that a terminal may show the result; other text stays UTF-8. Doubles
/// are the shortest decimals that read back as the same value, and keep their point or exponent.
package struct JSONWriter {
  /// How lines are broken.
  package enum Layout: Sendable {
    /// One line without any blank.
    case compact
    /// One line with a blank behind commas and colons, as in logs that people read.
    case spaced
    /// A line for each member, indented by two blanks a level.
    case indented
  }

  /// What becomes of a number that JSON cannot express.
  package enum NonFinite: Sendable {
    case refuse
    case null
  }

  private let layout: Layout
  private let nonFinite: NonFinite
  private var bytes: [UInt8] = []
  private var depth = 0

  package static func write(
    _ value: JSON, layout: Layout = .compact, nonFinite: NonFinite = .refuse
  ) throws(JSONError) -> [UInt8] {
    var writer = JSONWriter(layout: layout, nonFinite: nonFinite)
    try writer.append(value)
    return writer.bytes
  }

  /// A string in its quotes, escaped.
  package static func quoted(_ text: String) -> [UInt8] {
    var writer = JSONWriter(layout: .compact, nonFinite: .refuse)
    writer.append(text)
    return writer.bytes
  }

  private mutating func append(_ value: JSON) throws(JSONError) {
    switch value {
    case .null: raw("null")
    case .bool(let value): raw(value ? "true" : "false")
    case .integer(let value): raw(String(value))
    case .unsigned(let value): raw(String(value))
    case .number(let value) where value.isFinite: raw(value.description)
    case .number:
      if nonFinite == .refuse { throw JSONError(.notFinite) }
      raw("null")
    case .string(let text): append(text)
    case .array(let elements): try append(elements)
    case .object(let object): try append(object)
    }
  }

  private mutating func append(_ elements: [JSON]) throws(JSONError) {
    raw("[")
    depth += 1
    for (index, element) in elements.enumerated() {
      separate(index)
      do { try append(element) } catch { throw error.inside(.index(index)) }
    }
    depth -= 1
    close(elements.isEmpty, "]")
  }

  private mutating func append(_ object: JSONObject) throws(JSONError) {
    raw("{")
    depth += 1
    for (index, member) in object.members.enumerated() {
      separate(index)
      append(member.key.text)
      raw(layout == .compact ? ":" : ": ")
      do { try append(member.value) } catch { throw error.inside(.key(member.key.text)) }
    }
    depth -= 1
    close(object.members.isEmpty, "}")
  }

  private mutating func separate(_ index: Int) {
    if index > 0 { raw(layout == .spaced ? ", " : ",") }
    if layout == .indented { newline() }
  }

  private mutating func close(_ isEmpty: Bool, _ bracket: String) {
    if layout == .indented && !isEmpty { newline() }
    raw(bracket)
  }

  private mutating func newline() {
    bytes.append(0x0A)
    for _ in 0..<depth { raw("  ") }
  }

  private mutating func append(_ text: String) {
    raw("\"")
    var afterC2 = false
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): raw("\\\"")
      case UInt8(ascii: "\\"): raw("\\\\")
      case 0x0A: raw("\\n")
      case 0x0D: raw("\\r")
      case 0x09: raw("\\t")
      case 0..<0x20, 0x7F: escape(byte)
      // C1 is U+0080 to U+009F, in UTF-8 C2 80 to C2 9F.
      case 0x80...0x9F where afterC2:
        bytes.removeLast()
        escape(byte)
      default: bytes.append(byte)
      }
      afterC2 = byte == 0xC2
    }
    raw("\"")
  }

  private mutating func escape(_ byte: UInt8) {
    let digits = String(byte, radix: 16)
    raw(digits.utf8.count == 1 ? "\\u000" : "\\u00")
    raw(digits)
  }

  private mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
