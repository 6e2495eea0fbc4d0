internal import MiniGPT

/// Something that `minigpt` can be told to do: a struct whose properties are its flags.
///
/// The value made by `init()` holds the defaults.
protocol Command: Sendable {
  init()
  /// The words that call it; the first is its name. `tokenizer train` is one name of two words.
  static var names: [String] { get }
  /// One line for the list of commands.
  static var summary: String { get }
  /// What the command does, for its own help text: a few sentences.
  static var discussion: String { get }
  static var words: Words { get }
  static var sections: [Section<Self>] { get }
  /// The words that are no flags; their number has been checked.
  mutating func take(_ words: [[UInt8]]) throws
  /// What the flags alone show to be wrong.
  mutating func validate() throws
  /// Does it. The exit status is 0 unless it throws.
  func run(_ console: Console) throws
}

extension Command {
  static var name: String { names[0] }
  static var options: [Option<Self>] { sections.flatMap(\.options) }
  static var words: Words { .none }
  mutating func take(_ words: [[UInt8]]) throws {}
  mutating func validate() throws {}
}

/// The words that a command takes besides its flags.
struct Words: Sendable {
  /// As the usage line shows them: `CORPUS…`, `[MODEL] FILE`.
  let usage: String
  let count: ClosedRange<Int>
  /// What is missing, or what there are too many of: "a corpus (a text file)".
  let what: String
  let completion: Completion

  init(_ usage: String, _ count: ClosedRange<Int>, _ what: String, completion: Completion = .files) {
    self.usage = usage
    self.count = count
    self.what = what
    self.completion = completion
  }

  static let none = Words("", 0...0, "", completion: .nothing)
}
