/// The heading of the help text under which a flag stands.
package enum FlagGroup: Sendable { case files, model, training, validation, translation, running }

/// How a field is given on the command line.
package struct Flag<Value: Sendable>: Sendable {
  package let group: FlagGroup
  package let kind: ValueKind<Value>
  /// What happens without it.
  package let fallback: String
  package let help: String

  package init(_ group: FlagGroup, _ kind: ValueKind<Value>, else fallback: String = "off", _ help: String) {
    self.group = group
    self.kind = kind
    self.fallback = fallback
    self.help = help
  }
}

extension Flag where Value: FieldValue {
  /// The same for a table of values of all types.
  var erased: Flag<any FieldValue> {
    let (parse, show) = (kind.parse, kind.show)
    let erased = ValueKind<any FieldValue>(
      placeholder: kind.placeholder, expectation: kind.expectation, completion: kind.completion, range: kind.range,
      parse: { parse($0) }, show: { ($0 as? Value).map(show) ?? [] })
    return Flag<any FieldValue>(group, erased, else: fallback, help)
  }
}
