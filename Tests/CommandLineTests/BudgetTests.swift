import Foundation
import Testing

/// `train --budget`.
@Suite struct BudgetTests {
  /// A run with a budget ends near it, sizes itself, and says in the end how to repeat it: the same bytes, unless the machine
  /// slowed down so late that the rate was falling already.
  @Test func aBudgetIsKept() throws {
    let scratch = try Scratch(), start = Date()
    try scratch.write("bottles.txt", (0..<120).map { "\($0) green bottles, hanging on the wall;\n" }.joined())
    let run = try Run(
      ["train", "bottles.txt", "--budget", "4s", "--seed", "3", "--out", "a.safetensors"], folder: scratch.folder)
    #expect(run.status == 0)
    let took = Date().timeIntervalSince(start)
    #expect(took > 2 && took < 12, "\(took)")
    let lines = run.errorText.split(separator: "\n").map(String.init)
    let again = try #require(lines.first { $0.hasPrefix("again: ") }?.dropFirst("again: ".count))
    #expect(lines.filter { $0.hasPrefix("again: ") }.count == 1 && !again.contains("--budget"))
    let info = try Run(["info", "a.safetensors"], folder: scratch.folder).outputText
    if again.hasPrefix("no single command") {
      #expect(again.contains("its steps were changed"))
      return
    }
    #expect(again.contains(" --optimizer muon ") && again.contains(" --steps "))
    let line = again.replacing("minigpt ", with: "").replacing(
      "--out a.safetensors", with: "--out b.safetensors --quiet")
    #expect(try Run.shell(#""$minigpt" \#(line)"#, folder: scratch.folder).status == 0)
    #expect(try scratch.read("a.safetensors") == scratch.read("b.safetensors"))
    let steps = again.split(separator: " ").drop { $0 != "--steps" }.dropFirst().first ?? ""
    let digits = info.filter { $0 != "," }
    #expect(digits.contains("\(steps) of \(steps) steps"))
  }
}
