import MiniGPTCheckpoints
import MiniGPTStorage
import MiniGPTTestSupport
import Testing

@Suite struct RunFilesTests {
  @Test func namesOfARun() {
    let run = RunFiles("checkpoints/m.safetensors")
    #expect(run.best == "checkpoints/m.best.safetensors" && run.average == "checkpoints/m.average.safetensors")
    #expect(run.log == "checkpoints/m.log.jsonl" && run.step(70) == "checkpoints/m.step-70.safetensors")
  }

  /// Another ending is part of the name.
  @Test func otherEndings() {
    let run = RunFiles("m.bin")
    #expect(run.checkpoint == "m.bin" && run.best == "m.bin.best.safetensors" && run.log == "m.bin.log.jsonl")
    #expect(RunFiles(".safetensors").best == ".best.safetensors")
  }

  /// What killed saves of any file of the run left; nothing of other runs.
  @Test func leftoversAreRemoved() throws {
    let folder = try Folder(), long = String(repeating: "x", count: 190), digits = ".0123456789abcdef.tmp"
    for run in ["m", long] {
      let stays = ["\(run).safetensors", "\(run).step-3.safetensors", "\(run).step-x.safetensors", ".other\(digits)"]
      let goes = [
        ".\(run).safetensors\(digits)", ".\(run).best.safetensors\(digits)",
        ".\(run).average.safetensors\(digits)", ".\(run).step-7.safetensors\(digits)",
      ].map { name in
        // Of a long name the temporary one has 200 bytes.
        name.hasSuffix(digits) ? "." + name.dropFirst().dropLast(digits.count).prefix(200) + digits : name
      }
      for name in stays + goes { try folder.write(name, "x") }
      let files = RunFiles(folder.path("\(run).safetensors"))
      try files.removeUnfinished()
      #expect(try files.steps().map(\.step) == [3])
      #expect(try folder.names() == stays.sorted())
      for name in stays { try Files.remove(folder.path(name)) }
    }
  }

  @Test func filesLeadToTheirRun() {
    for name in ["a/m.safetensors", "a/m.best.safetensors", "a/m.average.safetensors"] as [Path] {
      #expect(RunFiles(containing: name).models == RunFiles("a/m.safetensors").models)
    }
    #expect(!RunFiles.mayBeModel("m.step-12.safetensors") && !RunFiles.mayBeModel("m.log.jsonl"))
    #expect(RunFiles.mayBeModel("step-12.safetensors") && RunFiles.mayBeModel("m.best.safetensors"))
  }
}
