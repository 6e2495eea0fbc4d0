internal import MiniGPT

/// A flag that a command accepts, declared once: parsing, help, completions, the configuration file and the command
/// that repeats a run all come from here.
struct Option<Owner>: Sendable {
  /// Long names without dashes; the first is the one that the program itself uses.
  let names: [String]
  let short: Character?
  /// `nil` for a switch, which takes no value.
  let placeholder: String?
  let expectation: String
  let completion: Completion
  let help: String
  /// What help says in place of a default that is no fixed value; `nil` shows the value itself.
  let fallback: String?
  let repeats: Bool
  /// Stores what stands behind the flag; `false` where it is not what was expected.
  let set: @Sendable (inout Owner, [UInt8]) -> Bool
  /// The values that give the present state again; empty where the flag is not needed.
  let show: @Sendable (Owner) -> [[UInt8]]
  /// Takes the value away, where there may be none.
  let clear: @Sendable (inout Owner) -> Void
  /// Takes the value of another owner.
  let copy: @Sendable (_ other: Owner, _ owner: inout Owner) -> Void

  var name: String { names[0] }
  var flag: String { "--" + name }
  var takesValue: Bool { placeholder != nil }
}

/// Options under a heading of the help text.
struct Section<Owner>: Sendable {
  let title: String
  let options: [Option<Owner>]

  init(_ title: String, _ options: [Option<Owner>]) {
    self.title = title
    self.options = options
  }
}

extension Option {
  typealias Place<Value> = WritableKeyPath<Owner, Value> & Sendable

  /// A flag whose values a property holds in some form; `empty` is the form that holds none.
  private init<Value, Held>(
    _ names: [String], _ short: Character?, in place: any Place<Held>, _ kind: ValueKind<Value>, fallback: String?,
    repeats: Bool = false, empty: Held?, help: String, store: @escaping @Sendable (inout Held, Value) -> Void,
    values: @escaping @Sendable (Held) -> [Value]
  ) where Held: Sendable {
    (self.names, self.short, self.help, self.fallback, self.repeats) = (names, short, help, fallback, repeats)
    (placeholder, expectation, completion) = (kind.placeholder, kind.expectation, kind.completion)
    set = { owner, bytes in
      guard let value = kind.parse(bytes) else { return false }
      store(&owner[keyPath: place], value)
      return true
    }
    show = { values($0[keyPath: place]).map(kind.show) }
    clear = { owner in if let empty { owner[keyPath: place] = empty } }
    copy = { $1[keyPath: place] = $0[keyPath: place] }
  }

  /// A flag with a fixed default: the one that the property starts with.
  static func value<Value>(
    _ names: String..., short: Character? = nil, in place: any Place<Value>, _ kind: ValueKind<Value>, _ help: String
  ) -> Self {
    Self(names, short, in: place, kind, fallback: nil, empty: nil, help: help) {
      $0 = $1
    } values: {
      [$0]
    }
  }

  /// A flag without a fixed default; `fallback` says what happens when it is left out.
  static func optional<Value>(
    _ names: String..., short: Character? = nil, in place: any Place<Value?>, _ kind: ValueKind<Value>,
    else fallback: String, _ help: String
  ) -> Self {
    Self(names, short, in: place, kind, fallback: fallback, empty: .some(nil), help: help) {
      $0 = $1
    } values: {
      $0.map { [$0] } ?? []
    }
  }

  /// A flag that may repeat; every value is kept, in order.
  static func list<Value>(
    _ names: String..., short: Character? = nil, in place: any Place<[Value]>, _ kind: ValueKind<Value>,
    else fallback: String, _ help: String
  ) -> Self {
    Self(names, short, in: place, kind, fallback: fallback, repeats: true, empty: [], help: help) {
      $0.append($1)
    } values: {
      $0
    }
  }

  /// A flag without a value: off unless it is given.
  static func toggle(
    _ names: String..., short: Character? = nil, in place: any Place<Bool>, _ help: String
  ) -> Self {
    Self(names, short, in: place, .toggle, fallback: "off", empty: false, help: help) {
      $0 = $1
    } values: {
      $0 ? [true] : []
    }
  }

  /// The flag of a configuration's field; nil where it has none.
  static func field<Configuration>(
    _ field: Field<Configuration>, in place: any Place<Settings<Configuration>>
  ) -> Self? {
    guard let flag = field.flag else { return nil }
    return Self(
      names: field.names, short: nil, placeholder: flag.kind.placeholder, expectation: flag.kind.expectation,
      completion: flag.kind.completion, help: flag.help, fallback: flag.fallback, repeats: false,
      set: { $0[keyPath: place].parse($1, field) }, show: { $0[keyPath: place].show(field) },
      clear: { $0[keyPath: place].clear(field) },
      copy: { $1[keyPath: place].give(field, from: $0[keyPath: place].values) })
  }
}
