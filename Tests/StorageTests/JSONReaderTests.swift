import MiniGPTStorage
import Testing

@Suite struct JSONReaderTests {
  static func parse(_ text: String) throws(JSONError) -> JSON { try parse(Array(text.utf8)) }
  static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON { try JSONReader.parse(bytes.rawBytes) }

  static func message(_ bytes: [UInt8]) -> String {
    do throws(JSONError) { return "read: \(try parse(bytes))" } catch { return "\(error)" }
  }

  static func message(_ text: String) -> String { message(Array(text.utf8)) }

  @Test(
    arguments: [
      ("null", .null), (" true\n", true), ("false", false), ("0", 0), ("-1", -1),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
      ("9223372036854775808", .unsigned(1 << 63)), ("18446744073709551615", .unsigned(.max)),
      ("18446744073709551616", .number(18_446_744_073_709_551_616)), ("-0", .number(-0.0)), ("1.0", 1.0),
      ("1e2", 100.0),
      ("0.1", 0.1), ("-1.5E-3", -0.0015), ("5e-324", .number(.leastNonzeroMagnitude)), ("1e-999", 0.0), ("\"\"", ""),
      ("[]", []), ("{}", [:]),
      ("[1,[2],{}]", [1, [2], [:]]), ("{\"b\":1,\"a\":{\"c\":null}}", ["b": 1, "a": ["c": nil]]),
      ("\t[ 1 , 2 ]\r\n", [1, 2]), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
      (#""\u0041\u00e9\uD83D\uDE00""#, "Aé😀"),
      ("\"é😀\u{7F}\u{2028}\"", "é😀\u{7F}\u{2028}"), (#""\u0000""#, "\0"), (#"{"":1}"#, ["": 1]),
    ] as [(String, JSON)]) func wellFormed(text: String, value: JSON) throws
  {
    #expect(try Self.parse(text) == value)
  }

  @Test(arguments: [
    ("", "byte 0: expected a value, found the end"),
    (" ", "byte 1: expected a value, found the end"),
    ("nul", "byte 0: expected `null`, found `n`"),
    ("True", "byte 0: expected a value, found `T`"),
    ("NaN", "byte 0: expected a value, found `N`"),
    ("01", "byte 1: expected no digit behind a zero in front, found 1"),
    ("-01", "byte 2: expected no digit behind a zero in front, found 1"),
    ("+1", "byte 0: expected a value, found `+`"),
    ("-", "byte 1: expected a digit, found the end"),
    ("1.", "byte 2: expected a digit, found the end"),
    (".5", "byte 0: expected a value, found `.`"),
    ("1e", "byte 2: expected a digit, found the end"),
    ("1e+", "byte 3: expected a digit, found the end"),
    ("1e999", "byte 0: a number too large for 64 bits"),
    ("0x1", "byte 1: expected the end, found `x`"),
    ("1 2", "byte 2: expected the end, found 2"),
    ("[1,]", "byte 3: field `[1]`: expected a value, found `]`"),
    ("[1 2]", "byte 3: expected a comma or `]`, found 2"),
    ("[,1]", "byte 1: field `[0]`: expected a value, found `,`"),
    ("[1", "byte 2: expected a comma or `]`, found the end"),
    ("]", "byte 0: expected a value, found `]`"),
    ("{\"a\":1,}", "byte 7: expected a key in double quotes, found `}`"),
    ("{\"a\" 1}", "byte 5: field `a`: expected a colon, found 1"),
    ("{a:1}", "byte 1: expected a key in double quotes, found `a`"),
    ("{1:1}", "byte 1: expected a key in double quotes, found 1"),
    ("{'a':1}", "byte 1: expected a key in double quotes, found `'`"),
    ("{\"a\":1,\"a\":2}", "byte 11: field `a`: is given twice"),
    ("{\"x\":[{\"b\":}]}", "byte 11: field `x[0].b`: expected a value, found `}`"),
    ("\"a", "byte 2: expected the end of a string, found the end"),
    ("\"\n\"", "byte 1: control character 10 in a string"),
    ("\"\0\"", "byte 1: control character 0 in a string"),
    (#""\x41""#, "byte 1: expected an escape that JSON knows, found `\\`"),
    (#""\u12""#, "byte 1: expected four hexadecimal digits, found `\\`"),
    (#""\u12G4""#, "byte 1: expected four hexadecimal digits, found `\\`"),
    (#""\uD800""#, "byte 1: half of a surrogate pair in a string"),
    (#""\uD800\u0041""#, "byte 1: half of a surrogate pair in a string"),
    (#""\uDC00\uD800""#, "byte 1: half of a surrogate pair in a string"),
    ("/* */1", "byte 0: expected a value, found `/`"),
    ("\u{FEFF}1", "byte 0: expected JSON, found a byte order mark"),
    ("1\0", "byte 1: expected the end, found byte 0"),
    ("\u{A0}1", "byte 0: expected a value, found byte 194"),
  ]) func malformed(text: String, message: String) {
    #expect(Self.message(text) == message)
  }

  @Test(
    arguments: [
      ([0x22, 0xFF, 0x22], 1), ([0x22, 0xC3, 0x22], 1), ([0x22, 0xC0, 0x80, 0x22], 1),
      ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
      ([0x22, 0x61, 0xF4, 0x90, 0x80, 0x80, 0x22], 2), ([0x80], 0),
    ] as [([UInt8], Int)]) func brokenUTF8(bytes: [UInt8], offset: Int)
  {
    #expect(Self.message(bytes) == "byte \(offset): expected UTF-8, found a byte that is not")
  }

  @Test func depth() throws {
    let deep = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
    #expect(throws: Never.self) { try Self.parse(deep) }
    let tooDeep = "byte 128: field `\(String(repeating: "[0]", count: 33))[…`: nested deeper than 128 levels"
    #expect(Self.message("[" + deep + "]") == tooDeep)
    #expect(Self.message(String(repeating: "[", count: 100_000)) == tooDeep)
    let objects = Self.message(String(repeating: #"[{"":"#, count: 50_000))
    #expect(objects.hasSuffix("nested deeper than 128 levels"), "\(objects)")
  }

  @Test func keysAreComparedByBytes() throws {
    let ring = "{\"\u{C5}\":1,\"\u{212B}\":2,\"A\u{30A}\":3}"
    let object = try JSONField(parsing: Array(ring.utf8).rawBytes, source: "x").object()
    #expect(object.members.count == 3)
    #expect(object["\u{212B}"] == 2)
    #expect(object["\u{C5}"] == 1)
  }

  @Test func duplicateAmongMany() throws {
    let members = (0..<100).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    #expect(try Self.parse("{\(members)}") != .null)
    #expect(Self.message("{\(members),\"k3\":1}").hasSuffix("field `k3`: is given twice"))
    #expect(Self.message("{\(members),\"k99\":1}").hasSuffix("field `k99`: is given twice"))
    let last = try JSONReader.parse(Array("{\"a\":1,\"a\":2}".utf8).rawBytes, duplicatesAllowed: true)
    #expect(last == .object(JSONObject([.init("a", 1), .init("a", 2)])))
  }

  /// Step by step, as the reader of safetensors does it.
  @Test func steps() throws {
    let text = Array(#" { "a" : [ 1 , 22 ] , "skip":{"x":[{}, "\u0041", -1.5e3, null]}, "b":"c" } "#.utf8)
    var reader = try JSONReader(text.rawBytes)
    var seen: [String] = []
    try reader.enterObject()
    while let key = try reader.nextKey() {
      seen.append(key.text)
      switch key.text {
      case "a":
        try reader.enterArray()
        while try reader.nextElement() { seen.append("\(try reader.unsigned())") }
      case "b": seen.append(try reader.string())
      default: try reader.skipValue()
      }
    }
    try reader.end()
    #expect(seen == ["a", "1", "22", "skip", "b", "c"])
  }

  @Test(arguments: [
    ("-0", "byte 0: expected a number of plain digits, found -0"),
    ("1.0", "byte 0: expected a number of plain digits, found 1.0"),
    ("1e0", "byte 0: expected a number of plain digits, found 1e0"),
    ("\"1\"", "byte 0: expected a number of plain digits, found a string"),
    ("18446744073709551616", "byte 20: a number too large for 64 bits"),
    ("[", "byte 0: expected a number of plain digits, found a list"),
  ]) func plainDigits(text: String, message: String) throws {
    let bytes = Array(text.utf8)
    var found = ""
    do throws(JSONError) {
      var reader = try JSONReader(bytes.rawBytes)
      found = "\(try reader.unsigned())"
    } catch { found = "\(error)" }
    // The place of an overflow is told by the number's beginning.
    #expect(found == message.replacing("byte 20", with: "byte 0"))
  }

  /// Whatever a flipped bit does, reading ends in a value or an error.
  @Test func flippedBits() throws {
    let text = Array(#"{"a":[1,-2.5e3,true,null],"b\u00e9":"\uD83D\uDE00 é","c":{"d":18446744073709551615}}"#.utf8)
    var errors = 0
    for index in text.indices {
      for bit in 0..<8 {
        var flipped = text
        flipped[index] ^= 1 << UInt8(bit)
        do { _ = try Self.parse(flipped) } catch { errors += 1 }
      }
    }
    #expect(errors > text.count)
    for count in 0..<text.count {
      #expect(throws: JSONError.self) { try Self.parse(Array(text[..<count])) }
    }
  }
}
