internal import MiniGPTStorage

/// A part of a tokenizer file that knows where it stands, so that every problem names its field.
struct TokenizerFields {
  let value: JSON
  let path: String

  init(_ value: JSON, path: String = "") {
    self.value = value
    self.path = path
  }

  func problem(_ key: String, _ problem: String) -> TokenizerError {
    .file(path: "", field: place(key), problem: problem)
  }

  private func place(_ key: String) -> String {
    path.isEmpty ? key : key.isEmpty ? path : key.hasPrefix("[") ? path + key : path + "." + key
  }

  /// The members of an object.
  func members() throws(TokenizerError) -> [JSONObject.Member] {
    guard case .object(let object) = value else { throw problem("", "expected an object, found \(value.kind)") }
    return object.members
  }

  func optional(_ key: String) throws(TokenizerError) -> TokenizerFields? {
    guard let member = try members().first(where: { $0.key == JSON.Key(key) }) else { return nil }
    if case .null = member.value { return nil }
    return TokenizerFields(member.value, path: place(key))
  }

  func field(_ key: String) throws(TokenizerError) -> TokenizerFields {
    guard let field = try optional(key) else { throw problem(key, "missing") }
    return field
  }

  func list(_ key: String) throws(TokenizerError) -> [TokenizerFields] {
    let field = try field(key)
    guard case .array(let elements) = field.value else {
      throw problem(key, "expected a list, found \(field.value.kind)")
    }
    return elements.enumerated().map { TokenizerFields($0.element, path: "\(field.path)[\($0.offset)]") }
  }

  func string(_ key: String) throws(TokenizerError) -> String {
    let field = try field(key)
    guard case .string(let text) = field.value else {
      throw problem(key, "expected a string, found \(field.value.kind)")
    }
    return text
  }

  func optionalString(_ key: String) throws(TokenizerError) -> String? {
    try optional(key) == nil ? nil : string(key)
  }

  func bool(_ key: String, missing: Bool = false) throws(TokenizerError) -> Bool {
    guard let field = try optional(key) else { return missing }
    guard case .bool(let bool) = field.value else {
      throw problem(key, "expected true or false, found \(field.value.kind)")
    }
    return bool
  }

  /// An id; at most so large that all ids up to it can be held.
  func id(_ key: String) throws(TokenizerError) -> Int32 {
    try TokenizerFields.id(field(key).value) { problem(key, $0) }
  }

  static func id(_ value: JSON, _ problem: (String) -> TokenizerError) throws(TokenizerError) -> Int32 {
    guard case .integer(let number) = value else { throw problem("expected an id, found \(value.kind)") }
    if number < 0 || number >= BPETrainer.largestVocabulary {
      throw problem("expected an id from 0 to \(BPETrainer.largestVocabulary - 1), found \(number)")
    }
    return Int32(number)
  }

  /// The expression of a Split that keeps what it cuts.
  func expression() throws(TokenizerError) -> String {
    if let behavior = try optionalString("behavior"), behavior != "Isolated" {
      throw problem("behavior", "`\(behavior)` is not supported: expected `Isolated`")
    }
    if try bool("invert") { throw problem("invert", "true is not supported") }
    return try field("pattern").string("Regex")
  }
}
