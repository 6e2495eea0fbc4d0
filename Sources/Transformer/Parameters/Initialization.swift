package import MiniGPTTensors

/// Gives every parameter its first value: a function of the seed, the parameter's number and the element alone.
package enum Initialization {
  package static func run(_ layout: ParameterLayout, seed: UInt64, in memory: Memory) {
    for (index, parameter) in layout.parameters.enumerated() {
      let stream = RandomStream(seed: seed, .initialization, place: index)
      let count = parameter.slot.count
      switch parameter.start {
      case .zeros: memory.fill(parameter.slot, 0)
      case .ones: memory.fill(parameter.slot, 1)
      case .normal(let deviation):
        memory.write(parameter.slot, (0..<count).map { Float(Double(deviation) * normal(stream, $0)) })
      case .normalButLastRow(let deviation):
        let last = count - parameter.slot.columns
        memory.write(
          parameter.slot, (0..<count).map { $0 < last ? Float(Double(deviation) * normal(stream, $0)) : 0 })
      case .xavierUniform:
        let bound = (6 / Double(parameter.slot.rows + parameter.slot.columns)).squareRoot()
        memory.write(parameter.slot, (0..<count).map { Float(bound * (2 * stream.uniform($0) - 1)) })
      }
    }
  }

  /// N(0, 1) by Box and Muller 1958: two uniform numbers give two normal ones.
  private static func normal(_ stream: RandomStream, _ index: Int) -> Double {
    let words = stream.words(index / 2)
    let u = (Double(UInt64(words[0]) << 21 ^ UInt64(words[1]) >> 11) + 0.5) * 0x1p-53
    let v = (Double(UInt64(words[2]) << 21 ^ UInt64(words[3]) >> 11) + 0.5) * 0x1p-53
    let radius = (-2 * Double.log(u)).squareRoot(), angle = 2 * Double.pi * v
    return radius * (index % 2 == 0 ? Double.cos(angle) : Double.sin(angle))
  }
}
