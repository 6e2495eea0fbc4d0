import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// A block of the encoder over padded texts, both ways, against the plain reference in double precision.
@Suite struct EncoderBlockTests {
  @Test(arguments: InstructionSet.available, NormPlacement.allCases)
  func forwardAndBackward(set: InstructionSet, norm: NormPlacement) throws {
    let lengths = [4, 1, 6], length = 7, width = 10, counts = lengths.count
    let shape = TranslatorConfiguration(
      vocabularySize: 9, context: 9, encoderLayers: 1, decoderLayers: 1, heads: 2, width: width, feedForwardWidth: 13,
      norm: norm, activation: norm == .pre ? .gelu : .relu
    ).blockShape
    var layout = ParameterLayout(), plan = MemoryPlan()
    let block = Block("b", .encoder, shape, firstSite: 2, in: &layout), rows = counts * length
    let x = plan.take(rows, width), y = plan.take(rows, width), gradient = plan.take(rows, width)
    // Planned for more rows than there are.
    let more = Block.Rows(rows + 3)
    let saved = Block.Saved(more, shape, Block.Workspace(more, shape, .training, in: &plan), in: &plan)
    let places = plan.takeIndices(counts)
    let memory = try makeMemory(layout, plan, set: set)
    for (text, count) in lengths.enumerated() { memory.setIndex(places, text, Int32(count)) }
    let pass = Pass(Sequences(count: counts, length: length, lengths: places), in: memory)
    memory.write(x, numbers(x.count, 1))
    block.forward(x, into: y, saved, pass)
    var weight: [Double] = []
    for (text, count) in lengths.enumerated() {
      let counted = gradient.rows(text * length..<text * length + count)
      memory.write(counted, numbers(counted.count, 5 + text))
      weight += memory.read(counted).map(Double.init)
    }
    block.backward(gradient, x, saved, pass)

    func reference(_ parameters: PlainParameters<Double>, _ x: PlainMatrix<Double>) -> PlainMatrix<Double> {
      let elements = lengths.enumerated().flatMap { text, count in
        Block.reference(
          x.rows(text * length..<text * length + count), .encoder, length: count, shape, parameters.part("b")
        ).elements
      }
      return PlainMatrix(elements.count / width, width, elements)
    }
    let parameters = PlainParameters<Double>(layout, in: memory), input = plain(x, in: memory)
    let found = lengths.enumerated().flatMap { text, count in memory.read(y.rows(text * length..<text * length + count))
    }
    #expect(distance(found.map(Double.init), reference(parameters, input).elements) < 1e-5, "\(norm), \(set)")
    let slopes = differences(parameters, input, weight: weight, reference)
    expectGradients(layout, in: memory, equal: slopes.parameters, "encoder block, \(norm), \(set)")
    #expect(distance(plain(gradient, in: memory).elements, slopes.input) < gradientTolerance, "by its input, \(set)")
  }
}
