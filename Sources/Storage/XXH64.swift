/// Checksum of 64 bits, at the speed of memory (Yann Collet's xxHash, XXH64; specification
/// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md). It finds accidents, not attackers.
///
/// Bytes may come in pieces of any size; the sum is that of all of them together.
package struct XXH64: Sendable {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  private let seed: UInt64
  /// Four lanes, each fed with 8 of every 32 bytes.
  private var lanes: SIMD4<UInt64>
  /// Bytes that did not yet make a stripe of 32.
  private var pending = InlineArray<32, UInt8>(repeating: 0)
  private var pendingCount = 0
  private var total: UInt64 = 0

  package init(seed: UInt64 = 0) {
    self.seed = seed
    lanes = [seed &+ Self.prime1 &+ Self.prime2, seed &+ Self.prime2, seed, seed &- Self.prime1]
  }

  package mutating func update(_ bytes: RawSpan) {
    total &+= UInt64(bytes.byteCount)
    var offset = 0
    if pendingCount > 0 {
      offset = min(32 - pendingCount, bytes.byteCount)
      for index in 0..<offset { pending[pendingCount + index] = Self.load(bytes, index, UInt8.self) }
      pendingCount += offset
      if pendingCount < 32 { return }
      pendingCount = 0
      let stripe = pending
      stripes(stripe.span.rawBytes, 0, 1)
    }
    let count = (bytes.byteCount - offset) / 32
    stripes(bytes, offset, count)
    offset += count * 32
    for index in 0..<(bytes.byteCount - offset) { pending[index] = Self.load(bytes, offset + index, UInt8.self) }
    pendingCount = bytes.byteCount - offset
  }

  package mutating func update(_ bytes: [UInt8]) { update(bytes.rawBytes) }

  /// The sum of what came so far; more may follow.
  package func digest() -> UInt64 {
    var sum = seed &+ Self.prime5
    if total >= 32 {
      sum =
        Self.rotate(lanes[0], 1) &+ Self.rotate(lanes[1], 7) &+ Self.rotate(lanes[2], 12) &+ Self.rotate(lanes[3], 18)
      for lane in 0..<4 {
        sum = (sum ^ Self.round(0, lanes[lane])) &* Self.prime1 &+ Self.prime4
      }
    }
    sum &+= total
    let rest = pending.span.rawBytes
    var index = 0
    while index + 8 <= pendingCount {
      sum ^= Self.round(0, Self.load(rest, index, UInt64.self))
      sum = Self.rotate(sum, 27) &* Self.prime1 &+ Self.prime4
      index += 8
    }
    if index + 4 <= pendingCount {
      sum ^= UInt64(Self.load(rest, index, UInt32.self)) &* Self.prime1
      sum = Self.rotate(sum, 23) &* Self.prime2 &+ Self.prime3
      index += 4
    }
    while index < pendingCount {
      sum ^= UInt64(pending[index]) &* Self.prime5
      sum = Self.rotate(sum, 11) &* Self.prime1
      index += 1
    }
    sum = (sum ^ sum >> 33) &* Self.prime2
    sum = (sum ^ sum >> 29) &* Self.prime3
    return sum ^ sum >> 32
  }

  /// The sum as 16 hexadecimal digits.
  package var hexadecimal: String { hexadecimal16(digest()) }

  package static func digest(_ bytes: RawSpan) -> UInt64 {
    var hash = XXH64()
    hash.update(bytes)
    return hash.digest()
  }

  /// Feeds `count` stripes of 32 bytes to the lanes.
  private mutating func stripes(_ bytes: RawSpan, _ start: Int, _ count: Int) {
    var (a, b, c, d) = (lanes[0], lanes[1], lanes[2], lanes[3])
    var offset = start
    for _ in 0..<count {
      a = Self.round(a, Self.load(bytes, offset, UInt64.self))
      b = Self.round(b, Self.load(bytes, offset + 8, UInt64.self))
      c = Self.round(c, Self.load(bytes, offset + 16, UInt64.self))
      d = Self.round(d, Self.load(bytes, offset + 24, UInt64.self))
      offset += 32
    }
    lanes = [a, b, c, d]
  }

  @inline(__always)
  private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
    rotate(lane &+ word &* prime2, 31) &* prime1
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ by: UInt64) -> UInt64 { value &<< by | value &>> (64 - by) }

  /// A little-endian word at any address; callers stay inside the span.
  @inline(__always)
  private static func load<Word: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: RawSpan, _ offset: Int, _ type: Word.Type
  ) -> Word {
    Word(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Word.self))
  }
}
