/// Ends a text where one of some strings appears in it, and keeps back what may be the beginning of one.
///
/// The stop text itself is left out. Bytes come in any pieces; only what was said counts, not the prompt.
package struct StopTexts: Sendable {
  private let texts: [[UInt8]]
  private var held: [UInt8] = []
  /// Whether a stop text was complete; all that comes later is dropped.
  package private(set) var isFound = false

  /// Empty texts would stop before the first byte and count for nothing.
  package init(_ texts: [[UInt8]]) { self.texts = texts.filter { !$0.isEmpty } }

  /// Takes bytes of the text and appends those that may be shown.
  package mutating func push(_ bytes: some Sequence<UInt8>, into shown: inout [UInt8]) {
    if texts.isEmpty {
      shown += bytes
      return
    }
    for byte in bytes where !isFound {
      held.append(byte)
      if let found = texts.first(where: { ends(with: $0) }) {
        shown += held.dropLast(found.count)
        held.removeAll(keepingCapacity: true)
        isFound = true
      } else {
        // What is left begins a stop text, as a whole.
        let free = held.indices.first { start in texts.contains { begins($0, at: start) } } ?? held.count
        shown += held[..<free]
        held.removeFirst(free)
      }
    }
  }

  /// What was kept back, when the text ends otherwise.
  package mutating func finish(into shown: inout [UInt8]) {
    shown += held
    held.removeAll(keepingCapacity: true)
  }

  private func ends(with text: [UInt8]) -> Bool {
    held.count >= text.count && held[(held.count - text.count)...].elementsEqual(text)
  }

  private func begins(_ text: [UInt8], at start: Int) -> Bool {
    held.count - start < text.count && held[start...].elementsEqual(text.prefix(held.count - start))
  }
}
