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
    let known = Set(Self.fields.map(\.key))
    for member in try object.members() where !known.contains(JSON.Key(member.key)) { throw member.field.unknown }
    self.init()
    for field in Self.fields {
      if field.traits.isDisjoint(with: [.optional, .sparse]) {
        try field.read(object.field(field.key.text), into: &self)
      } else if let member = try object.optionalField(field.key.text) {
        try field.read(member, into: &self)
      }
    }
  }

  /// The first field that must stay on resume and does not: its name and both values.
  package func firstDifference(_ other: Self) -> (what: String, old: String, new: String)? {
    Self.fields.first { $0.isFixed && !$0.isEqual(self, other) }
      .map { ($0.name, $0.value(of: self).text, $0.value(of: other).text) }
  }
}
