import MiniGPTStorage
import Testing

@Suite struct RawBytesTests {
  /// An array that is used for nothing but its bytes; the optimizer once left out the stores into it.
  @Test(arguments: [1, 0x0102_0304, UInt64.max])
  func arraysOfTheMomentHaveTheirElements(_ number: UInt64) {
    func first(_ bytes: RawSpan) -> UInt64 { bytes.load(UInt64.self, at: 0) }
    var hash = XXH64(), expected = XXH64()
    hash.update([number.littleEndian].rawBytes)
    expected.update((0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
    #expect(hash.digest() == expected.digest())
    #expect(first([number &+ 1, number].rawBytes) == number &+ 1)
  }
}
