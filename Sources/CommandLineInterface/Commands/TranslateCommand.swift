internal import MiniGPT
internal import MiniGPTPlatform

/// `minigpt translate [TEXT…]`: sentences in, translations out, line by line.
struct TranslateCommand: Command, Searching {
  var texts: [[UInt8]] = []
  var model: [UInt8]?
  var search = SearchOptions()
  var batchSize = 16
  var nBest = 1
  var scores = false
  var alignment = false
  var prefix: [UInt8]?
  var top: Int?
  var reference: [UInt8]?
  var threads: Int?
  var quiet = false
  var json = false

  static let names = ["translate"]
  static let summary = "translates sentences"
  static let discussion = """
    Each TEXT is a sentence; without any, or with -, each line of standard input is one. A first word that is a checkpoint is the \
    MODEL. Every sentence gives one line, in order, \
    an empty one an empty line; with --n-best, that many.
    """
  static let words = Words("[MODEL] [TEXT…]", 0...100_000, "a TEXT", completion: .files)

  static let sections: [Section<Self>] = [
    Section(
      "Search",
      Option.search + [
        .value("batch-size", in: \.batchSize, .integer(1...4096), "sentences that share a pass over the weights"),
        .optional("prefix", in: \.prefix, .text, else: "none", "how the translation begins; the rest is greedy"),
        .optional(
          "top", in: \.top, .integer(1...1000), else: "off", "only the N likeliest words to come behind the prefix"),
      ]),
    Section(
      "Output",
      [
        .value("n-best", in: \.nBest, .integer(1...256), "translations of a sentence, the best first"),
        .toggle("scores", in: \.scores, "the score before each translation: log-probability over length penalty"),
        .toggle(
          "alignment", in: \.alignment, "behind each translation, the word of the source that each word looked at"),
        .optional(
          "reference", in: \.reference, .file(), else: "none", "what it should be, a line each: gives BLEU on stderr"),
        .toggle(
          "json", in: \.json, "one JSON object a sentence: source, translation, score, and what else is asked for"),
      ] + Option.comparison),
    Section(
      "Running",
      [
        .optional(
          "model", in: \.model, .file("MODEL"), else: "the newest translator in checkpoints",
          "the checkpoint that translates"),
        .optional("threads", in: \.threads, .integer(1...4096), else: "the cores it may use", "changes no result"),
        .toggle("quiet", in: \.quiet, "nothing but translations"),
      ]),
  ]

  mutating func take(_ words: [[UInt8]]) throws {
    texts = words
    if let first = words.first, isModel(first) {
      try takeModel(first, into: &model)
      texts.removeFirst()
    }
    if texts.count == 1, texts[0] == [UInt8(ascii: "-")] { texts = [] }
    // Nobody means the name of a file that is there as a sentence.
    if texts.count == 1, isFile(texts[0]) {
      throw UsageError.contradiction(
        "\(printable(texts[0])) is a file, and a TEXT is wanted: minigpt translate < \(printable(shellQuoted(texts[0])))"
      )
    }
  }

  mutating func validate() throws {
    if nBest > search.beam {
      throw UsageError.contradiction("--n-best \(nBest) needs a --beam at least as wide, not \(search.beam)")
    }
    if top != nil && prefix == nil {
      throw UsageError.contradiction("--top says what comes behind a --prefix: give one, '' for the first word")
    }
    if prefix != nil && nBest > 1 {
      throw UsageError.contradiction("behind a --prefix the translation is greedy, so --n-best has no place")
    }
    if top != nil && (scores || alignment || reference != nil) {
      throw UsageError.contradiction(
        "--top gives words, no translation: --scores, --alignment, --reference have no place")
    }
  }

  func run(_ console: Console) throws {
    console.isQuiet = quiet
    if let name = texts.first(where: looksLikeFile) {
      console.note("\(quoted(name)) is translated as a text: there is no file of that name")
    }
    let choice = try ModelChoice(model, .translator).announced(on: console)
    var configuration = search.configuration
    configuration.hypotheses = nBest
    let interpreter = try Interpreter(
      choice.openTranslator(), Machine(threads: threads, console), configuration, batch: batchSize)
    var references = try reference.map {
      try References(Path(bytes: $0), search.tokenization, lowercases: search.lowercases)
    }
    if texts.isEmpty, Terminal.isTerminal(0) {
      console.note(wrapping: "type sentences, one a line; Ctrl-D ends")
    }
    var sentences = SentenceSource(texts)
    while let batch = try sentences.next(prefix == nil ? interpreter.appetite : 1) {
      let first = sentences.count - batch.count + 1
      let ids = try batch.enumerated().map { try encode($1, number: first + $0, interpreter, console) }
      let answers = try answers(ids, interpreter)
      for (index, answer) in answers.enumerated() {
        let alignments =
          alignment ? answer.hypotheses.map { interpreter.alignment(ids[index], $0.ids) } : []
        if json {
          try console.answer(json: record(batch[index], answer, alignments), nonFinite: .refuse)
        } else {
          for line in lines(answer, alignments) { try console.answer(text: line + "\n") }
        }
        try references?.compare(answer.hypotheses.first?.text ?? [], source: batch[index])
      }
      try console.flush()
      if Interruption.isRequested { throw Interrupted() }
    }
    if let references {
      try references.finish()
      console.say(bleuLine(references.bleu.all))
    }
  }

