import MiniGPTCheckpoints
import MiniGPTInterchange
import MiniGPTStorage
import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization

@Suite struct Int8BlocksTests {
  let folder: Folder

  init() throws { folder = try Folder() }

  /// Every weight comes back within half a step of its block, and what is no product's matrix to the last bit.
  @Test func comesBackNearly() throws {
    // More than a block of inputs, and no multiple of one.
    let written = NumberedModel {
      $0.width = 75; $0.feedForwardWidth = 130
    }
    try written.write(folder.path("m"))
    try ModelExport(Checkpoint(folder.path("m")), to: folder.path("q"), weights: .int8).write(.safetensors)
    let checkpoint = try Checkpoint(folder.path("q"))
    #expect(try SafetensorsChecksum.verify(folder.path("q")) != .absent)
    #expect(!checkpoint.hasOptimizerState && checkpoint.record == nil)
    let parameters = try checkpoint.parameters()
    let read = Memory(MemoryPlan(), parameters, on: Processor(written.memory.pool, .portable))
    for parameter in written.model.layout.parameters {
      let before = written.memory.read(parameter.slot), after = read.read(parameter.slot)
      if parameter.shape.count == 1 || parameter.name == "positionEmbedding" {
        #expect(before == after, "\(parameter.name)")
      } else {
        #expect(zip(before, after).allSatisfy { abs($0 - $1) <= 0.5 / 254 * 1.001 }, "\(parameter.name)")
        #expect(before != after)
      }
    }
    // What was rounded once stays as it is.
    try ModelExport(checkpoint, to: folder.path("again"), weights: .int8).write(.safetensors)
    let again = try Checkpoint(folder.path("again"))
    for (a, b) in zip(checkpoint.weights, again.weights) {
      var one: [Float] = [], other: [Float] = []
      a.forEachBlock { _, numbers in one += numbers }
      b.forEachBlock { _, numbers in other += numbers }
      #expect(zip(one, other).allSatisfy { abs($0 - $1) <= 1e-6 * abs($0) })
    }
  }

  @Test func missingScalesAreNamed() throws {
    let written = NumberedModel()
    try written.write(folder.path("m"))
    try ModelExport(Checkpoint(folder.path("m")), to: folder.path("q"), weights: .int8).write(.safetensors)
    let file = try SafetensorsFile(folder.path("q")), left = "blocks.0.attention.output.weight.scales"
    let tensors = file.tensors.filter { $0.name != left }
    try SafetensorsFileWriter.write(
      folder.path("less"), tensors: tensors.map { .init($0.name, $0.type, $0.shape) },
      metadata: file.metadata.filter { !$0.key.hasPrefix("checksum.") }.map { (key: $0.key, value: $0.value) }
    ) { index, writer in
      let bytes = file.bytes(of: tensors[index])
      try writer.append(bytes)
    }
    do {
      _ = try Checkpoint(folder.path("less"))
      Issue.record("it was opened")
    } catch { #expect("\(error)".contains(left)) }
  }
}
