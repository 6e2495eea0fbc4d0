import Testing

/// The tables of the lecture, exactly.
@Suite struct MarkovTableTests {
  private func words(_ sentence: String) -> [String] { sentence.split(separator: " ").map(String.init) }

  @Test func firstOrder() {
    var table = MarkovTable(order: 1)
    table.count(words("show me my directories please"), times: 2)
    table.count(words("show me my files please"), times: 3)
    table.count(words("show me my photos please"), times: 5)
    #expect(table.distribution(after: ["my"]) == ["directories": 0.2, "files": 0.3, "photos": 0.5])
    for (word, next) in [
      ("show", "me"), ("me", "my"), ("directories", "please"), ("files", "please"), ("photos", "please"),
    ] {
      #expect(table.distribution(after: [word]) == [next: 1])
    }
    #expect(table.distribution(after: ["please"]).isEmpty)
  }

  @Test func secondOrderKnowsWhatFirstOrderForgets() {
    var first = MarkovTable(order: 1), second = MarkovTable(order: 2)
    for (sentence, times) in [
      ("check whether the battery ran down please", 4), ("check whether the program ran please", 6),
    ] {
      first.count(words(sentence), times: times)
      second.count(words(sentence), times: times)
    }
    #expect(first.distribution(after: ["ran"]) == ["down": 0.4, "please": 0.6])
    #expect(first.distribution(after: ["the"]) == ["battery": 0.4, "program": 0.6])
    #expect(second.distribution(after: ["battery", "ran"]) == ["down": 1])
    #expect(second.distribution(after: ["program", "ran"]) == ["please": 1])
    #expect(second.distribution(after: ["whether", "the"]) == ["battery": 0.4, "program": 0.6])
  }

  @Test func skipsVote() {
    let program = words("check the program log and find out whether it ran")
    let battery = words("check the battery log and find out whether it ran")
    var table = SkipTable()
    table.count(program + ["please"])
    table.count(battery + ["down", "please"])
    for word in ["check", "the", "log", "and", "find", "out", "whether", "it"] {
      #expect(table.votes(of: word, with: "ran") == ["down": 0.5, "please": 0.5], "\(word)")
    }
    #expect(table.votes(of: "battery", with: "ran") == ["down": 1])
    #expect(table.votes(of: "program", with: "ran") == ["please": 1])
    // Eight words vote half and half, one knows: 5 of 9.
    let unmasked = table.prediction(after: program)
    #expect(abs((unmasked["please"] ?? 0) - 5.0 / 9) < 1e-15)
    // The mask lets only those vote that know.
    let knows: (String) -> Bool = { $0 == "battery" || $0 == "program" }
    #expect(table.prediction(after: program, mask: knows) == ["please": 1])
    #expect(table.prediction(after: battery, mask: knows) == ["down": 1])
  }
}