  /// Whether a word is spelled as the names of files are, and none has it.
  private func looksLikeFile(_ text: [UInt8]) -> Bool {
    let path = Path(bytes: text)
    let isName =
      text.contains(UInt8(ascii: "/"))
      || [".txt", ".safetensors", ".gguf", ".tsv", ".json"].contains {
        path.hasSuffix($0) && text.count > $0.utf8.count
      }
    return isName && !text.contains(where: { [0x20, 9, 10, 13].contains($0) }) && !Files.exists(path)
  }

  /// What came out for a sentence.
  private struct Answer {
    var hypotheses: [Interpreter.Hypothesis] = []
    var next: [(text: [UInt8], probability: Double)] = []
  }

  /// The ids of a sentence, cut where the model's places end; a blank one has none.
  private func encode(
    _ sentence: [UInt8], number: Int, _ interpreter: Interpreter, _ console: Console
  ) throws -> [Int32] {
    if UnicodeClasses.isBlank(sentence.span) { return [] }
    let ids = try interpreter.tokenizer.encode(sentence), places = interpreter.configuration.context - 1
    if ids.count > places {
      console.say(
        "sentence \(grouped(number)): \(grouped(ids.count)) tokens, and the model reads \(grouped(places)): "
          + "the rest is not translated")
    }
    return Array(ids.prefix(places))
  }

  private func answers(_ ids: [[Int32]], _ interpreter: Interpreter) throws -> [Answer] {
    guard let prefix else { return interpreter.translate(ids).map { Answer(hypotheses: $0) } }
    // A blank at the end would be a token of its own; the next word brings its own.
    let end = prefix.lastIndex { $0 != 0x20 }.map { $0 + 1 } ?? 0
    let start = Array(
      try interpreter.tokenizer.encode(Array(prefix[..<end])).prefix(interpreter.configuration.context - 1))
    return ids.map { source in
      if let top { return Answer(next: interpreter.nextWords(source, behind: start, top)) }
      return Answer(hypotheses: [interpreter.complete(source, start)])
    }
  }

  // MARK: - What is printed

  private func lines(_ answer: Answer, _ alignments: [WordAlignment]) -> [String] {
    if top != nil { return answer.next.map { fixed($0.probability, 4) + "\t" + oneLine($0.text) } }
    return answer.hypotheses.enumerated().map { index, hypothesis in
      var columns = scores ? [fixed(hypothesis.score, 4)] : []
      columns.append(oneLine(hypothesis.text))
      if alignment { columns.append(arrows(alignments[index])) }
      return columns.joined(separator: "\t")
    }
  }

  /// `este←this gato←cat`.
  private func arrows(_ alignment: WordAlignment) -> String {
    alignment.target.indices.map { word in
      oneLine(alignment.target[word]) + (alignment.most(word).map { "←" + oneLine(alignment.source[$0]) } ?? "")
    }.joined(separator: " ")
  }

  /// One line in gives one line out, whatever the model says.
  private func oneLine(_ text: [UInt8]) -> String {
    String(decoding: text.map { $0 == 10 || $0 == 13 ? 0x20 : $0 }, as: UTF8.self)
  }

  private func record(_ source: [UInt8], _ answer: Answer, _ alignments: [WordAlignment]) -> JSON {
    var record: JSONObject = ["source": text(source)]
    if top != nil {
      record.append(
        "next", .array(answer.next.map { ["text": text($0.text), "probability": number($0.probability)] }))
    } else {
      record.append("translation", text(answer.hypotheses.first?.text ?? []))
      record.append("score", number(answer.hypotheses.first?.score ?? 0))
    }
    if nBest > 1 {
      record.append(
        "n_best",
        .array(
          answer.hypotheses.enumerated().map { index, hypothesis in
            var one: JSONObject = ["translation": text(hypothesis.text), "score": number(hypothesis.score)]
            if alignment { one.append("alignment", wordPairs(alignments[index])) }
            return .object(one)
          }))
    }
    if let best = alignments.first { record.append("alignment", wordPairs(best)) }
    return .object(record)
  }

  private func wordPairs(_ alignment: WordAlignment) -> JSON {
    .array(
      alignment.target.indices.compactMap { word in
        alignment.most(word).map { most in
          [
            "target": text(alignment.target[word]), "source": text(alignment.source[most]),
            "weight": number(Double(alignment.weights[word][most])),
          ]
        }
      })
  }

  private func text(_ bytes: [UInt8]) -> JSON { .string(String(decoding: bytes, as: UTF8.self)) }
  private func number(_ value: Double) -> JSON { JSON((value * 1e6).rounded() / 1e6) }
}
