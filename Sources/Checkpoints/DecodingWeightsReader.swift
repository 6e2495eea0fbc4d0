internal import MiniGPTParallel
package import MiniGPTTensors
package import MiniGPTTransformer

/// The weights of a language model on their way from the file to generation.
///
/// Those of a mapped file are read from the first byte to the last, as systems expect it, and compared with their
/// checksums by threads of their own; behind them the threads of a pool pack what was read. The file is thus read once,
/// while its tokenizer is parsed and packing goes on, and little of it is in memory at a time.
package final class DecodingWeightsReader {
  private let checkpoint: Checkpoint
  private let mapped: (parameters: ParameterStorage, reading: VerifiedReading)?

  /// Begins to read. The same weights may be packed once.
  package init(_ checkpoint: Checkpoint) {
    self.checkpoint = checkpoint
    guard let (file, tensors) = checkpoint.ownTensors, let parameters = checkpoint.mappedParameters else {
      mapped = nil
      return
    }
    parameters.useSmallPages()  // before anybody touches one
    mapped = (parameters, VerifiedReading(file, tensors))
  }

  deinit { mapped?.reading.cancel() }

  /// The model, its parameters, and packed the matrices among them, as generation reads them. Throws if a weight differs
  /// from its checksum.
  package func pack(
    _ type: NumberFormat, on processor: Processor
  ) throws(CheckpointError) -> (model: GPT, parameters: ParameterStorage, weights: DecodingWeights) {
    let model = GPT(checkpoint.configuration)
    guard let (parameters, reading) = mapped else {
      let parameters = try checkpoint.parameters()
      let weights = model.decodingWeights(type, of: parameters, discarding: true, on: processor)
      return (model, parameters, weights)
    }
    let weights = model.decodingWeights(
      type, of: parameters, on: processor,
      ready: { rows in reading.waitForFloats(upTo: rows.end) }, done: { rows in reading.release(floats: rows.count) })
    do throws(SafetensorsError) { try reading.finish() } catch { throw .safetensors(error) }
    return (model, parameters, weights)
  }
}
