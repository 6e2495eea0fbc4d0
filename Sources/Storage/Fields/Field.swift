internal import MiniGPTPlatform

/// A value of a configuration, written once: JSON, flags, help, ranges, the comparison on resume, presets and `info` walk
/// these rows. A new value is a property and its row.
@dynamicMemberLookup
package struct Field<Owner>: Sendable {
  package typealias Place<Value> = WritableKeyPath<Owner, Value> & Sendable

  private let row: FieldRow
  private let get: @Sendable (Owner) -> any FieldValue
  private let set: @Sendable (inout Owner, any FieldValue) -> Void
  private let readInto: @Sendable (JSONField, inout Owner) throws(JSONError) -> Void
  private let path: @Sendable () -> AnyKeyPath

  private init(
    _ row: FieldRow, get: @escaping @Sendable (Owner) -> any FieldValue,
    set: @escaping @Sendable (inout Owner, any FieldValue) -> Void,
    read: @escaping @Sendable (JSONField, inout Owner) throws(JSONError) -> Void,
    path: @escaping @Sendable () -> AnyKeyPath
  ) {
    self.row = row
    self.get = get
    self.set = set
    readInto = read
    self.path = path
  }

  /// A row of a table.
  /// - Parameters:
  ///   - names: the name, then other spellings of the flag. With `_` for `-` the name is the key in JSON.
  ///   - range: what the value may be, where that is more than its flag allows.
  ///   - label: what `info` calls it; `unit` follows its value there.
  ///   - noun: what the error of a value out of range calls it.
  package init<Value: FieldValue>(
    _ names: String..., at place: any Place<Value>, in range: FieldRange? = nil, traits: FieldTraits = [],
    label: String? = nil, unit: String = "", noun: String? = nil,
    flag: @escaping @autoclosure @Sendable () -> Flag<Value>? = nil
  ) {
    let row = FieldRow(
      names: names, givenRange: range, traits: traits, label: label ?? names[0], unit: unit, noun: noun ?? names[0],
      makeFlag: { flag()?.erased })
    self.init(
      row, get: { $0[keyPath: place] },
      set: { owner, value in
        guard let value = value as? Value else { return check(false, "\(row.name) is no \(type(of: value))") }
        owner[keyPath: place] = value
      }, read: { field, owner throws(JSONError) in owner[keyPath: place] = try Value(json: field) }, path: { place })
  }

  package subscript<Value>(dynamicMember member: KeyPath<FieldRow, Value>) -> Value { row[keyPath: member] }

  /// The same row in a configuration that holds its owner.
  package func within<Outer>(_ place: any (WritableKeyPath<Outer, Owner> & Sendable)) -> Field<Outer> {
    Field<Outer>(
      row, get: { get($0[keyPath: place]) }, set: { set(&$0[keyPath: place], $1) },
      read: { field, owner throws(JSONError) in try readInto(field, &owner[keyPath: place]) },
      path: { [path] in (place as AnyKeyPath).appending(path: path()) ?? place })
  }

  package func isAt(_ place: AnyKeyPath) -> Bool { path() == place }
  package func value(of owner: Owner) -> any FieldValue { get(owner) }
  package func copy(from other: Owner, to owner: inout Owner) { set(&owner, get(other)) }
  package func isEqual(_ a: Owner, _ b: Owner) -> Bool { get(a).json == get(b).json }
  package func isInRange(_ owner: Owner) -> Bool { row.range.contains(get(owner)) }

  /// Reads a member of JSON.
  package func read(_ member: JSONField, into owner: inout Owner) throws(JSONError) {
    try readInto(member, &owner)
  }

  /// Takes what stands behind the flag; false where it is not what was expected.
  package func parse(_ bytes: [UInt8], into owner: inout Owner) -> Bool {
    guard let value = row.flag?.kind.parse(bytes) else { return false }
    set(&owner, value)
    return true
  }

  /// What stands behind the flag that gives this value: nothing where a switch is off, or there is no value.
  package func show(_ owner: Owner) -> [[UInt8]] {
    let value = get(owner)
    guard let kind = row.flag?.kind, value.json != .null else { return [] }
    return kind.placeholder == nil && value.json == .bool(false) ? [] : [kind.show(value)]
  }

  /// The name and the value, as the command line has them: `qk-norm on`.
  package func flagValue(of owner: Owner) -> String {
    let word = show(owner).first.map { String(decoding: $0, as: UTF8.self) } ?? value(of: owner).text
    return word.isEmpty ? row.name : "\(row.name) \(word)"
  }

  /// Whether the flag can give this value.
  package func isSayable(_ owner: Owner) -> Bool {
    var owner = owner
    return show(owner).allSatisfy { parse($0, into: &owner) } && row.flag != nil
  }
}

/// What is unusual about a field.
package struct FieldTraits: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  /// A resumed training may have another value.
  package static let mayChange = Self(rawValue: 1)
  /// Older files lack it, and mean the default.
  package static let optional = Self(rawValue: 2)
  /// Written only where it is not the default, so that older programs read all files that do without it.
  package static let sparse = Self(rawValue: 4)
  /// Of trainings on texts alone.
  package static let texts = Self(rawValue: 8)
  /// Of trainings on sentence pairs alone.
  package static let pairs = Self(rawValue: 16)
}

/// What a row says besides where its value is.
package struct FieldRow: Sendable {
  package let names: [String]
  let givenRange: FieldRange?
  package let traits: FieldTraits
  package let label: String
  package let unit: String
  package let noun: String
  /// Made when it is asked for: to open a file takes no flags.
  let makeFlag: @Sendable () -> Flag<any FieldValue>?

  package var flag: Flag<any FieldValue>? { makeFlag() }
  package var range: FieldRange { givenRange ?? flag?.kind.range ?? .any }
  package var name: String { names[0] }
  package var key: JSON.Key {
    name.utf8.contains(UInt8(ascii: "-")) ? JSON.Key(String(name.map { $0 == "-" ? "_" : $0 })) : JSON.Key(name)
  }
  /// Whether it is said only where it is not the default.
  package var isUnusual: Bool { traits.contains(.sparse) }
  package var isFixed: Bool { !traits.contains(.mayChange) }
}
