import Foundation
import MiniGPTParallel
import Synchronization
import Testing
import MiniGPTTokenization

/// Random bytes come back, whatever they are. `make verify-round-trips` sets the number to ten million.
@Suite struct RoundTripTests {
  private static let count = ProcessInfo.processInfo.environment["MINIGPT_ROUND_TRIPS"].flatMap { Int($0) } ?? 20_000

  /// Strings of 0 to 40 bytes: any bytes, bytes of a few values, or whole characters with bytes put in.
  private static func string(_ chance: inout SmallRandom) -> [UInt8] {
    let count = Int.random(in: 0...40, using: &chance)
    switch Int.random(in: 0..<3, using: &chance) {
    case 0: return (0..<count).map { _ in UInt8.random(in: 0...255, using: &chance) }
    case 1: return (0..<count).map { _ in Array("ab '\n\u{301}".utf8)[Int.random(in: 0..<7, using: &chance)] }
    default:
      var text: [UInt8] = []
      while text.count < count {
        let scalar = Unicode.Scalar(UInt32.random(in: 0..<0x20000, using: &chance)) ?? "\u{FFFD}"
        text += Array(String(Character(scalar)).utf8)
        if Int.random(in: 0..<8, using: &chance) == 0 { text.append(UInt8.random(in: 128...255, using: &chance)) }
      }
      return text
    }
  }

  /// Encoded one by one by one encoder, which remembers; decoded as a whole and as a stream.
  private struct Work: ParallelWork {
    let tokenizers: [any Tokenizer]
    let each: Int
    let failures: Failures

    func callAsFunction(_ part: Int, thread: Int) {
      var chance = SmallRandom(UInt64(part + 1))
      let tokenizer = tokenizers[part % tokenizers.count]
      var encoder = tokenizer.makeEncoder()
      for _ in 0..<each {
        let text = RoundTripTests.string(&chance)
        var ids: [Int32] = []
        let isSame = (try? encoder.encode(text.span, into: &ids)).map { (try? tokenizer.decode(ids)) == text } ?? false
        if !isSame { failures.list.withLock { $0.append(text) } }
      }
    }
  }

  private final class Failures: Sendable {
    let list = Mutex<[[UInt8]]>([])
  }

  @Test func randomBytesComeBack() throws {
    var tokenizers: [any Tokenizer] = [ByteTokenizer()]
    for splitter in Splitter.allCases { tokenizers.append(try smallTokenizer(splitter)) }
    let failures = Failures(), parts = 600
    WorkerPool(threads: 2).run(
      parts, Work(tokenizers: tokenizers, each: (Self.count + parts - 1) / parts, failures: failures))
    let lost = failures.list.withLock { $0 }
    #expect(lost.isEmpty, "\(lost.prefix(3))")
  }
}
