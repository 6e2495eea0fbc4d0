/// The bytes of all tokens, one behind the other, in the order of their ids.
struct Vocabulary: Sendable, Equatable {
  private(set) var bytes: [UInt8] = []
  private(set) var ends: [Int] = []

  var count: Int { ends.count }

  mutating func append(_ token: some Sequence<UInt8>) {
    bytes += token
    ends.append(bytes.count)
  }

  /// Gives bytes to a token that has none.
  mutating func fill(_ id: Int32, _ token: some Collection<UInt8>) {
    bytes.insert(contentsOf: token, at: range(id).lowerBound)
    for later in Int(id)..<ends.count { ends[later] += token.count }
  }

  /// Appends the token that is `left` followed by `right`.
  mutating func append(joining left: Int32, _ right: Int32) {
    append(Array(bytes[range(left)]) + bytes[range(right)])
  }

  func range(_ id: Int32) -> Range<Int> { (id == 0 ? 0 : ends[Int(id) - 1])..<ends[Int(id)] }

  subscript(id: Int32) -> ArraySlice<UInt8> { bytes[range(id)] }
}
