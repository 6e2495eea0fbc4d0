import MiniGPTTensors
import MiniGPTTransformer

/// The GPT once more, in double precision and with dropout, whose masks are taken from the kernels by dropping ones.
struct MaskedReference {
  let configuration: GPTConfiguration
  let batch: Int
  let length: Int
  /// 0 or 1 / (1 - rate) for every element of the stream `[B·T, C]`, by site.
  var stream: [Int: PlainMatrix<Double>] = [:]
  /// The same for every attention weight, `[T, S]` by sample and head, by site.
  var weights: [Int: [PlainMatrix<Double>]] = [:]

  /// Sites: 0 after the embedding; then of each block attention's weights, attention's branch, feed-forward's branch.
  init(_ run: GPTRun, _ context: DropoutStep) throws {
    configuration = run.gpt.configuration
    batch = run.batch.input.texts.count
    length = run.batch.input.texts.length
    var plan = MemoryPlan()
    let rows = plan.take(batch * length, configuration.width), tile = plan.take(length, length)
    let memory = try makeMemory(ParameterLayout(), plan)
    func mask(_ site: Int) -> DropoutMask {
      DropoutMask(
        seed: context.seed, step: context.step, firstSample: context.firstSample, site: site, rate: context.rate)
    }
    for site in 0...3 * configuration.layers {
      if site % 3 == 1 {
        let rowElements = (configuration.context + 7) / 8 * 8
        weights[site] = (0..<batch * configuration.heads).map { part in
          memory.fill(tile, 1)
          memory.dropoutTile(
            tile, sample: part / configuration.heads,
            firstElement: part % configuration.heads * configuration.context * rowElements, rowElements: rowElements,
            mask(site))
          return plain(tile, in: memory)
        }
      } else {
        memory.fill(rows, 1)
        memory.dropout(rows, length: length, mask(site))
        stream[site] = plain(rows, in: memory)
      }
    }
  }

  /// Every mask's elements, one list a site.
  var sites: [Int: [Double]] {
    stream.mapValues(\.elements).merging(weights.mapValues { $0.flatMap(\.elements) }) { first, _ in first }
  }

  /// The same without what site `site` drops.
  func keepingAll(at site: Int) -> MaskedReference {
    var other = self
    other.stream[site] = stream[site].map { $0.map { _ in 1 } }
    other.weights[site] = weights[site].map { $0.map { $0.map { _ in 1 } } }
    return other
  }

  private func drop(_ x: PlainMatrix<Double>, _ site: Int) -> PlainMatrix<Double> {
    guard let mask = stream[site] else { return x }
    return PlainMatrix(x.rows, x.columns, zip(x.elements, mask.elements).map { $0 * $1 })
  }

  private func attend(
    _ x: PlainMatrix<Double>, _ name: String, _ site: Int, _ parameters: PlainParameters<Double>
  ) -> PlainMatrix<Double> {
    let projections = Linear.reference(x, name + ".queryKeyValue", parameters), width = x.columns
    let heads = configuration.heads, channels = width / heads
    let value = projections.columns(2 * width..<3 * width)
    let (_, all) = ScaledDotProductAttention.reference(
      query: projections.columns(0..<width), key: projections.columns(width..<2 * width), value: value,
      texts: batch, AttentionShape(heads: heads, headWidth: channels), mask: .causal)
    var mixed = PlainMatrix<Double>(x.rows, width)
    for (part, softmax) in all.enumerated() {
      let first = part / heads * length, channel = part % heads * channels
      let kept = weights[site]?[part].elements ?? []
      let dropped = PlainMatrix(length, length, zip(softmax.elements, kept).map { $0 * $1 })
      let o = dropped * value.rows(first..<first + length).columns(channel..<channel + channels)
      for t in 0..<length { for d in 0..<channels { mixed[first + t, channel + d] = o[t, d] } }
    }
    return Linear.reference(mixed, name + ".output", parameters)
  }

  func hidden(_ ids: [Int], _ parameters: PlainParameters<Double>) -> PlainMatrix<Double> {
    var x = drop(Embedding.reference(ids, length: length, fixed: configuration.sinusoids(length), parameters), 0)
    for index in 0..<configuration.layers {
      let name = "blocks.\(index)", site = 1 + 3 * index
      func norm(_ x: PlainMatrix<Double>, _ which: String) -> PlainMatrix<Double> {
        LayerNorm.reference(x, name + which, epsilon: 1e-5, parameters)
      }
      func attention(_ x: PlainMatrix<Double>) -> PlainMatrix<Double> {
        drop(attend(x, name + ".attention", site, parameters), site + 1)
      }
      func feedForward(_ x: PlainMatrix<Double>) -> PlainMatrix<Double> {
        drop(FeedForward.reference(x, name + ".feedForward", configuration.block, parameters), site + 2)
      }
      if configuration.norm == .pre {
        x = x + attention(norm(x, ".attentionNorm"))
        x = x + feedForward(norm(x, ".feedForwardNorm"))
      } else {
        x = norm(x + attention(x), ".attentionNorm")
        x = norm(x + feedForward(x), ".feedForwardNorm")
      }
    }
    return configuration.norm == .pre ? LayerNorm.reference(x, "finalNorm", epsilon: 1e-5, parameters) : x
  }

  /// The mean cross-entropy, 1 × 1.
  func loss(_ ids: [Int], _ targets: [Int], _ parameters: PlainParameters<Double>) -> PlainMatrix<Double> {
    let logits = OutputProjection.reference(hidden(ids, parameters), parameters)
    let losses = targets.indices.map { r in
      let row = logits.row(r), most = row.max() ?? 0
      return most + Double.log(row.map { Double.exp($0 - most) }.reduce(0, +)) - row[targets[r]]
    }
    return PlainMatrix(1, 1, [losses.reduce(0, +) / Double(losses.count)])
  }
}
