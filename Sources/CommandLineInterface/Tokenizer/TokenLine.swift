internal import MiniGPT

/// A token as a line that people read, or as a record.
enum TokenLine {
  /// `464<TAB>The`, control characters and broken bytes escaped; or `{"id":464,"text":"The"}`, where bytes that are no
  /// UTF-8 appear as U+FFFD and a list `bytes` has them as they are.
  static func of(_ id: Int32, _ tokenizer: any Tokenizer, json: Bool) -> [UInt8] {
    let bytes = tokenizer.bytes(of: id)
    if !json { return Array("\(id)\t\(printable(bytes))\n".utf8) }
    let text = String(decoding: bytes, as: UTF8.self)
    var line = Array("{\"id\":\(id),\"text\":".utf8) + JSONWriter.quoted(text)
    if !text.utf8.elementsEqual(bytes) {
      line += Array(",\"bytes\":[\(bytes.map { String($0) }.joined(separator: ","))]".utf8)
    }
    return line + Array("}\n".utf8)
  }
}
