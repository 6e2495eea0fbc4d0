import Foundation
import MiniGPTTestSupport
import Testing

/// The REPL from a pipe; `Scripts/verify_repl.py` plays it in a terminal.
@Suite struct ReplCommandTests {
  private static let flags = ["char.safetensors", "--seed", "3", "-n", "12", "--ignore-eos"]

  private func talk(_ input: String, _ more: String..., commands: Bool = true) throws -> Run {
    try Run(
      ["repl"] + Self.flags + (commands ? ["--commands"] : []) + more, input: Array(input.utf8),
      folder: Bottles.folder(), environment: ["COLUMNS": "60"])
  }

  private func lines(_ input: String, _ more: String...) throws -> [String] {
    let run = try Run(
      ["repl"] + Self.flags + ["--commands", "--quiet"] + more, input: Array(input.utf8), folder: Bottles.folder(),
      environment: ["COLUMNS": "60"])
    #expect(run.status == 0 && run.errorText == "", "\(input)")
    return run.outputText.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  /// What `sample` says behind the prompt.
  private func sampled(_ prompt: String, _ model: String = "char.safetensors", samples: Int = 1) throws -> [String] {
    try Run(
      ["sample", model, "--seed", "3", "-n", "12", "--ignore-eos", "--quiet", "--prompt", prompt]
        + ["--num-samples", "\(samples)"], folder: Bottles.folder()
    ).outputText.components(separatedBy: "---\n").map { String($0.dropFirst(prompt.count)) }
  }

  @Test func eachLineOfAPipeIsAPrompt() throws {
    let run = try talk("12 green\n13 green\n", "--quiet", commands: false)
    #expect(run.status == 0 && run.errorText == "")
    let first = try sampled("12 green"), second = try sampled("13 green", samples: 2)
    #expect(run.outputText == first[0] + second[1])
    // A line that looks like a command is none, and the letters are not in the vocabulary.
    try talk("/help\n", "--quiet", commands: false).expectRefusal(
      1, "standard input, line 1: '/' (U+002F) at byte 0 never occurred in the training text")
    try talk("12\n13 gr\u{E9}en\n", "--quiet", commands: false).expectEnd(
      1, "standard input, line 2: 'é' (U+00E9) at byte 5 never occurred in the training text")
    #expect(try talk("", commands: false).status == 0)
  }

  @Test func answersCanBeHadAgainAndGoOn() throws {
    let both = try sampled("12 green", samples: 2)
    #expect(try talk("12 green\n/regen\n/seed 3\n12 green\n", "--quiet").outputText == both[0] + both[1] + both[0])
    // An empty line goes on from prompt and answer together.
    let longer = try sampled("12 green" + both[0].dropLast(), samples: 2)
    #expect(try talk("12 green\n\n", "--quiet").outputText == both[0] + longer[1])
    try talk("/regen\n", "--quiet").expectRefusal(1, "standard input, line 1: /regen needs a prompt first")
    try talk("12 green\n/clear\n/regen\n", "--quiet", "--greedy", "--stop", "1").expectEnd(
      1, "standard input, line 3: /regen needs a prompt first")
  }

  @Test func blocksAndSlashesArePrompts() throws {
    let block = try talk("\"\"\"12 green\n13 green\"\"\"\n", "--quiet")
    #expect(block.outputText == (try sampled("12 green\n13 green")[0]))
    #expect(try talk("\"\"\"12 green\"\"\"\n", "--quiet").outputText == (try sampled("12 green")[0]))
    #expect(try talk("\"\"\"\n12 green\n\"\"\"\n", "--quiet").status == 0)
    try talk("//a\n", "--quiet").expectRefusal(
      1, "standard input, line 1: '/' (U+002F) at byte 0 never occurred in the training text")
    #expect(try talk("/quit\n12 green\n", "--quiet").output.isEmpty)
  }

  @Test func everySettingCanBeChangedAndTakenBack() throws {
    let rows = try lines(
      """
      /set temp 0.5
      /set top-k=7
      /set p 1
      /show

      """.replacing("/set p 1\n", with: "/set greedy off\n/set footer on\n/set stop \\n\n"))
    func shown(_ name: String, _ rows: [String]) -> String? {
      rows.first { $0.hasPrefix(name + " ") }.map { String($0.dropFirst(name.count).drop { $0 == " " }) }
    }
    #expect(shown("temp", rows) == "0.5" && shown("top-k", rows) == "7" && shown("greedy", rows) == "off")
    #expect(shown("footer", rows) == "on" && shown("stop", rows) == "\\n" && shown("seed", rows) == "3")
    #expect(shown("model", rows) == "char.safetensors" && shown("context", rows) == "32")
    // All flags are settings, but for those that hold from the start to the end.
    let fixed = ["model", "commands", "weights", "threads", "quiet", "config", "help"]
    let flags = try Run(["repl", "--help"]).outputText.matches(of: /\n  (?:-., )?--([a-z-]+)/).map { String($0.1) }
    #expect(Set(fixed).isSubset(of: flags) && flags.count > fixed.count)
    for name in flags { #expect((shown(name, rows) != nil) == (!fixed.contains(name) || name == "model"), "\(name)") }
    let back = try lines("/set temp 0.5\n/set temp default\n/set stop a\n/set stop off\n/set greedy\n/show\n")
    #expect(shown("temp", back) == "0.8" && shown("stop", back) == "none" && shown("greedy", back) == "on")
    let told = try talk("/set temp 0.5\n/set temp\n/set greedy on\n")
    #expect(told.errorText.hasPrefix("seed: 3\ntemp: 0.5\ntemp: 0.5\n"))
    #expect(
      told.errorText.hasSuffix(
        "minigpt: standard input, line 3: --greedy is a temperature of 0, and --temp 0.5 another\n"))
    #expect(try talk("/set greedy\n12 green\n", "--quiet").output == talk("12 green\n", "--quiet", "--greedy").output)
  }

  @Test func whatCannotBeObeyedIsNamed() throws {
    for (line, message) in [
      (
        "/relaod",
        "there is no command '/relaod'; the nearest is /reload (/help lists them, // begins a prompt with a slash)"
      ),
      ("/s", "there is no command '/s' (/help lists them, // begins a prompt with a slash)"),
      ("/set tmep 1", "there is no setting 'tmep'; the nearest is temp (/show lists them)"),
      ("/set temp warm", "temp needs a number from 0 to 100, not 'warm'"),
      ("/set greedy perhaps", "greedy needs on or off, not 'perhaps'"),
      ("/set", "/set needs the name of a setting and its value"), ("/load", "/load needs the name of a checkpoint"),
      ("/load \u{1B}[2J", "\\x1B[2J: cannot be opened: No such file or directory"),
      ("/seed much", "seed needs a whole number from 0 to 18,446,744,073,709,551,615, not 'much'"),
      ("/ppl 1", "/ppl needs a text of at least two tokens"), ("/near", "/near needs a token"),
    ] {
      let run = try talk(line + "\n", "--quiet")
      #expect(run.status == 1 && run.output.isEmpty)
      #expect(run.errorText == "minigpt: standard input, line 1: \(message)\n")
    }
  }

  @Test func showsWhatTheModelExpects() throws {
    let top = try lines("12 gree\n/top 3\n").suffix(3)
    #expect(top.count == 3 && top.contains { $0.contains(" %  'n'") } && top.allSatisfy { $0.count <= 60 })
    #expect(try lines("/top 3 12 gree\n") == Array(top))
    #expect(try lines("/top 1000\n").count == (try vocabulary()))
    let shares = try lines("/top 1000 12 gree\n").compactMap { Double($0.split(separator: " ")[0]) }
    #expect(abs(shares.reduce(0, +) - 100) < 2 && shares == shares.sorted(by: >))
    let near = try lines("/near g\n").map { $0.split(separator: " ") }
    #expect(near.count == 10 && near.allSatisfy { $0.count >= 2 && $0[1].first == "'" })  // a blank is a token too
  }

  @Test func nearShowsThePiecesOfAText() throws {
    let run = try talk("/near green\n/near g\n", "--quiet")
    #expect(run.status == 0 && run.outputText.split(separator: "\n").count == 10)
    #expect(run.errorText == "/near needs one token, and this text is 5: 'g' 'r' 'e' 'e' 'n'\n")
    #expect(try talk("/near \(String(repeating: "g", count: 30))\n", "--quiet").errorText.hasSuffix(" 'g' …\n"))
  }

  private func vocabulary() throws -> Int {
    let info = try Run(["info", "char.safetensors", "--json"], folder: Bottles.folder())
    let record = try #require(try JSONSerialization.jsonObject(with: Data(info.output)) as? [String: Any])
    return try #require((record["configuration"] as? [String: Any])?["vocab_size"] as? Int)
  }

  /// The same numbers as `eval` has for a text that fits into the context.
  @Test func perplexityIsThatOfEval() throws {
    let text = "12 green bottles, hanging"
    let rows = try lines("/ppl \(text)\n")
    let scratch = try Scratch()
    try scratch.write("text.txt", text)
    let model = try Bottles.folder() + "/char.safetensors"
    let run = try Run(["eval", model, "text.txt", "--json"], folder: scratch.folder)
    let record = try #require(try JSONSerialization.jsonObject(with: Data(run.output)) as? [String: Double])
    let perplexity = try #require(record["perplexity"]), bits = try #require(record["bits_per_byte"])
    #expect(rows.count == text.count + 1)
    #expect(rows.first?.hasSuffix("—  '1'") == true)
    let last = try #require(rows.last).split(separator: " ")
    #expect(last[0] == "perplexity" && last[3] == "\(text.count - 1)")
    #expect(abs((Double(last[1]) ?? 0) - perplexity) < 0.006 && abs((Double(last[5]) ?? 0) - bits) < 0.0006)
  }

  @Test func modelsCanBeChanged() throws {
    let both = try talk("12 green\n/load early.safetensors\n/seed 3\n12 green\n", "--quiet")
    #expect(both.outputText == (try sampled("12 green")[0] + sampled("12 green", "early.safetensors")[0]))
    let said = try talk("/load early.safetensors\n").errorText
    #expect(said.contains("early: ") && said.contains(" thousand parameters, 10 steps over one text: it goes on"))
  }

  @Test func verseIsGreetedAsSuch() throws {
    let scratch = try Scratch()
    let verse = "Now, fair Hippolyta, our nuptial hour\nDraws on apace; four happy days bring in\nAnother moon.\n\n"
    try scratch.write("verse.txt", String(repeating: verse, count: 30))
    let flags = "--tokenizer char --layers 1 --heads 1 --embd 8 --context 8 --batch-size 1 --steps 1 --seed 1 --quiet"
    let made = try Run(
      ["train", "verse.txt", "--out", "v.safetensors"] + flags.split(separator: " ").map(String.init),
      folder: scratch.folder)
    #expect(made.status == 0, "\(made.errorText)")
    let run = try Run(["repl", "v.safetensors", "--commands"], input: Array("/reload\n".utf8), folder: scratch.folder)
    #expect(run.errorText.contains("1 step over verse: it goes on in verse of that manner, and answers no question"))
  }

  /// A training that puts newer checkpoints in the place of the one in use: the old one stays until /reload.
  @Test func aNewerCheckpointIsTakenWhenAsked() throws {
    let folder = try Bottles.folder(), scratch = try Scratch()
    try scratch.write("m.safetensors", Array(Data(contentsOf: URL(fileURLWithPath: folder + "/early.safetensors"))))
    try scratch.write("new.safetensors", Array(Data(contentsOf: URL(fileURLWithPath: folder + "/char.safetensors"))))
    let run = try Run.shell(
      #"""
      mkfifo in
      "$minigpt" repl m.safetensors --seed 3 -n 12 --ignore-eos --commands --quiet <in >out & pid=$!
      exec 3>in
      printf '12 green\n' >&3
      while ! [ -s out ]; do sleep 0.01; done
      mv new.safetensors m.safetensors
      printf '/seed 3\n12 green\n/reload\n/seed 3\n12 green\n' >&3
      exec 3>&-
      wait $pid
      """#, folder: scratch.folder)
    #expect(run.status == 0 && run.errorText == "")
    let old = try sampled("12 green", "early.safetensors")[0], new = try sampled("12 green")[0]
    #expect(try String(decoding: scratch.read("out"), as: UTF8.self) == old + old + new)
    #expect(old != new)
  }

  @Test func aFooterTellsTheSpeed() throws {
    let run = try talk("12 green\n", "--footer")
    #expect(run.errorText.wholeMatch(of: /seed: 3\n\(12 tokens, [\d.]+ a second\)\n/) != nil)
  }

  @Test func longTextsAreSaidOnce() throws {
    let run = try talk("12 green\n\n\n\n\n")
    #expect(
      run.errorText
        == "seed: 3\nthe text is longer than the 32 tokens that the model looks back: it forgot the beginning\n")
  }

  #if os(Linux)
    /// Tab is a letter of a prompt and completes commands; a line may be longer than the system's own editing takes.
    @Test(arguments: ["libedit.so.2", "none"]) func whatIsTypedArrivesWhole(editor: String) throws {
      if editor != "none" && dlopen(editor, RTLD_NOW) == nil { try Test.cancel("\(editor) is not installed") }
      let pseudo = try PseudoTerminal()
      let process = try pseudo.start(
        ["repl", "byte.safetensors", "--seed", "3", "-n", "1"], folder: Bottles.folder(),
        environment: ["MINIGPT_EDITOR": editor])
      _ = pseudo.type([], until: "> ")
      _ = pseudo.type(Array("a\tb\r".utf8), until: "\n> ")
      let prompt = pseudo.type(Array("/ppl\r".utf8), until: " byte\r\n> ")
      for row in ["'a'", "'\\t'", "'b'"] { #expect(prompt.contains("  \(row)\r\n"), "\(prompt)") }
      let long = pseudo.type(Array(("/ppl " + String(repeating: "ab", count: 3000) + "\r").utf8), until: " byte\r\n> ")
      #expect(long.contains(" over 5,999 tokens"), "\(long.suffix(100))")
      if editor != "none" {
        #expect(pseudo.type(Array("/set gre\t".utf8), until: "edy ").hasSuffix("edy "))
        _ = pseudo.type([21], until: "")
      }
      _ = pseudo.type([4], until: "\n")
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }

    /// Wherever the cursor is in a line of several rows, the prompt behind Ctrl-C stands below all of them.
    @Test(arguments: ["libedit.so.2", "libreadline.so.8"]) func ctrlCLeavesTheLineWhole(editor: String) throws {
      if dlopen(editor, RTLD_NOW) == nil { try Test.cancel("\(editor) is not installed") }
      let pseudo = try PseudoTerminal()
      pseudo.resize(columns: 40)
      let process = try pseudo.start(
        ["repl", "byte.safetensors"], folder: Bottles.folder(), environment: ["MINIGPT_EDITOR": editor])
      _ = pseudo.type([], until: "> ")
      _ = pseudo.type(Array("twelve green bottles, hanging on the wall of my house".utf8), until: "my house")
      // Ctrl-A; between the first row and the new prompt two rows end.
      _ = pseudo.type([1], until: editor.contains("edit") ? "\u{1B}[3G" : "\u{1B}[C\u{1B}[C")
      kill(process.processIdentifier, SIGINT)
      let said = pseudo.type([], until: "> ")
      #expect(said.filter { $0 == "\r\n" }.count == 2, "\(said.debugDescription)")
      _ = pseudo.type([4], until: "\n")
      process.waitUntilExit()
    }
  #endif

  @Test func signalsEndItWhereNobodyTypes() throws {
    let run = try Run.shell(
      #"""
      { printf '12 green\n'; sleep 5; } | "$minigpt" repl char.safetensors -n 5 >out.repl & pid=$!
      while ! [ -s out.repl ]; do sleep 0.01; done
      kill -TERM $pid; wait $pid
      """#, folder: Bottles.folder())
    #expect(run.status == 143)
  }
}

extension Run {
  /// Expects an end with one line on stderr, whatever was said before.
  func expectEnd(_ status: Int32, _ message: String, _ location: SourceLocation = #_sourceLocation) {
    #expect(errorText == "minigpt: " + message + "\n" && self.status == status, sourceLocation: location)
  }
}
