internal import MiniGPTPlatform

/// What is wrong with a JSON text or with a value in it: where, what was expected, what was found.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file, or whatever else the text came from; empty where the caller names it.
  package var source: String
  /// From the outermost value inwards.
  package var path: [Step]
  /// The byte of the text at which reading stopped; nil where the text was well-formed and its content is wrong.
  package let offset: Int?
  package let problem: Problem

  package enum Step: Hashable, Sendable {
    case key(String)
    case index(Int)
  }

  package enum Problem: Hashable, Sendable {
    case unexpected(expected: String, found: String)
    case missing
    case unknown
    case duplicateKey
    case tooDeep(limit: Int)
    case notUTF8
    case byteOrderMark
    case loneSurrogate
    case controlCharacter(UInt8)
    case numberOutOfRange
    case notFinite
    case outside(expected: String, found: String)
  }

  package init(source: String = "", path: [Step] = [], offset: Int? = nil, _ problem: Problem) {
    self.source = source
    self.path = path
    self.offset = offset
    self.problem = problem
  }

  /// The same error seen from one level further out.
  package func inside(_ step: Step) -> JSONError {
    var error = self
    error.path.insert(step, at: 0)
    return error
  }

  package func from(_ source: String) -> JSONError {
    var error = self
    error.source = source
    return error
  }

  package var description: String {
    var parts: [String] = []
    if !source.isEmpty { parts.append(EscapedText.string(source)) }
    if let offset { parts.append("byte \(offset)") }
    if !path.isEmpty { parts.append("field `\(field)`") }
    parts.append(what)
    return parts.joined(separator: ": ")
  }

  private var what: String {
    switch problem {
    case .unexpected(let expected, let found): "expected \(expected), found \(found)"
    case .missing: "is missing"
    case .unknown: "is not known to this program: a newer one wrote it"
    case .duplicateKey: "is given twice"
    case .tooDeep(let limit): "nested deeper than \(limit) levels"
    case .notUTF8: "expected UTF-8, found a byte that is not"
    case .byteOrderMark: "expected JSON, found a byte order mark"
    case .loneSurrogate: "half of a surrogate pair in a string"
    case .controlCharacter(let byte): "control character \(byte) in a string"
    case .numberOutOfRange: "a number too large for 64 bits"
    case .notFinite: "a number that is not finite cannot be written"
    case .outside(let expected, let found): "expected \(expected), found \(found)"
    }
  }

  /// `model.vocab[3]`, cut to a readable length.
  private var field: String {
    var text = ""
    for step in path {
      switch step {
      case .key(let key): text += (text.isEmpty ? "" : ".") + key
      case .index(let index): text += "[\(index)]"
      }
    }
    return shortened(text)
  }
}

/// One line for a message, of at most 100 characters.
func shortened(_ text: String) -> String {
  let scalars = text.unicodeScalars
  let head = String(String.UnicodeScalarView(scalars.prefix(100)))
  return EscapedText.string(head) + (scalars.count > 100 ? "…" : "")
}
