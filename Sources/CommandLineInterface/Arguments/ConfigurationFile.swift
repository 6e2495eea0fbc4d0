internal import MiniGPT

/// `--config FILE`: one JSON object whose names are the command's flags, `-` and `_` being equal.
///
/// Values are numbers, strings, `true` for switches (`false` leaves them off), and lists for flags that may repeat.
/// A flag that was typed wins over the file.
struct ConfigurationFile {
  private let path: Path
  private let members: [JSONObject.Member]

  /// A file of flags needs no more than this.
  private static let limit = 1 << 20

  init(_ path: Path) throws {
    self.path = path
    let bytes = try FileReader.bytes(of: path, limit: Self.limit + 1)
    if bytes.count > Self.limit { throw ConfigurationError.tooLarge(path, Self.limit) }
    members = try JSONField(parsing: bytes.rawBytes, source: path.description).object().members
  }

  func fill<C: Command>(_ parser: inout ArgumentParser<C>) throws {
    var seen: Set<String> = []
    for member in members {
      let name = spelled(member.key.bytes)
      guard let option = C.options.first(where: { $0.names.contains(name) }) else {
        let near = nearest(to: name, in: C.options.flatMap(\.names))
        throw ConfigurationError.unknownKey(path, member.key.bytes, nearest: near, command: C.name)
      }
      if !seen.insert(option.name).inserted { throw ConfigurationError.givenTwice(path, name) }
      guard let values = values(member.value, of: option) else {
        throw ConfigurationError.wrongKind(path, name, expectation: option.expectation, found: member.value.kind)
      }
      do { try parser.fill(option, values) } catch let error as UsageError {
        throw ConfigurationError.refused(path, error)
      }
    }
  }

  /// The words that would stand behind the flag; nil where the value is of another kind.
  private func values<C>(_ value: JSON, of option: Option<C>) -> [[UInt8]]? {
    switch value {
    case .bool(let isOn): option.takesValue ? nil : isOn ? [[]] : []
    case .array(let elements) where option.repeats:
      elements.reduce([]) { list, element in
        guard let list, let word = word(element) else { return nil }
        return list + [word]
      }
    default: option.takesValue ? word(value).map { [$0] } : nil
    }
  }

  private func word(_ value: JSON) -> [UInt8]? {
    switch value {
    case .integer(let number): Array(String(number).utf8)
    case .unsigned(let number): Array(String(number).utf8)
    case .number(let number): Array(shortest(number).utf8)
    case .string(let text): Array(text.utf8)
    case .null, .bool, .array, .object: nil
    }
  }
}

/// What is wrong in a configuration file. It is a file: exit status 1.
enum ConfigurationError: Error, CustomStringConvertible {
  case tooLarge(Path, Int)
  case unknownKey(Path, [UInt8], nearest: String?, command: String)
  case givenTwice(Path, String)
  case wrongKind(Path, String, expectation: String, found: String)
  case refused(Path, UsageError)

  var description: String {
    switch self {
    case .tooLarge(let path, let limit):
      "\(path): expected a JSON object of flags, at most \(size(limit)), found a larger file"
    case .unknownKey(let path, let key, let nearest, let command):
      "\(path): unknown key \(quoted(key))\(suggestion(nearest.map { "'\($0)'" })) (minigpt \(command) --help lists the flags)"
    case .givenTwice(let path, let name):
      "\(path): '\(name)' is given twice"
    case .wrongKind(let path, let name, let expectation, let found):
      "\(path): '\(name)' needs \(expectation), not \(found)"
    case .refused(let path, let error):
      "\(path): \(error)"
    }
  }
}
