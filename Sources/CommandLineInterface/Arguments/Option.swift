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
  var clear: @Sendable (inout Owner) -> Void = { _ in }

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

  /// A flag with a fixed default: the one that the property starts with.
  static func value<Value>(
    _ names: String..., short: Character? = nil, in place: any Place<Value>, _ kind: ValueKind<Value>, _ help: String
  ) -> Self {
    Self(
      names: names, short: short, placeholder: kind.placeholder, expectation: kind.expectation,
      completion: kind.completion, help: help, fallback: nil, repeats: false,
      set: { owner, bytes in
        guard let value = kind.parse(bytes) else { return false }
        owner[keyPath: place] = value
        return true
      },
      show: { [kind.show($0[keyPath: place])] })
  }

  /// A flag without a fixed default; `fallback` says what happens when it is left out.
  static func optional<Value>(
    _ names: String..., short: Character? = nil, in place: any Place<Value?>, _ kind: ValueKind<Value>,
    else fallback: String, _ help: String
  ) -> Self {
    Self(
      names: names, short: short, placeholder: kind.placeholder, expectation: kind.expectation,
      completion: kind.completion, help: help, fallback: fallback, repeats: false,
      set: { owner, bytes in
        guard let value = kind.parse(bytes) else { return false }
        owner[keyPath: place] = value
        return true
      },
      show: { $0[keyPath: place].map { [kind.show($0)] } ?? [] },
      clear: { $0[keyPath: place] = nil })
  }

  /// A flag that may repeat; every value is kept, in order.
  static func list<Value>(
    _ names: String..., short: Character? = nil, in place: any Place<[Value]>, _ kind: ValueKind<Value>,
    else fallback: String, _ help: String
  ) -> Self {
    Self(
      names: names, short: short, placeholder: kind.placeholder, expectation: kind.expectation,
      completion: kind.completion, help: help, fallback: fallback, repeats: true,
      set: { owner, bytes in
        guard let value = kind.parse(bytes) else { return false }
        owner[keyPath: place].append(value)
        return true
      },
      show: { $0[keyPath: place].map(kind.show) },
      clear: { $0[keyPath: place] = [] })
  }

  /// A flag without a value: off unless it is given.
  static func toggle(
    _ names: String..., short: Character? = nil, in place: any Place<Bool>, _ help: String
  ) -> Self {
    Self(
      names: names, short: short, placeholder: nil, expectation: "no value", completion: .nothing, help: help,
      fallback: "off", repeats: false,
      set: { owner, _ in
        owner[keyPath: place] = true
        return true
      },
      show: { $0[keyPath: place] ? [[]] : [] },
      clear: { $0[keyPath: place] = false })
  }
}
