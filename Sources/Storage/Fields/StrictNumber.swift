/// Numbers as people type them, read without leniency: no blanks, no plus sign, no hexadecimal, no `inf`.
///
/// What Swift's own initializers accept is wider, and a value that is silently reinterpreted costs a day of training.
package enum StrictNumber {
  /// `-?[0-9]+`, within the range of `Int`.
  package static func integer(_ bytes: [UInt8]) -> Int? {
    let digits = bytes.first == minus ? bytes.dropFirst() : bytes[...]
    guard areDigits(digits) else { return nil }
    return Int(String(decoding: bytes, as: UTF8.self))
  }

  /// `[0-9]+`, within the range of `UInt64`.
  package static func unsigned(_ bytes: [UInt8]) -> UInt64? {
    guard areDigits(bytes[...]) else { return nil }
    return UInt64(String(decoding: bytes, as: UTF8.self))
  }

  /// `-?[0-9]+(.[0-9]+)?([eE][+-]?[0-9]+)?`, also `.5`; `nil` where it exceeds what a `Double` can hold.
  package static func decimal(_ bytes: [UInt8]) -> Double? {
    var rest = bytes[...]
    if rest.first == minus { rest = rest.dropFirst() }
    if let e = rest.firstIndex(where: { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }) {
      var exponent = rest[(e + 1)...]
      if exponent.first == minus || exponent.first == UInt8(ascii: "+") { exponent = exponent.dropFirst() }
      guard areDigits(exponent) else { return nil }
      rest = rest[..<e]
    }
    if let point = rest.firstIndex(of: UInt8(ascii: ".")) {
      guard areDigits(rest[(point + 1)...]), point == rest.startIndex || areDigits(rest[..<point]) else { return nil }
    } else {
      guard areDigits(rest) else { return nil }
    }
    guard let value = Double(String(decoding: bytes, as: UTF8.self)), value.isFinite else { return nil }
    return value
  }

  private static let minus = UInt8(ascii: "-")

  private static func areDigits(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}
