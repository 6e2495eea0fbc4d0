import MiniGPTStorage
import Testing

@Suite struct JSONWriterTests {
  static func text(_ value: JSON, _ layout: JSONWriter.Layout = .compact) throws -> String {
    String(decoding: try JSONWriter.write(value, layout: layout), as: UTF8.self)
  }

  @Test(
    arguments: [
      (nil, "null"), (true, "true"), (-7, "-7"), (.unsigned(.max), "18446744073709551615"), (1.0, "1.0"), (0.1, "0.1"),
      (1e300, "1e+300"), (.number(.leastNonzeroMagnitude), "5e-324"), (-0.0, "-0.0"), (JSON(Float(0.1)), "0.1"),
      ([], "[]"), ([:], "{}"),
      (["b": [1, "x"], "a": [:]], #"{"b":[1,"x"],"a":{}}"#), ("\"\\/\n\r\t", #""\"\\/\n\r\t""#),
      ("\0\u{1B}\u{7F}\u{80}\u{9F}\u{A0}é😀", #""\u0000\u001b\u007f\u0080\u009f\#u{A0}é😀""#),
    ] as [(JSON, String)]) func compact(value: JSON, text: String) throws
  {
    #expect(try Self.text(value) == text)
    #expect(try JSONReaderTests.parse(text) == value)
  }

  @Test func layouts() throws {
    let value: JSON = ["a": [1, 2], "b": [:], "c": []]
    #expect(try Self.text(value, .spaced) == #"{"a": [1, 2], "b": {}, "c": []}"#)
    #expect(
      try Self.text(value, .indented) == """
        {
          "a": [
            1,
            2
          ],
          "b": {},
          "c": []
        }
        """)
  }

  @Test func notFinite() throws {
    let value: JSON = ["loss": [1, .number(.nan)]]
    #expect(throws: JSONError(path: [.key("loss"), .index(1)], .notFinite)) { try JSONWriter.write(value) }
    #expect(try JSONWriter.write(value, nonFinite: .null) == Array(#"{"loss":[1,null]}"#.utf8))
  }

  @Test func doublesReadBackAsTheyWere() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<10_000 {
      let value = Double(bitPattern: generator.next())
      if !value.isFinite { continue }
      let text = try Self.text(.number(value))
      #expect(try JSONReaderTests.parse(text) == .number(value), "\(text)")
    }
  }
}
