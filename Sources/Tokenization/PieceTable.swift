/// Distinct pieces of text, numbered in the order in which they were first met.
///
/// Open addressing. A piece of up to 15 bytes is its own key, two words compared at once; of a longer one the key is a
/// hash, and its bytes are compared.
struct PieceTable: Sendable {
  private struct Slot {
    var low: UInt64 = 0
    var high: UInt64 = 0
    var piece: Int32 = -1
  }

  private var slots: [Slot]
  private(set) var bytes: [UInt8] = []
  private(set) var ends: [Int] = []

  init(capacity: Int = 256) {
    var size = 256
    while size < capacity * 2 { size *= 2 }
    slots = [Slot](repeating: Slot(), count: size)
  }

  var count: Int { ends.count }

  func range(_ piece: Int) -> Range<Int> { (piece == 0 ? 0 : ends[piece - 1])..<ends[piece] }

  /// The number of a piece, and whether it is new.
  @inline(__always)
  mutating func number(of piece: Range<Int>, in text: Span<UInt8>) -> (piece: Int, isNew: Bool) {
    let (low, high) = Self.key(text, piece)
    let mask = slots.count - 1
    var place = Self.hash(low, high) & mask
    while true {
      let slot = slots[place]
      if slot.piece < 0 { break }
      if slot.low == low && slot.high == high && (high >> 56 < 16 || same(Int(slot.piece), text, piece)) {
        return (Int(slot.piece), false)
      }
      place = (place + 1) & mask
    }
    return (insert(piece, text, low, high, place), true)
  }

  /// The number of a piece, nil if it has none.
  func known(_ piece: Range<Int>, in text: Span<UInt8>) -> Int? {
    let (low, high) = Self.key(text, piece)
    let mask = slots.count - 1
    var place = Self.hash(low, high) & mask
    while slots[place].piece >= 0 {
      let slot = slots[place]
      if slot.low == low && slot.high == high && (high >> 56 < 16 || same(Int(slot.piece), text, piece)) {
        return Int(slot.piece)
      }
      place = (place + 1) & mask
    }
    return nil
  }

  mutating func removeAll() {
    self = PieceTable()
  }

  @inline(never)
  private mutating func insert(_ piece: Range<Int>, _ text: Span<UInt8>, _ low: UInt64, _ high: UInt64, _ place: Int)
    -> Int
  {
    let number = ends.count
    slots[place] = Slot(low: low, high: high, piece: Int32(number))
    for place in piece { bytes.append(text[place]) }
    ends.append(bytes.count)
    if ends.count * 2 > slots.count { grow() }
    return number
  }

  private mutating func grow() {
    var larger = [Slot](repeating: Slot(), count: slots.count * 2)
    let mask = larger.count - 1
    for slot in slots where slot.piece >= 0 {
      var place = Self.hash(slot.low, slot.high) & mask
      while larger[place].piece >= 0 { place = (place + 1) & mask }
      larger[place] = slot
    }
    slots = larger
  }

  private func same(_ piece: Int, _ text: Span<UInt8>, _ other: Range<Int>) -> Bool {
    let own = range(piece)
    if own.count != other.count { return false }
    for place in 0..<own.count where bytes[own.lowerBound + place] != text[other.lowerBound + place] { return false }
    return true
  }

  /// Bytes 0 to 7 and 8 to 14 with the length on top; of 16 bytes and more a hash, and the length below 0xFF.
  @inline(__always)
  private static func key(_ text: Span<UInt8>, _ piece: Range<Int>) -> (low: UInt64, high: UInt64) {
    let count = piece.count
    if count > 15 { return longKey(text, piece) }
    if piece.lowerBound + 16 > text.count { return edgeKey(text, piece) }
    let window = text.extracting(piece.lowerBound..<piece.lowerBound + 16)
    let first = word(window, 0)
    let top = UInt64(count) << 56
    // Shifts beyond 63 bits give zero.
    if count <= 8 { return (first & ~(~0 << UInt64(count * 8)), top) }
    let second = word(window, 8)
    return (first, second & ~(~0 << UInt64(count * 8 - 64)) | top)
  }

  /// Eight bytes as one number; one instruction, as their places are known to be inside.
  @inline(__always)
  private static func word(_ text: Span<UInt8>, _ start: Int) -> UInt64 {
    let low = UInt64(text[start]) | UInt64(text[start + 1]) << 8 | UInt64(text[start + 2]) << 16
    let middle = UInt64(text[start + 3]) << 24 | UInt64(text[start + 4]) << 32 | UInt64(text[start + 5]) << 40
    return low | middle | UInt64(text[start + 6]) << 48 | UInt64(text[start + 7]) << 56
  }

  /// The same near the end of a text, where sixteen bytes cannot be read.
  @inline(never)
  private static func edgeKey(_ text: Span<UInt8>, _ piece: Range<Int>) -> (low: UInt64, high: UInt64) {
    var low: UInt64 = 0
    var high: UInt64 = 0
    for (place, index) in piece.enumerated() {
      if place < 8 {
        low |= UInt64(text[index]) << UInt64(place * 8)
      } else {
        high |= UInt64(text[index]) << UInt64(place * 8 - 64)
      }
    }
    return (low, high | UInt64(piece.count) << 56)
  }

  @inline(never)
  private static func longKey(_ text: Span<UInt8>, _ piece: Range<Int>) -> (low: UInt64, high: UInt64) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for place in piece { hash = (hash ^ UInt64(text[place])) &* 0x100_0000_01B3 }
    return (hash, UInt64(piece.count) | 0xFF << 56)
  }

  @inline(__always)
  private static func hash(_ low: UInt64, _ high: UInt64) -> Int {
    let mixed = (low ^ (high &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: (mixed ^ mixed >> 32) & 0x7FFF_FFFF)
  }
}
