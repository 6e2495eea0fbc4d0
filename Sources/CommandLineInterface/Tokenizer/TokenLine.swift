internal import MiniGPT

/// A token as a record.
enum TokenLine {
  /// `{"id":464,"text":"The"}`, where bytes that are no UTF-8 appear as U+FFFD and a list `bytes` has them as they are;
  /// `more` stands behind that, with a comma in front.
  static func json(_ id: Int32, _ tokenizer: any Tokenizer, _ more: String = "") -> [UInt8] {
    let bytes = tokenizer.bytes(of: id)
    let text = String(decoding: bytes, as: UTF8.self)
    var line = Array("{\"id\":\(id),\"text\":".utf8) + JSONWriter.quoted(text)
    if !text.utf8.elementsEqual(bytes) {
      line += Array(",\"bytes\":[\(bytes.map { String($0) }.joined(separator: ","))]".utf8)
    }
    return line + Array((more + "}\n").utf8)
  }

  /// Appends a number in decimal, which is most of what `encode` writes.
  static func append(_ id: Int32, to text: inout [UInt8]) {
    var rest = id.magnitude, power: UInt32 = 1
    while rest / power >= 10 { power *= 10 }
    while power > 0 {
      text.append(UInt8(ascii: "0") + UInt8(rest / power))
      rest %= power
      power /= 10
    }
  }
}
