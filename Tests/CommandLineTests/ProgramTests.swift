import Foundation
import MiniGPTTestSupport
import Testing

/// What the program does before any command has begun.
@Suite struct ProgramTests {
  @Test func tellsItsVersion() throws {
    let run = try Run(["--version"])
    #expect(run.outputText.wholeMatch(of: /minigpt \d+\.\d+\.\d+\n/) != nil)
    #expect(run.errorText == "" && run.status == 0)
  }

  @Test func helpListsTheCommands() throws {
    let run = try Run(["--help"])
    #expect(run.outputText.hasPrefix("minigpt turns a text file into a language model"))
    #expect(run.outputText.contains("\n  completions  "))
    #expect(run.errorText == "" && run.status == 0)
    #expect(try Run(["help"]).output == run.output)
    #expect(try Run(["-h"]).output == run.output)
  }

  @Test(arguments: [40, 60, 80, 200]) func helpFitsTheTerminal(_ width: Int) throws {
    for arguments in [["--help"], ["completions", "--help"]] {
      let run = try Run(arguments, environment: ["COLUMNS": String(width)])
      let longest = run.outputText.split(separator: "\n").map(\.count).max() ?? 0
      #expect(longest <= min(80, width) && longest > 30, "\(arguments) at \(width)")
    }
  }

  #if os(Linux)
    /// Behind a pipe is often a pager on the terminal of our messages.
    @Test(arguments: [(60, 60), (200, 80)]) func helpThroughAPipeFitsTheTerminal(_ columns: Int, _ width: Int) throws {
      let pseudo = try PseudoTerminal(), pipe = Pipe()
      pseudo.resize(columns: columns)
      let process = try pseudo.start(["train", "--help"], folder: Scratch.empty, output: pipe)
      let help = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      #expect(try Array(help) == Run(["train", "--help"], environment: ["COLUMNS": "\(width)"]).output)
    }
  #endif

  @Test func helpOfACommandIsTheSameBothWays() throws {
    let run = try Run(["completions", "--help"])
    #expect(run.outputText.hasPrefix("Usage: minigpt completions bash|zsh|fish [flags]\n"))
    #expect(run.outputText.contains("--config FILE"))
    #expect(run.status == 0)
    #expect(try Run(["help", "completions"]).output == run.output)
  }

  @Test func unknownWordsNameTheNearest() throws {
    try Run(["complitions"]).expectRefusal(
      2, "there is no command 'complitions'; the nearest is completions (minigpt --help lists them)")
    try Run(["help", "completion"]).expectRefusal(
      2, "there is no command 'completion'; the nearest is completions (minigpt --help lists them)")
    try Run(["completions", "bash", "--confg", "x"]).expectRefusal(
      2, "unknown flag --confg; the nearest is --config (minigpt completions --help lists them)")
    try Run(["--versoin"]).expectRefusal(
      2, "unknown flag --versoin; the nearest is --version (minigpt --help lists them)")
  }

  @Test func whatWasTypedCannotSteerTheTerminal() throws {
    try Run(["\u{1B}[3\nhelp"]).expectRefusal(
      2, "there is no command '\\x1B[3\\nhelp' (minigpt --help lists them)")
  }

  @Test func aReaderThatGoesAwayIsNoFailure() throws {
    let run = try Run.shell(#"{ "$minigpt" completions bash; echo "status $?" >&2; } | true"#)
    #expect(run.errorText == "status 0\n")
  }

  @Test func anAnswerThatCannotBeWrittenIsAFailure() throws {
    let full = try Run.shell(#""$minigpt" --help >/dev/full"#)
    full.expectRefusal(1, "standard output: cannot be written: No space left on device")
    let closed = try Run.shell(#""$minigpt" --help >&-"#)
    closed.expectRefusal(1, "standard output: cannot be written: Bad file descriptor")
  }

  @Test func messagesWithoutAReaderLoseNoAnswer() throws {
    let run = try Run.shell(#""$minigpt" --version 2>&-"#)
    #expect(run.outputText.hasPrefix("minigpt ") && run.status == 0)
  }
}
