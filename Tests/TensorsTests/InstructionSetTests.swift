import MiniGPTParallel
import MiniGPTTensors
import Testing

@Suite struct InstructionSetTests {
  @Test func thePortableOneIsAlwaysThere() {
    #expect(InstructionSet.available.first == .portable)
    #expect(InstructionSet.available.last == InstructionSet.best)
    #expect(InstructionSet.allCases.map(\.rawValue) == ["portable", "avx2", "avx512", "amx"])
    for set in InstructionSet.allCases { #expect((set.kernels != nil) == InstructionSet.available.contains(set)) }
  }

  @Test(arguments: InstructionSet.available) func tilesHaveASize(set: InstructionSet) throws {
    let kernels = try #require(set.kernels)
    #expect(kernels.tileRows > 0 && kernels.tileColumns > 0 && kernels.tileColumns % 8 == 0)
  }

  /// The portable path gives these bits on any machine, whatever its compiler could contract.
  @Test func portableBitsAreTheSameEverywhere() throws {
    let field = try Field(.portable), (m, n) = (5, 45)
    let x = field.place(m, n, seed: 1), y = field.place(m, n, seed: 2), z = field.place(m, m, seed: 3)
    let gain = field.place(1, n, seed: 4), bias = field.place(1, n, seed: 5)
    let statistics = field.place(m, 2, seed: 6, contiguous: true), losses = field.place(m, 1, seed: 7, contiguous: true)
    field.memory.layerNorm(y, x, gain: gain, bias: bias, .compute(epsilon: 1e-5, into: statistics))
    field.memory.activate(x, y, .gelu)
    field.memory.layerNormBackward(y, x, y, gain: gain, statistics: statistics)
    field.memory.product(z, x.plain, y.transposed)
    field.memory.crossEntropy(z, targets: field.place([0, 1, 2, 3, 4]), losses: losses, gradientScale: 1)
    let bits = [x, y, z, losses].flatMap { field.memory.read($0).bits }
    #expect(bits.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) } == 13_229_061_197_555_436_008)
  }
}
