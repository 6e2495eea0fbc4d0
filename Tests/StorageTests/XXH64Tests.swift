import MiniGPTStorage
import Testing

@Suite struct XXH64Tests {
  /// The buffer of xxHash's own sanity check.
  static func sanity(_ count: Int) -> [UInt8] {
    var state: UInt32 = 2_654_435_761
    return (0..<count).map { _ in
      defer { state = state &* state }
      return UInt8(state >> 24)
    }
  }

  /// From xxHash's sanity check (`xxhsum`), and the well-known sums of short texts.
  @Test(
    arguments: [
      (0, 0, 0xEF46_DB37_51D8_E999), (0, 2_654_435_761, 0xAC75_FDA2_929B_17EF),
      (1, 0, 0x4FCE_394C_C889_52D8), (1, 2_654_435_761, 0x7398_40CB_819F_A723),
      (14, 0, 0xCFFA_8DB8_81BC_3A3D), (14, 2_654_435_761, 0x5B96_1158_5EFC_C9CB),
      (101, 0, 0x0EAB_5433_84F8_78AD), (101, 2_654_435_761, 0xCAA6_5939_306F_1E21),
    ] as [(Int, UInt64, UInt64)]) func publishedVectors(count: Int, seed: UInt64, sum: UInt64)
  {
    var hash = XXH64(seed: seed)
    hash.update(Self.sanity(count))
    #expect(hash.digest() == sum)
  }

  @Test(arguments: [
    ("a", "d24ec4f1a98c6e5b"), ("abc", "44bc2cf5ad770999"),
    ("Nobody inspects the spammish repetition", "fbcea83c8a378bf1"),
  ]) func texts(text: String, sum: String) {
    var hash = XXH64()
    hash.update(Array(text.utf8))
    #expect(hash.hexadecimal == sum)
  }

  @Test func piecesMakeTheSameSum() {
    let bytes = Self.sanity(211)
    for count in 0...bytes.count {
      var whole = XXH64()
      whole.update(Array(bytes[..<count]))
      for piece in [1, 3, 31, 32, 33, 64] {
        var hash = XXH64()
        for start in stride(from: 0, to: count, by: piece) {
          hash.update(Array(bytes[start..<min(start + piece, count)]))
        }
        #expect(hash.digest() == whole.digest(), "\(count) bytes in pieces of \(piece)")
      }
    }
  }

  @Test func askingDoesNotChangeTheSum() {
    var hash = XXH64()
    hash.update(Array("ab".utf8))
    _ = hash.digest()
    hash.update(Array("c".utf8))
    #expect(hash.hexadecimal == "44bc2cf5ad770999")
  }

  @Test func zerosStandInFront() {
    #expect(hexadecimal16(0x1F) == "000000000000001f")
    #expect(hexadecimal16(.max) == "ffffffffffffffff")
  }
}
