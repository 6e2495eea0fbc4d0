/// A value together with the place where it stands, so that asking for what is not there ends in an error that names
/// the file and the field: "config.json: field `n_head`: expected an integer, found a string".
package struct JSONField: Sendable {
  package let value: JSON
  private let source: String
  private let path: [JSONError.Step]

  /// The outermost value of a text; `source` names the text in errors.
  package init(_ value: JSON, source: String) {
    self.init(value, source, [])
  }

  /// Parses a text, whose name is put into the error if it is not well-formed.
  package init(parsing bytes: RawSpan, source: String) throws(JSONError) {
    do { self.init(try JSONReader.parse(bytes), source: source) } catch { throw error.from(source) }
  }

  private init(_ value: JSON, _ source: String, _ path: [JSONError.Step]) {
    self.value = value
    self.source = source
    self.path = path
  }

  package var isNull: Bool { value == .null }

  /// Whether there is such a member, be it null.
  package func has(_ key: String) throws(JSONError) -> Bool { try object()[JSON.Key(key)] != nil }

  /// The error that a member is not there.
  package func missing(_ key: String) -> JSONError { JSONError(source: source, path: path + [.key(key)], .missing) }

  /// A member that must be there.
  package func field(_ key: String) throws(JSONError) -> JSONField {
    guard let member = try object()[JSON.Key(key)] else { throw missing(key) }
    return JSONField(member, source, path + [.key(key)])
  }

  /// A member that may be missing, or null, which means the same.
  package func optionalField(_ key: String) throws(JSONError) -> JSONField? {
    guard let member = try object()[JSON.Key(key)], member != .null else { return nil }
    return JSONField(member, source, path + [.key(key)])
  }

  package func object() throws(JSONError) -> JSONObject {
    guard case .object(let object) = value else { throw unexpected("an object") }
    return object
  }

  /// The members of an object, in their order.
  package func members() throws(JSONError) -> [(key: String, field: JSONField)] {
    try object().members.map { ($0.key.text, JSONField($0.value, source, path + [.key($0.key.text)])) }
  }

  package func array() throws(JSONError) -> [JSONField] {
    guard case .array(let elements) = value else { throw unexpected("a list") }
    return elements.enumerated().map { JSONField($0.element, source, path + [.index($0.offset)]) }
  }

  package func string() throws(JSONError) -> String {
    guard case .string(let text) = value else { throw unexpected("a string") }
    return text
  }

  package func bool() throws(JSONError) -> Bool {
    guard case .bool(let bool) = value else { throw unexpected("true or false") }
    return bool
  }

  package func integer(in range: ClosedRange<Int> = Int.min...Int.max) throws(JSONError) -> Int {
    switch value {
    case .integer(let number) where range.contains(Int(number)): return Int(number)
    case .integer(let number): throw outside(range, "\(number)")
    case .unsigned(let number): throw outside(range, "\(number)")
    default: throw unexpected("an integer")
    }
  }

  package func unsigned() throws(JSONError) -> UInt64 {
    switch value {
    case .integer(let number) where number >= 0: return UInt64(number)
    case .integer(let number): throw outside("an integer of at least 0", "\(number)")
    case .unsigned(let number): return number
    default: throw unexpected("an integer")
    }
  }

  /// Any number; an integer is converted.
  package func double() throws(JSONError) -> Double {
    switch value {
    case .integer(let number): return Double(number)
    case .unsigned(let number): return Double(number)
    case .number(let number): return number
    default: throw unexpected("a number")
    }
  }

  /// One of a few words; the error lists them.
  package func choice<Choice: RawRepresentable & CaseIterable>(
    _ type: Choice.Type
  ) throws(JSONError) -> Choice where Choice.RawValue == String {
    let text = try string()
    if let choice = Choice.allCases.first(where: { JSON.Key($0.rawValue) == JSON.Key(text) }) { return choice }
    let words = Choice.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
    throw outside("one of \(words)", "`\(shortened(text))`")
  }

  /// An error about this field's content, for rules that only the caller knows.
  package func outside(_ expected: String, _ found: String) -> JSONError {
    JSONError(source: source, path: path, .outside(expected: expected, found: found))
  }

  /// The error that this member means nothing to us.
  package var unknown: JSONError { JSONError(source: source, path: path, .unknown) }

  private func outside(_ range: ClosedRange<Int>, _ found: String) -> JSONError {
    let (low, high) = (range.lowerBound, range.upperBound)
    if low == .min && high == .max { return outside("an integer of 64 bits", found) }
    if high == .max { return outside("an integer of at least \(low)", found) }
    return outside("an integer from \(low) to \(high)", found)
  }

  private func unexpected(_ expected: String) -> JSONError {
    JSONError(source: source, path: path, .unexpected(expected: expected, found: value.kind))
  }
}
