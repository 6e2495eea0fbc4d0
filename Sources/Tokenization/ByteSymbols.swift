/// GPT-2's names for bytes: each byte is written as one visible character, and numbered in the order of these.
///
/// 0x21–0x7E, 0xA1–0xAC and 0xAE–0xFF are written as themselves; the other 68, in their order, as U+0100 and up.
enum ByteSymbols {
  /// The bytes in the order of their ids: `!` is 0, the space is 220.
  static let order: [UInt8] = visible + hidden

  /// The id of each byte.
  static let ids: [Int32] = {
    var ids = [Int32](repeating: 0, count: 256)
    for (id, byte) in order.enumerated() { ids[Int(byte)] = Int32(id) }
    return ids
  }()

  /// The bytes of a token as text; every byte has a symbol.
  static func text(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    for byte in bytes { text += UTF8Scalars.bytes(of: scalars[Int(byte)]) }
    return text
  }

  /// The bytes that a token's text stands for; nil if a character in it is no byte's symbol.
  static func bytes(_ text: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    let span = text.span
    var place = 0
    while place < text.count {
      let (scalar, length) = UTF8Scalars.decode(span, at: place)
      if scalar >= 0x144 || known[Int(scalar)] < 0 { return nil }
      bytes.append(UInt8(truncatingIfNeeded: known[Int(scalar)]))
      place += length
    }
    return bytes
  }

  private static let visible: [UInt8] = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)
  private static let hidden: [UInt8] = Array(0...0x20) + Array(0x7F...0xA0) + [0xAD]

  private static let scalars: [UInt32] = {
    var scalars = [UInt32](repeating: 0, count: 256)
    for byte in visible { scalars[Int(byte)] = UInt32(byte) }
    for (place, byte) in hidden.enumerated() { scalars[Int(byte)] = 0x100 + UInt32(place) }
    return scalars
  }()

  private static let known: [Int16] = {
    var known = [Int16](repeating: -1, count: 0x144)
    for byte in 0..<256 { known[Int(scalars[byte])] = Int16(byte) }
    return known
  }()
}
