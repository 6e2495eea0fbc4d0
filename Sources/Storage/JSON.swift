/// A JSON value (RFC 8259).
///
/// Integers stay exact: `integer` where they fit 64 signed bits, `unsigned` above that; every other number is a double.
/// Objects keep the order of their members.
package enum JSON: Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  /// Above `Int64.max` only.
  case unsigned(UInt64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  /// Text compared and hashed by its bytes. Swift's own strings are equal when they merely look alike (`Å` as one
  /// scalar or two), which would merge two members into one.
  package struct Key: Hashable, Sendable, ExpressibleByStringLiteral {
    package let text: String

    package init(_ text: String) { self.text = text }
    package init(stringLiteral text: String) { self.text = text }

    package var bytes: [UInt8] { Array(text.utf8) }

    package static func == (a: Key, b: Key) -> Bool {
      a.text.utf8.count == b.text.utf8.count && a.text.utf8.elementsEqual(b.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
      let isDone: Void? = unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
        unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
      }
      if isDone == nil { for byte in text.utf8 { hasher.combine(byte) } }
    }
  }

  /// With its article, for messages.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .integer, .unsigned: "an integer"
    case .number: "a number with a fraction or exponent"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

/// The members of an object in their order. A member is found by walking: fit for objects that people write; of a big
/// one, walk `members` and build what you need.
package struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  package struct Member: Hashable, Sendable {
    package let key: JSON.Key
    package var value: JSON

    package init(_ key: JSON.Key, _ value: JSON) {
      self.key = key
      self.value = value
    }
  }

  package var members: [Member]

  package init(_ members: [Member] = []) { self.members = members }

  package init(dictionaryLiteral elements: (JSON.Key, JSON)...) {
    members = elements.map { Member($0.0, $0.1) }
  }

  package subscript(_ key: JSON.Key) -> JSON? {
    members.first { $0.key == key }?.value
  }

  /// Puts a member behind the others; the caller sees to it that the key is new.
  package mutating func append(_ key: JSON.Key, _ value: JSON) { members.append(Member(key, value)) }
}

extension JSON: Hashable {
  /// Strings are compared by their bytes; an integer never equals a double.
  package static func == (a: JSON, b: JSON) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.unsigned(let a), .unsigned(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): Key(a) == Key(b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    case (.null, _), (.bool, _), (.integer, _), (.unsigned, _), (.number, _), (.string, _), (.array, _), (.object, _):
      false
    }
  }

  package func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .bool(let value): hasher.combine(value)
    case .integer(let value): hasher.combine(value)
    case .unsigned(let value): hasher.combine(value)
    case .number(let value): hasher.combine(value)
    case .string(let value): hasher.combine(Key(value))
    case .array(let value): hasher.combine(value)
    case .object(let value): hasher.combine(value)
    }
  }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(nilLiteral: ()) { self = .null }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(stringLiteral value: String) { self = .string(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (Key, JSON)...) {
    self = .object(JSONObject(elements.map { JSONObject.Member($0.0, $0.1) }))
  }

  package init(_ value: Bool) { self = .bool(value) }
  package init(_ value: String) { self = .string(value) }
  package init(_ value: Double) { self = .number(value) }
  package init(_ value: Int) { self = .integer(Int64(value)) }

  package init(_ value: UInt64) {
    if let small = Int64(exactly: value) { self = .integer(small) } else { self = .unsigned(value) }
  }

  /// The shortest decimal that reads back as the same float: 0.1, not 0.10000000149011612.
  package init(_ value: Float) {
    self = .number(value.isFinite ? Double(value.description) ?? Double(value) : Double(value))
  }
}
