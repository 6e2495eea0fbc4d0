internal import MiniGPTPlatform

/// A number without padding whose every bit pattern is a value, so that its bytes may be read and written safely.
///
/// The library of Swift marks these conversions unsafe for all types alike; for these they are not, and rooms without
/// unsafe code use them from here.
package protocol PlainNumber: BitwiseCopyable {}

extension UInt8: PlainNumber {}
extension Int8: PlainNumber {}
extension UInt16: PlainNumber {}
extension Int16: PlainNumber {}
extension UInt32: PlainNumber {}
extension Int32: PlainNumber {}
extension UInt64: PlainNumber {}
extension Int64: PlainNumber {}
extension Float: PlainNumber {}
extension Double: PlainNumber {}

extension Span where Element: PlainNumber {
  /// The same memory as bytes, in the machine's order.
  @inlinable @inline(__always)
  package var rawBytes: RawSpan {
    @_lifetime(copy self) get { unsafe bytes }
  }
}

extension Array where Element: PlainNumber {
  /// The elements as bytes, in the machine's order.
  ///
  /// Always inlined: across a call, the optimizer of Swift 6.3 does not see that who has the span reads the elements, and
  /// leaves out the stores into an array that is used for nothing else.
  @inlinable @inline(__always)
  package var rawBytes: RawSpan {
    @_lifetime(borrow self) get { unsafe span.bytes }
  }
}

extension RawSpan {
  /// One byte; an offset outside ends the program.
  @inline(__always)
  package subscript(_ offset: Int) -> UInt8 {
    check(offset >= 0 && offset < byteCount, "byte \(offset) of \(byteCount)")
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// A number at any address, in the machine's order; an offset outside ends the program.
  @inline(__always)
  package func load<Number: PlainNumber>(_ type: Number.Type, at offset: Int) -> Number {
    check(
      offset >= 0 && offset <= byteCount - MemoryLayout<Number>.size,
      "\(MemoryLayout<Number>.size) bytes at \(offset) of \(byteCount)")
    return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Number.self)
  }

  /// The same memory as numbers in the machine's order; nil where it is not aligned for them or not a multiple of
  /// their size.
  @_lifetime(copy self)
  package func numbers<Number: PlainNumber>(_ type: Number.Type) -> Span<Number>? {
    let isAligned = unsafe withUnsafeBytes { buffer in
      UInt(bitPattern: buffer.baseAddress) % UInt(MemoryLayout<Number>.alignment) == 0
    }
    if !isAligned || byteCount % MemoryLayout<Number>.stride != 0 { return nil }
    return unsafe _unsafeView(as: type)
  }

  /// A copy.
  package var array: [UInt8] { unsafe withUnsafeBytes { buffer in unsafe Array(buffer) } }
}
