package import MiniGPTStorage

extension Field {
  /// A configuration that differs from `owner` in this field alone, by a value in the range.
  package func changed(_ owner: Owner) throws -> Owner {
    let value = value(of: owner)
    let others: [JSON] =
      switch value {
      case let value as Int: [JSON(value + 1), JSON(value - 1)]
      case let value as Double: [JSON(value / 2 + 0.0625)]
      case let value as Bool: [JSON(!value)]
      case _ where value.json == .null: [1]
      case let value as UInt64: [JSON(hexadecimal16(value &+ 1))]
      default: (self.flag?.choices ?? []).map { JSON($0) } + ["fp32", "bf16"]
      }
    for other in others {
      var result = owner
      guard (try? read(JSONField(other, source: self.name), into: &result)) != nil else { continue }
      if isInRange(result), !isEqual(result, owner) { return result }
    }
    throw NoOtherValue(name: self.name)
  }
}

/// A field of a type that the tests do not know how to change.
struct NoOtherValue: Error {
  let name: String
}

extension Flag {
  fileprivate var choices: [String] {
    if case .choices(let words) = kind.completion { words } else { [] }
  }
}

/// Walks a whole table: what a row promises of JSON, ranges and its flag.
package func problems<Configuration: Configurable>(of base: Configuration) throws -> [String] {
  var problems: [String] = []
  func expect(_ isTrue: Bool, _ what: String) { if !isTrue { problems.append(what) } }
  func read(_ json: JSON) throws -> Configuration { try Configuration(fields: JSONField(json, source: "test")) }
  func members(_ owner: Configuration) -> [JSONObject.Member] {
    guard case .object(let object) = owner.json else { return [] }
    return object.members
  }
  for field in Configuration.fields {
    let name = field.name, changed = try field.changed(base)
    for other in Configuration.fields {
      expect(other.isEqual(changed, base) == (other.name != name), "\(name) changes \(other.name)")
    }
    // Written and read.
    expect(try read(changed.json).json == changed.json, "\(name) does not come back")
    expect(changed.json != base.json, "\(name) is not written")
    // Left out.
    let without = JSON.object(JSONObject(members(changed).filter { $0.key != field.key }))
    do {
      let back = try read(without)
      expect(!field.traits.isDisjoint(with: [.optional, .sparse]), "\(name) may be left out")
      expect(field.isEqual(back, Configuration()), "\(name) left out is not the default")
    } catch let error as JSONError {
      expect(error.problem == .missing && error.path == [.key(field.key.text)], "\(name) left out: \(error)")
    }
    // Compared.
    let difference = base.firstDifference(changed)
    expect((difference != nil) == field.isFixed, "\(name) is compared wrongly")
    expect(difference.map { $0.what == name && $0.old != $0.new } ?? true, "\(name) is named \(difference?.what ?? "")")
    // Given by its flag, which says it too.
    if field.flag != nil {
      expect(field.isSayable(changed), "--\(name) cannot say its value")
      var given = base
      for value in field.show(changed) { expect(field.parse(value, into: &given), "--\(name) refuses its value") }
      expect(field.isEqual(given, changed) || field.show(changed).isEmpty, "--\(name) gives another value")
      expect(field.flag?.kind.placeholder == nil || !field.parse(Array("?".utf8), into: &given), "--\(name) takes all")
    }
    // Out of range.
    if case .integers(let range) = field.range {
      for value in [range.lowerBound - 1, range.upperBound + 1] {
        var outside = base
        try field.read(JSONField(JSON(value), source: name), into: &outside)
        expect(!field.isInRange(outside), "\(name) may be \(value)")
      }
    }
  }
  let unknown = JSON.object(JSONObject(members(base) + [JSONObject.Member("fresh_idea", 1)]))
  do {
    _ = try read(unknown)
    problems.append("an unknown field is read")
  } catch {
    let expected = "test: field `fresh_idea`: is not known to this program: a newer one wrote it"
    expect("\(error)" == expected, "an unknown field: \(error)")
  }
  return problems
}
