/// A configuration all of whose values are in a table.
package protocol Configurable: Sendable {
  /// Its values in the order of JSON.
  static var fields: [Field<Self>] { get }
  /// The defaults.
  init()
}

extension Configurable {
  package var json: JSON {
    let defaults = Self()
    return .object(
      JSONObject(
        Self.fields.compactMap { field in
          field.traits.contains(.sparse) && field.isEqual(self, defaults)
            ? nil : JSONObject.Member(field.key, field.value(of: self).json)
        }))
  }

  /// Reads every field; one that this program does not know is an error.
  package init(fields object: JSONField) throws(JSONError) {
    self.init()
    var known = 0
    for field in Self.fields {
      let key = field.key.text
      guard try object.has(key) else {
        if !field.traits.isDisjoint(with: [.optional, .sparse]) { continue }
        try Self.checkKnown(object)
        throw object.missing(key)
      }
      known += 1
      if field.traits.isDisjoint(with: [.optional, .sparse]) {
        try field.read(object.field(key), into: &self)
      } else if let member = try object.optionalField(key) {
        try field.read(member, into: &self)
      }
    }
    if try object.object().members.count > known { try Self.checkKnown(object) }
  }

  private static func checkKnown(_ object: JSONField) throws(JSONError) {
    let keys = Set(fields.map(\.key))
    for member in try object.members() where !keys.contains(JSON.Key(member.key)) { throw member.field.unknown }
  }

  /// The first field that must stay on resume and does not: its name and both values.
  package func firstDifference(_ other: Self) -> (what: String, old: String, new: String)? {
    Self.fields.first { $0.isFixed && !$0.isEqual(self, other) }
      .map { ($0.name, $0.value(of: self).text, $0.value(of: other).text) }
  }
}
