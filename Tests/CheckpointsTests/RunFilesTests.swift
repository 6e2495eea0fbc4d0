import MiniGPTCheckpoints
import MiniGPTStorage
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

  @Test func filesLeadToTheirRun() {
    for name in ["a/m.safetensors", "a/m.best.safetensors", "a/m.average.safetensors"] as [Path] {
      #expect(RunFiles(containing: name).models == RunFiles("a/m.safetensors").models)
    }
    #expect(!RunFiles.mayBeModel("m.step-12.safetensors") && !RunFiles.mayBeModel("m.log.jsonl"))
    #expect(RunFiles.mayBeModel("step-12.safetensors") && RunFiles.mayBeModel("m.best.safetensors"))
  }
}
