extension JSONReader {
  /// Reads a number: exact where it is whole and fits 64 bits, else the nearest double.
  mutating func number() throws(JSONError) -> JSON {
    let start = offset
    let isNegative = peek == UInt8(ascii: "-")
    if isNegative { offset += 1 }
    guard let first = peek, isDigit(first) else { throw unexpected(isNegative ? "a digit" : "a value") }
    var magnitude: UInt64 = 0
    var fits = true
    while let digit = peek, isDigit(digit) {
      if offset > start + (isNegative ? 1 : 0) && first == UInt8(ascii: "0") {
        throw unexpected("no digit behind a zero in front")
      }
      let (tens, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
      if overflow || carry { fits = false }
      magnitude = sum
      offset += 1
    }
    var isWhole = true
    if peek == UInt8(ascii: ".") {
      isWhole = false
      offset += 1
      try digits()
    }
    if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
      isWhole = false
      offset += 1
      if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { offset += 1 }
      try digits()
    }
    if isWhole && fits {
      if !isNegative { return JSON(magnitude) }
      if magnitude > 0, magnitude <= 1 << 63 { return .integer(Int64(truncatingIfNeeded: 0 &- magnitude)) }
    }
    guard let value = Double(text(start..<offset)), value.isFinite else {
      throw JSONError(offset: start, .numberOutOfRange)
    }
    return .number(value)
  }

  private mutating func digits() throws(JSONError) {
    guard let first = peek, isDigit(first) else { throw unexpected("a digit") }
    while let digit = peek, isDigit(digit) { offset += 1 }
  }

  func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}
