internal import MiniGPTTensors

// Temperature T: pᵢ ∝ exp(zᵢ / T). Ackley, Hinton, Sejnowski 1985, "A Learning Algorithm for Boltzmann Machines".

extension Candidates {
  /// Sets the weights, exp((zᵢ - z_max) / T): that of the likeliest is 1, so that none overflows. Towards T = 0 all but
  /// the likeliest vanish; equal ones stay equally likely.
  mutating func weigh(_ logits: [Float], largest: Float, temperature: Float) {
    weights.removeAll(keepingCapacity: true)
    weights.reserveCapacity(ids.count)
    for id in ids {
      let distance = logits[Int(id)] - largest
      weights.append(distance == 0 ? 1 : exponential(distance / temperature))
    }
  }
}
