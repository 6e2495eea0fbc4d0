internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt tokenizer encode`: text on stdin, ids on stdout.
struct TokenizerEncodeCommand: Command {
  var tokenizer: [UInt8]?
  var allowSpecial = false
  var pieces = false
  var count = false
  var json = false
  var out: [UInt8]?
  var overwrite = false
  var threads: Int?

  static let names = ["tokenizer encode"]
  static let summary = "text on stdin, ids on stdout"
  static let discussion = """
    Writes the ids separated by white space. The text may be of any length: memory stays the same. What looks like a \
    special token is plain text, unless --allow-special.
    """

  static let sections: [Section<Self>] = [
    Section(
      "Flags",
      [
        TokenizerSource.option(\.tokenizer),
        .toggle("allow-special", in: \.allowSpecial, "the names of special tokens become their ids"),
        .toggle("pieces", in: \.pieces, "the text with a blank at each cut, its own blanks as _"),
        .toggle("count", in: \.count, "only how many tokens there are"),
        .toggle("json", in: \.json, "a JSON object for each token: id, text"),
        .optional(
          "out", in: \.out, .file(), else: "stdout", "writes a file of tokens instead, which minigpt train learns from"),
        .toggle("overwrite", in: \.overwrite, "replace a file that is there"),
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
      ])
  ]

  mutating func validate() throws {
    if [pieces, count, json].count(where: { $0 }) > 1 {
      throw UsageError.contradiction("--pieces, --count and --json print different things: give one")
    }
    if out != nil && (pieces || count || json) {
      throw UsageError.contradiction("--out writes ids: leave out --pieces, --count and --json")
    }
  }

  func run(_ console: Console) throws {
    let tokenizer = try TokenizerSource(tokenizer).open(console)
    let pool = Machine.pool(threads: threads, console)
    if let out { return try write(tokenizer, to: Path(bytes: out), pool, console) }
    var writer = Writer(command: self, tokenizer: tokenizer, console: console)
    try writer.write(tokenizer.separator(isFirst: true))
    // A large file is read by all threads where it lies.
    if !allowSpecial, let file = MappedFile.standardInput(atLeast: 1 << 20) {
      try tokenizer.encode(
        .file(file, 0..<file.count), pool: pool, failure: { InputError.badText($0) as any Error }
      ) { ids, _ in
        if Interruption.isRequested { throw Interrupted() }
        try writer.write(ids)
      }
      return try writer.finish()
    }
    var encoder = StreamingEncoder(tokenizer, allowSpecial: allowSpecial, pool: pool)
    let input = Input()
    var ids: [Int32] = [], isAtEnd = false
    while !isAtEnd {
      ids.removeAll(keepingCapacity: true)
      do {
        switch try input.readBlock() {
        case .line(let bytes): try encoder.push(bytes, into: &ids)
        case .interrupted: throw Interrupted()
        case .end:
          try encoder.finish(into: &ids)
          isAtEnd = true
        }
      } catch let error as TokenizerError {
        throw InputError.badText(error)
      }
      try writer.write(ids)
    }
    try writer.finish()
  }

  private func write(_ tokenizer: any Tokenizer, to out: Path, _ pool: WorkerPool, _ console: Console) throws {
    try console.claim(out, reading: self.tokenizer.map { [Path(bytes: $0)] } ?? [], overwrite: overwrite)
    let text = try InputError.namingEmpty { try TextCorpus([Path("-")]) }
    let tokens = try TokenSequence.encode(
      text.parts, tokenizer, allowSpecial ? .specials : .plain, pool: pool
    ) { console.progress(["encoding", percent($0, text.byteCount)]) }
    console.endProgress()
    try TokenFile.write(out, training: tokens, tokenizer)
    console.note("\(grouped(tokens.count)) tokens in \(printable("\(out)"))")
  }

  /// What the flags want of the ids.
  private struct Writer {
    let command: TokenizerEncodeCommand
    let tokenizer: any Tokenizer
    let console: Console
    var total = 0
    var atStart = true

    mutating func write(_ ids: [Int32]) throws {
      defer { total += ids.count }
      if command.count { return }
      var text: [UInt8] = []
      for (index, id) in ids.enumerated() {
        if command.json {
          text += TokenLine.json(id, tokenizer)
        } else if command.pieces {
          PieceText.draw(tokenizer.bytes(of: id), atStart: &atStart, into: &text)
        } else {
          if total > 0 || index > 0 { text.append(0x20) }
          TokenLine.append(id, to: &text)
        }
        if text.count >= 1 << 16 {
          try console.answer(text)
          text.removeAll(keepingCapacity: true)
          if Interruption.isRequested { throw Interrupted() }
        }
      }
      try console.answer(text)
    }

    func finish() throws {
      if command.count { return try console.answer(line: "\(total)") }
      if total > 0 && !command.json && !(command.pieces && atStart) { try console.answer(line: "") }
    }
  }
}
