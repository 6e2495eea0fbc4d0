import MiniGPTStorage
import Testing

@Suite struct FieldTests {
  struct Inner: Equatable, Sendable {
    var size = 4
    static let fields = [Field("size", at: \Inner.size, in: .integers(1...9))]
  }

  struct Outer: Equatable, Configurable {
    var inner = Inner(), other = Inner(), share = 0.5, seed: UInt64 = 7, isNew = false
    static let fields: [Field<Self>] =
      Inner.fields.map { $0.within(\.inner) } + [
        Field("share", at: \.share, in: .fraction, traits: .optional), Field("the-seed", at: \.seed),
        Field("is-new", at: \.isNew, traits: .sparse, flag: Flag(.files, .toggle, "new")),
      ]
  }

  private func read(_ text: String) throws -> Outer {
    try Outer(fields: JSONField(parsing: Array(text.utf8).rawBytes, source: "f"))
  }

  private func text(_ outer: Outer) throws -> String {
    String(decoding: try JSONWriter.write(outer.json), as: UTF8.self)
  }

  /// A sparse field is written only where it says something, so that older programs read what does without it.
  @Test func isWrittenAndRead() throws {
    var outer = Outer()
    #expect(try text(outer) == #"{"size":4,"share":0.5,"the_seed":"0000000000000007"}"#)
    (outer.isNew, outer.inner.size) = (true, 9)
    #expect(try text(outer) == #"{"size":9,"share":0.5,"the_seed":"0000000000000007","is_new":true}"#)
    #expect(try read(text(outer)) == outer)
    #expect(try read(#"{"the_seed":"ff","size":2}"#) == Outer(inner: Inner(size: 2), seed: 255))
  }

  @Test(arguments: [
    (#"{"size":4}"#, "f: field `the_seed`: is missing"),
    (#"{"size":"4","the_seed":"1"}"#, "f: field `size`: expected an integer, found a string"),
    (#"{"size":4,"the_seed":"x"}"#, "f: field `the_seed`: expected 16 hexadecimal digits, found x"),
    (#"{"size":4,"heads":2}"#, "f: field `heads`: is not known to this program: a newer one wrote it"),
  ]) func namesWhatIsWrong(_ text: String, _ message: String) {
    let error = #expect(throws: JSONError.self) { _ = try read(text) }
    #expect(error.map { "\($0)" } == message)
  }

  /// A row of a part is found by the path through the whole, and by no other.
  @Test func isFoundByItsPlace() {
    let field = Outer.fields[0]
    #expect(field.isAt(\Outer.inner.size) && !field.isAt(\Outer.other.size) && !field.isAt(\Outer.seed))
    #expect(Outer.fields.filter { $0.isAt(\Outer.isNew) }.map(\.name) == ["is-new"])
  }

  @Test func rangesHaveEdges() {
    #expect(FieldRange.fraction.contains(0.0) && !FieldRange.fraction.contains(1.0))
    #expect(!FieldRange.fraction.contains(-0.1) && !FieldRange.fraction.contains(Double.nan))
    #expect(FieldRange.nonNegative.contains(1e300) && !FieldRange.nonNegative.contains(Double.infinity))
    #expect(FieldRange.integers(1...2).contains(2) && !FieldRange.integers(1...2).contains(3))
  }
}
