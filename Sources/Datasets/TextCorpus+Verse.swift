internal import MiniGPTStorage

extension TextCorpus {
  /// Whether the text looks like verse, by its first megabyte: nearly all lines are short, and a line begins with a capital
  /// letter although the one before it ended no sentence. Prose that was cut into lines goes on in small letters.
  package var isVerse: Bool {
    if tokens != nil { return false }
    var lines = 0, short = 0, runningOn = 0, capitals = 0, left = 1 << 20
    for file in files {
      let bytes = file.bytes, end = min(file.count, left)
      left -= end
      var start = 0, last: UInt8?
      while start < end {
        var stop = start
        while stop < end, bytes[stop] != UInt8(ascii: "\n") { stop += 1 }
        let line = start..<stop
        start = stop + 1
        guard let first = line.first(where: { bytes[$0] > 0x20 }), let tail = line.last(where: { bytes[$0] > 0x20 })
        else {
          last = nil
          continue
        }
        lines += 1
        if line.count <= Self.longestVerse { short += 1 }
        if let last, !Self.endsSentence(last) {
          runningOn += 1
          if (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(bytes[first]) { capitals += 1 }
        }
        last = bytes[tail]
      }
    }
    return lines >= 20 && runningOn >= 10 && 10 * short >= 9 * lines && 20 * capitals >= 9 * runningOn
  }

  private static let longestVerse = 64

  private static func endsSentence(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ".") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: ":")
  }
}
