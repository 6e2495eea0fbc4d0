import MiniGPTTensors
import MiniGPTGeneration
import Testing

@Suite struct TokenProbabilitiesTests {
  @Test func areTheSoftmax() {
    let probabilities = TokenProbabilities(logits: [1, 2, 3, 2])
    let total = Double.exp(1) + 2 * Double.exp(2) + Double.exp(3)
    #expect(abs(probabilities[0] - Double.exp(1) / total) < 1e-12)
    #expect(abs(probabilities[2] - Double.exp(3) / total) < 1e-12)
    #expect(abs((0..<4).reduce(0) { $0 + probabilities[$1] } - 1) < 1e-12)
    #expect(probabilities.likeliest(3) == [2, 1, 3])
    #expect(probabilities.likeliest(0) == [] && probabilities.likeliest(9) == [2, 1, 3, 0])
  }

  @Test func largeLogitsDoNotOverflow() {
    let probabilities = TokenProbabilities(logits: [3e38, 0, -3e38])
    #expect(probabilities[0] == 1 && probabilities[1] == 0)
    #expect(probabilities.logarithm(0) == 0)
  }
}
