/// The command that does the same again: every flag whose value differs from the default, by its first name.
///
/// Bytes, because file names need not be text. A shell reads each word back as it was.
func canonicalCommand<C: Command>(_ command: C, words: [[UInt8]], leavingOut: Set<String> = []) -> [UInt8] {
  var line = Array("minigpt \(C.name)".utf8)
  let defaults = C()
  for word in words {
    line.append(UInt8(ascii: " "))
    // A word that looks like a flag would be taken for one.
    line += word.first == UInt8(ascii: "-") && word.count > 1 ? shellQuoted(Array("./".utf8) + word) : shellQuoted(word)
  }
  for option in C.options where !leavingOut.contains(option.name) {
    let values = option.show(command)
    if values == option.show(defaults) { continue }
    for value in values {
      line += Array(" \(option.flag)".utf8)
      if !option.takesValue { continue }
      // A value that begins with a dash could be read as the next flag; after `=` it cannot.
      line.append(value.first == UInt8(ascii: "-") ? UInt8(ascii: "=") : UInt8(ascii: " "))
      line += shellQuoted(value)
    }
  }
  return line
}

/// A word as a POSIX shell takes it: as it is where that is safe, else in single quotation marks.
func shellQuoted(_ word: [UInt8]) -> [UInt8] {
  let safe = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+@%".utf8)
  if !word.isEmpty, word.allSatisfy({ safe.contains($0) || $0 >= 0x80 }) { return word }
  let mark = UInt8(ascii: "'")
  return [mark] + word.flatMap { $0 == mark ? Array("'\\''".utf8) : [$0] } + [mark]
}
