/// Finds the names of special tokens in a text: the leftmost first, of several at one place the longest.
struct SpecialTokenFinder: Sendable {
  private let longest: Int
  private let names: [(bytes: [UInt8], id: Int32)]
  private let isFirst: [Bool]

  init(_ tokens: [SpecialToken]) {
    var names: [(bytes: [UInt8], id: Int32)] = []
    var isFirst = [Bool](repeating: false, count: 256)
    for token in tokens {
      let bytes = Array(token.text.utf8)
      guard let first = bytes.first else { continue }
      names.append((bytes, token.id))
      isFirst[Int(first)] = true
    }
    names.sort { $0.bytes.count > $1.bytes.count }
    self.names = names
    longest = names.first?.bytes.count ?? 0
    self.isFirst = isFirst
  }

  func find(in text: Span<UInt8>) -> [(range: Range<Int>, id: Int32)] {
    var found: [(range: Range<Int>, id: Int32)] = []
    var place = 0
    while place < text.count {
      if isFirst[Int(text[place])], let name = names.first(where: { stands($0.bytes, in: text, at: place) }) {
        found.append((place..<place + name.bytes.count, name.id))
        place += name.bytes.count
      } else {
        place += 1
      }
    }
    return found
  }

  /// A cut that splits no name: `cut`, or the beginning of the name around it where there is text before that.
  func cut(in text: Span<UInt8>, at cut: Int) -> Int {
    for start in stride(from: cut - 1, to: max(0, cut - longest), by: -1) {
      if let name = names.first(where: { stands($0.bytes, in: text, at: start) }), start + name.bytes.count > cut {
        return start
      }
    }
    return cut
  }

  private func stands(_ name: [UInt8], in text: Span<UInt8>, at start: Int) -> Bool {
    if text.count - start < name.count { return false }
    for place in 0..<name.count where text[start + place] != name[place] { return false }
    return true
  }
}
