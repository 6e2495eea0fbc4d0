/// A map from pairs of ids to numbers, by open addressing.
struct PairTable: Sendable {
  private struct Slot {
    var key: UInt64 = 0
    var value: Int32 = -1
  }

  private var slots: [Slot]
  private(set) var count = 0

  init(capacity: Int = 256) {
    var size = 512
    while size < capacity * 2 { size *= 2 }
    slots = [Slot](repeating: Slot(), count: size)
  }

  static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// The number of a pair, -1 if it has none.
  @inline(__always)
  subscript(key: UInt64) -> Int32 {
    let mask = slots.count - 1
    var place = Self.hash(key) & mask
    while true {
      let slot = slots[place]
      if slot.value < 0 || slot.key == key { return slot.value }
      place = (place + 1) & mask
    }
  }

  /// The number of a pair; `value` becomes it, if it had none.
  @inline(__always)
  mutating func number(of key: UInt64, orInsert value: Int32) -> Int32 {
    let mask = slots.count - 1
    var place = Self.hash(key) & mask
    while true {
      let slot = slots[place]
      if slot.value < 0 { break }
      if slot.key == key { return slot.value }
      place = (place + 1) & mask
    }
    slots[place] = Slot(key: key, value: value)
    count += 1
    if count * 2 > slots.count { grow() }
    return value
  }

  @inline(never)
  private mutating func grow() {
    var larger = [Slot](repeating: Slot(), count: slots.count * 2)
    let mask = larger.count - 1
    for slot in slots where slot.value >= 0 {
      var place = Self.hash(slot.key) & mask
      while larger[place].value >= 0 { place = (place + 1) & mask }
      larger[place] = slot
    }
    slots = larger
  }

  @inline(__always)
  private static func hash(_ key: UInt64) -> Int {
    let mixed = key &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: (mixed ^ mixed >> 29) >> 16 & 0x7FFF_FFFF)
  }
}
