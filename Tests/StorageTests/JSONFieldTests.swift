import MiniGPTStorage
import Testing

@Suite struct JSONFieldTests {
  let root = JSONField(
    ["n_head": "x", "n": 3, "big": .unsigned(.max), "f": 2.5, "list": [1, [:]], "none": nil, "kind": "gelu"],
    source: "config.json")

  enum Kind: String, CaseIterable {
    case gelu, relu
  }

  func message(_ body: (JSONField) throws -> Any) -> String {
    do { return "found \(try body(root))" } catch { return "\(error)" }
  }

  @Test func values() throws {
    #expect(try root.field("n").integer() == 3)
    #expect(try root.field("n").double() == 3)
    #expect(try root.field("f").double() == 2.5)
    #expect(try root.field("big").unsigned() == .max)
    #expect(try root.field("list").array().count == 2)
    #expect(try root.field("n_head").string() == "x")
    #expect(try root.field("kind").choice(Kind.self) == .gelu)
    #expect(try root.optionalField("none") == nil)
    #expect(try root.optionalField("missing") == nil)
    #expect(try root.optionalField("n")?.integer(in: 0...3) == 3)
    #expect(try root.members().map(\.key) == ["n_head", "n", "big", "f", "list", "none", "kind"])
  }

  @Test func errorsNameTheField() {
    #expect(
      message { try $0.field("n_head").integer() }
        == "config.json: field `n_head`: expected an integer, found a string")
    #expect(message { try $0.field("x") } == "config.json: field `x`: is missing")
    #expect(message { try $0.field("n").field("y") } == "config.json: field `n`: expected an object, found an integer")
    #expect(
      message { try $0.field("list").array()[1].integer() }
        == "config.json: field `list[1]`: expected an integer, found an object")
    #expect(
      message { try $0.field("n").integer(in: 4...9) }
        == "config.json: field `n`: expected an integer from 4 to 9, found 3")
    #expect(
      message { try $0.field("n").integer(in: 4...(.max)) }
        == "config.json: field `n`: expected an integer of at least 4, found 3")
    #expect(
      message { try $0.field("big").integer() }
        == "config.json: field `big`: expected an integer of 64 bits, found 18446744073709551615")
    #expect(
      message { try $0.field("f").integer() }
        == "config.json: field `f`: expected an integer, found a number with a fraction or exponent")
    #expect(
      message { try $0.field("n_head").choice(Kind.self) }
        == "config.json: field `n_head`: expected one of `gelu`, `relu`, found `x`")
    #expect(message { try $0.field("none").string() } == "config.json: field `none`: expected a string, found null")
  }

  @Test func namesAreEscaped() {
    let field = JSONField(["a\u{1B}[2J": 1], source: "evil\n.json")
    let text = { () -> String in
      do { return try field.field("a\u{1B}[2J").string() } catch { return "\(error)" }
    }()
    #expect(text == #"evil\n.json: field `a\x1B[2J`: expected a string, found an integer"#)
  }

  @Test func parsingNamesTheFile() {
    #expect(
      throws: JSONError(source: "f", offset: 1, .unexpected(expected: "a key in double quotes", found: "the end"))
    ) {
      try JSONField(parsing: Array("{".utf8).rawBytes, source: "f")
    }
  }
}
