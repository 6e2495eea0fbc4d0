import MiniGPTGeneration
import Testing

@Suite struct StopTextsTests {
  /// What is shown of a text, handed over in pieces of `size`.
  private func shown(_ text: String, _ stops: [String], size: Int) -> (text: String, isFound: Bool) {
    var stop = StopTexts(stops.map { Array($0.utf8) })
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      stop.push(bytes[start..<min(start + size, bytes.count)], into: &result)
    }
    stop.finish(into: &result)
    return (String(decoding: result, as: UTF8.self), stop.isFound)
  }

  @Test(
    arguments: [
      ("to be or not", ["or"], "to be ", true), ("to be or not", ["be o"], "to ", true),
      ("to be or not", ["xyz"], "to be or not", false), ("to be or not", [], "to be or not", false),
      ("to be or not", [""], "to be or not", false), ("to be or not", ["to"], "", true),
      ("to be or no", ["not"], "to be or no", false), ("aaab", ["aab"], "a", true),
      ("ababac", ["abac"], "ab", true), ("abcd", ["abcx", "bc"], "a", true), ("abcd", ["bcd", "c"], "ab", true),
      ("line\n\nnext", ["\n\n"], "line", true), ("naïve", ["ï"], "na", true), ("one", ["one", "two"], "", true),
    ] as [(String, [String], String, Bool)])
  func endsAtTheFirst(_ text: String, _ stops: [String], _ expected: String, _ isFound: Bool) {
    for size in 1...text.utf8.count {
      let result = shown(text, stops, size: size)
      #expect(result.text == expected && result.isFound == isFound, "pieces of \(size)")
    }
  }

  @Test func keepsBackNoMoreThanNeeded() {
    var stop = StopTexts([Array("\n\nROMEO".utf8)])
    var result: [UInt8] = []
    stop.push("Good night.\n".utf8, into: &result)
    #expect(result == Array("Good night.".utf8))
    stop.push("\nR".utf8, into: &result)
    #expect(result == Array("Good night.".utf8))
    stop.push("A".utf8, into: &result)
    #expect(result == Array("Good night.\n\nRA".utf8))
  }

  @Test func nothingFollowsTheEnd() {
    var stop = StopTexts([[1, 2]])
    var result: [UInt8] = []
    stop.push([0, 1, 2, 3], into: &result)
    stop.push([4], into: &result)
    stop.finish(into: &result)
    #expect(result == [0] && stop.isFound)
  }
}
