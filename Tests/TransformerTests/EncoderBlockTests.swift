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
    ).block
    var layout = ParameterLayout(), planner = SlotPlanner(.activations)
    let block = EncoderBlock("b", shape, firstSite: 2, in: &layout), rows = counts * length
    let x = planner.take(rows, width), y = planner.take(rows, width), gradient = planner.take(rows, width)
    // Planned for more rows than there are.
    let saved = EncoderBlock.Saved(rows: rows + 3, shape, in: &planner)
    let workspace = BlockWorkspace(rows: rows + 3, shape, trains: true, in: &planner)
    let memory = try makeMemory(layout, activations: planner.count, indices: counts, set: set)
    let places = IndexSlot(offset: 0, count: counts)
    for (text, count) in lengths.enumerated() { memory.setIndex(places, text, Int32(count)) }
    let texts = Sequences(count: counts, length: length, lengths: places)
    memory.write(x, numbers(x.count, 1))
    block.forward(x, into: y, texts, nil, saved: saved, workspace, in: memory)
    var weight: [Double] = []
    for (text, count) in lengths.enumerated() {
      let counted = gradient.rows(text * length..<text * length + count)
      memory.write(counted, numbers(counted.count, 5 + text))
      weight += memory.read(counted).map(Double.init)
    }
    block.backward(gradient, x, texts, nil, saved: saved, workspace, in: memory)

    func reference(_ parameters: PlainParameters<Double>, _ x: PlainMatrix<Double>) -> PlainMatrix<Double> {
      let elements = lengths.enumerated().flatMap { text, count in
        EncoderBlock.reference(x.rows(text * length..<text * length + count), "b", shape, parameters).elements
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
