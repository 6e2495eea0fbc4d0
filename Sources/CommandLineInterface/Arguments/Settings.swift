internal import MiniGPT
internal import MiniGPTPlatform

/// A configuration of which some values are given, by a flag, a file, a preset, a recipe or a checkpoint. The others are
/// the defaults.
struct Settings<Configuration: Configurable>: Sendable {
  private(set) var values = Configuration()
  /// The names of the fields whose values are given.
  private var given: Set<String> = []

  /// A value that is given, or nil.
  subscript<Value: FieldValue>(_ place: WritableKeyPath<Configuration, Value>) -> Value? {
    get { given.contains(name(place)) ? values[keyPath: place] : nil }
    set {
      let name = name(place)
      values[keyPath: place] = newValue ?? Configuration()[keyPath: place]
      if newValue == nil { given.remove(name) } else { given.insert(name) }
    }
  }

  /// Gives what is not given yet the values of a whole configuration. One that no flag can give is taken, but not said.
  mutating func complete(from other: Configuration, where isWanted: (Field<Configuration>) -> Bool = { _ in true }) {
    for field in Configuration.fields where !given.contains(field.name) && isWanted(field) {
      give(field, from: other)
    }
  }

  mutating func give(_ field: Field<Configuration>, from other: Configuration) {
    field.copy(from: other, to: &values)
    // What is unusual is said only where it is.
    let isSaid = !field.traits.contains(.sparse) || !field.isEqual(values, Configuration())
    if isSaid && field.isSayable(values) { given.insert(field.name) }
  }

  mutating func parse(_ bytes: [UInt8], _ field: Field<Configuration>) -> Bool {
    if !field.parse(bytes, into: &values) { return false }
    given.insert(field.name)
    return true
  }

  mutating func clear(_ field: Field<Configuration>) {
    field.copy(from: Configuration(), to: &values)
    given.remove(field.name)
  }

  func show(_ field: Field<Configuration>) -> [[UInt8]] { given.contains(field.name) ? field.show(values) : [] }

  private func name(_ place: AnyKeyPath) -> String {
    let field = Configuration.fields.first { $0.isAt(place) }
    check(field != nil, "no field is at \(place)")
    return field?.name ?? ""
  }
}
