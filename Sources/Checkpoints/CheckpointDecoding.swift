package import Parallel
internal import Storage
package import Tensors
package import Transformer

extension ModelCheckpoint {
  /// Has the weights of a file brought into memory, as far as a small machine has room, while the caller goes on: for
  /// whoever is about to read them all.
  package func readAhead() {
    guard let (file, tensors) = ownTensors, let start = tensors.first?.range.lowerBound,
      let end = tensors.last?.range.upperBound
    else { return }
    BackgroundThread.start {
      // Systems take a hint of any length, but keep to the first 128 KB of it where nobody set them up for more.
      for piece in stride(from: start, to: min(end, start + 512 << 20), by: 128 << 10) {
        file.map.advise(.soon, piece..<min(end, piece + 128 << 10))
      }
    }
  }
}

extension ModelCheckpoint where Model == GPT {
  /// The model, its parameters, and packed the matrices among them, as generation reads them.
  ///
  /// A tensor of a mapped file is compared with its checksum just before it is packed, so that the file is read once.
  package func decodingWeights(
    _ type: WeightType, pool: WorkerPool, kernels: Kernels
  ) throws(CheckpointError) -> (model: GPT, parameters: ParameterStorage, weights: DecodingWeights) {
    let model = Model(configuration)
    guard let (file, tensors) = ownTensors, let mapped = mappedParameters else {
      let parameters = try parameters()
      return (
        model, parameters, model.decodingWeights(type, of: parameters, discarding: true, pool: pool, kernels: kernels)
      )
    }
    var unread: [Int: SafetensorsTensor] = [:]
    for (parameter, tensor) in zip(model.layout.parameters, tensors) { unread[parameter.slot.offset] = tensor }
    do throws(SafetensorsError) {
      try file.verifyHeader()
      let weights = try model.decodingWeights(type, of: mapped, pool: pool, kernels: kernels) {
        slot throws(SafetensorsError) in
        if let tensor = unread.removeValue(forKey: slot.offset) { try file.verify(tensor, isReadNext: true) }
      }
      for tensor in unread.values { try file.verify(tensor, isReadNext: true) }
      return (model, mapped, weights)
    } catch { throw .safetensors(error) }
  }
}
