/// What may stand behind a flag: how it is read, how it is written back, and how a person is told about it.
package struct ValueKind<Value: Sendable>: Sendable {
  /// What help shows in the value's place: `N`, `FILE`, `gpt2|none`; nil for a switch, which takes no value.
  package let placeholder: String?
  /// Ends the sentence "--layers needs …".
  package let expectation: String
  package let completion: Completion
  /// What the numbers are, where that can be said.
  package let range: FieldRange
  /// `nil` where the bytes are not what `expectation` says.
  package let parse: @Sendable ([UInt8]) -> Value?
  /// The text that `parse` turns into the same value again.
  package let show: @Sendable (Value) -> [UInt8]

  package init(
    placeholder: String?, expectation: String, completion: Completion, range: FieldRange = .any,
    parse: @escaping @Sendable ([UInt8]) -> Value?,
    show: @escaping @Sendable (Value) -> [UInt8]
  ) {
    self.placeholder = placeholder
    self.expectation = expectation
    self.completion = completion
    self.range = range
    self.parse = parse
    self.show = show
  }
}

/// What a shell may offer in a value's place.
package enum Completion: Sendable, Equatable {
  case nothing
  case files
  case choices([String])
}

extension ValueKind<Bool> {
  /// On where the flag is given.
  package static var toggle: Self {
    Self(placeholder: nil, expectation: "no value", completion: .nothing, parse: { _ in true }, show: { _ in [] })
  }

  /// On or off, said as a word.
  package static var onOff: Self {
    let words = ["on", "off"]
    return Self(
      placeholder: "on|off", expectation: alternatives(words), completion: .choices(words),
      parse: { bytes in words.first { bytes.elementsEqual($0.utf8) }.map { $0 == "on" } },
      show: { Array(($0 ? "on" : "off").utf8) })
  }
}

extension ValueKind {
  /// The same for a place that may have no value: none is said by leaving it out.
  package var optional: ValueKind<Value?> {
    let (parse, show) = (parse, show)
    return ValueKind<Value?>(
      placeholder: placeholder, expectation: expectation, completion: completion, range: range,
      parse: { bytes in parse(bytes).map { $0 } }, show: { $0.map(show) ?? [] })
  }
}

extension ValueKind<Int> {
  package static func integer(_ range: ClosedRange<Int>) -> Self {
    let expectation =
      range.upperBound == .max
      ? "a whole number, \(grouped(range.lowerBound)) or more"
      : "a whole number from \(grouped(range.lowerBound)) to \(grouped(range.upperBound))"
    return Self(
      placeholder: "N", expectation: expectation, completion: .nothing, range: .integers(range),
      parse: { bytes in StrictNumber.integer(bytes).flatMap { range.contains($0) ? $0 : nil } },
      show: { Array(String($0).utf8) })
  }
}

extension ValueKind<UInt64> {
  /// A seed: any number that fits 64 bits.
  package static var seed: Self {
    Self(
      placeholder: "N", expectation: "a whole number from 0 to 18,446,744,073,709,551,615", completion: .nothing,
      parse: StrictNumber.unsigned, show: { Array(String($0).utf8) })
  }
}

extension ValueKind<Double> {
  package static func number(_ range: ClosedRange<Double>) -> Self {
    number("a number from \(shortest(range.lowerBound)) to \(shortest(range.upperBound))") { range.contains($0) }
  }

  package static func number(above low: Double, upTo high: Double) -> Self {
    let most = high >= 10_000 && high < 1e15 && high == high.rounded() ? grouped(Int(high)) : shortest(high)
    return number("a number above \(shortest(low)), at most \(most)") { $0 > low && $0 <= high }
  }

  package static func number(_ low: Double, below high: Double) -> Self {
    let range = low == 0 && high == 1 ? FieldRange.fraction : .any
    // It is used as a `Float`, in which it must not become the limit.
    return number("a number from \(shortest(low)), below \(shortest(high))", range) {
      $0 >= low && Float($0) < Float(high)
    }
  }

  private static func number(
    _ expectation: String, _ range: FieldRange = .any, _ allows: @escaping @Sendable (Double) -> Bool
  ) -> Self {
    Self(
      placeholder: "F", expectation: expectation, completion: .nothing, range: range,
      parse: { bytes in StrictNumber.decimal(bytes).flatMap { allows($0) ? $0 : nil } },
      show: { Array(shortest($0).utf8) })
  }
}

extension ValueKind<Double> {
  /// Seconds, said as `90s`, `10m` or `1.5h`.
  package static var duration: Self {
    Self(
      placeholder: "DURATION", expectation: "a time such as 90s, 10m or 1h", completion: .nothing,
      parse: { bytes in
        let units: [UInt8: Double] = [UInt8(ascii: "s"): 1, UInt8(ascii: "m"): 60, UInt8(ascii: "h"): 3600]
        guard let last = bytes.last, let unit = units[last], let number = StrictNumber.decimal(bytes.dropLast())
        else { return nil }
        let seconds = number * unit
        return seconds >= 1 && seconds <= 1e8 ? seconds : nil
      }, show: { Array((shortest($0) + "s").utf8) })
  }
}

extension ValueKind<[UInt8]> {
  /// Any bytes, also none.
  package static var text: Self { .bytes("TEXT", "a text", .nothing) { _ in true } }

  /// The name of a file; an empty one names nothing.
  package static func file(_ placeholder: String = "FILE") -> Self {
    .bytes(placeholder, "the name of a file", .files) { !$0.isEmpty }
  }

  /// One of the words that the program knows, or a file.
  package static func file(_ placeholder: String = "FILE", or words: [String]) -> Self {
    .bytes(
      (words + [placeholder]).joined(separator: "|"), alternatives(words) + ", or the name of a file", .files
    ) { !$0.isEmpty }
  }

  private static func bytes(
    _ placeholder: String, _ expectation: String, _ completion: Completion,
    _ allows: @escaping @Sendable ([UInt8]) -> Bool
  ) -> Self {
    Self(
      placeholder: placeholder, expectation: expectation, completion: completion,
      parse: { allows($0) ? $0 : nil }, show: { $0 })
  }
}

extension ValueKind<String> {
  /// One of some words.
  package static func oneOf(_ words: [String], placeholder: String? = nil) -> Self {
    Self(
      placeholder: placeholder ?? words.joined(separator: "|"), expectation: alternatives(words),
      completion: .choices(words),
      parse: { bytes in words.first { bytes.elementsEqual($0.utf8) } }, show: { Array($0.utf8) })
  }
}

extension ValueKind where Value: RawRepresentable<String> & CaseIterable {
  /// One of the cases of an enumeration, by their raw values.
  package static var choice: Self {
    let words = Value.allCases.map(\.rawValue)
    return Self(
      placeholder: words.joined(separator: "|"), expectation: alternatives(words), completion: .choices(words),
      parse: { bytes in Value.allCases.first { bytes.elementsEqual($0.rawValue.utf8) } },
      show: { Array($0.rawValue.utf8) })
  }
}

/// "bpe, char or byte".
package func alternatives(_ words: [String]) -> String {
  guard words.count > 1, let last = words.last else { return words.first ?? "" }
  return words.dropLast().joined(separator: ", ") + " or " + last
}
