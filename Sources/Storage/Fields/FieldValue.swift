/// A type whose values stand in configurations: in their JSON, and in messages.
package protocol FieldValue: Equatable, Sendable {
  var json: JSON { get }
  init(json field: JSONField) throws(JSONError)
  /// As messages show it.
  var text: String { get }
}

extension FieldValue {
  package var text: String { "\(self)" }
}

extension Int: FieldValue {
  package var json: JSON { JSON(self) }
  package init(json field: JSONField) throws(JSONError) { self = try field.integer() }
}

extension Double: FieldValue {
  package var json: JSON { JSON(self) }
  package init(json field: JSONField) throws(JSONError) { self = try field.double() }
}

extension Bool: FieldValue {
  package var json: JSON { JSON(self) }
  package init(json field: JSONField) throws(JSONError) { self = try field.bool() }
}

extension String: FieldValue {
  package var json: JSON { JSON(self) }
  package init(json field: JSONField) throws(JSONError) { self = try field.string() }
}

/// Null where there is none.
extension Optional: FieldValue where Wrapped: FieldValue {
  package var text: String { self?.text ?? "none" }
  package var json: JSON { self?.json ?? .null }
  package init(json field: JSONField) throws(JSONError) { self = field.isNull ? nil : try Wrapped(json: field) }
}

extension Array: FieldValue where Element: FieldValue {
  package var json: JSON { .array(map(\.json)) }

  package init(json field: JSONField) throws(JSONError) {
    self = []
    for element in try field.array() { append(try Element(json: element)) }
  }
}

/// Hexadecimal text in JSON, since not every reader keeps numbers of 64 bits.
extension UInt64: FieldValue {
  package var json: JSON { JSON(hexadecimal16(self)) }

  package init(json field: JSONField) throws(JSONError) {
    guard let value = UInt64(try field.string(), radix: 16) else {
      throw field.outside("16 hexadecimal digits", try field.string())
    }
    self = value
  }
}

extension FieldValue where Self: RawRepresentable<String> & CaseIterable {
  package var json: JSON { JSON(rawValue) }
  package init(json field: JSONField) throws(JSONError) { self = try field.choice(Self.self) }
  package var text: String { rawValue }
}

/// What a value may be at all, whoever gives it. A flag may allow less.
package enum FieldRange: Sendable {
  case any
  case integers(ClosedRange<Int>)
  /// Finite, and at least 0.
  case nonNegative
  /// At least 0 and below 1, also as a `Float`.
  case fraction

  /// Ends the sentence "expected …".
  package var expected: String {
    switch self {
    case .any: "any value"
    case .integers(let range): "\(range.lowerBound) to \(range.upperBound)"
    case .nonNegative: "a number that is at least 0"
    case .fraction: "at least 0 and below 1"
    }
  }

  package func contains(_ value: any FieldValue) -> Bool {
    // What is not given is not out of range.
    if value.json == .null { return true }
    return switch (self, value) {
    case (.any, _): true
    case (.integers(let range), let value as Int): range.contains(value)
    case (.nonNegative, let value as Double): value >= 0 && value.isFinite
    case (.fraction, let value as Double): value >= 0 && Float(value) < 1
    default: false
    }
  }
}
