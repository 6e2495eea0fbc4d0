internal import MiniGPTParallel
package import MiniGPTTensors

/// Attention(Q, K, V) = softmax(Q Kᵀ / √D) V for every head: Vaswani et al. 2017, §3.2.1, eq. (1).
///
/// Q `[B·T, H·D]` holds H heads of D channels side by side, K and V `[B·S, G·D]` as many or fewer, each of which H / G
/// heads of queries share; output `[B·T, H·D]`. No matrix
/// `[T, S]` ever stands in memory: queries and keys meet in tiles of 64 × 64 with a running softmax (Milakov and
/// Gimelshein 2018; Dao et al. 2022, arXiv:2205.14135), in the backward pass too, where the weights are recomputed from
/// the log of their sum, L `[B·H, T]`, all that is kept. 4·B·T·S·H·D operations (half with the causal mask), 10 in the
/// backward pass. One part of the work is one head of one sample; in the backward pass one of its heads of keys.
package struct ScaledDotProductAttention: Sendable {
  package let heads: Int
  package let keyValueHeads: Int
  package let mask: AttentionMask

  package static let tile = 64

  package init(heads: Int, keyValueHeads: Int? = nil, mask: AttentionMask) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads ?? heads
    self.mask = mask
  }

  /// Heads of queries that share one of keys and values.
  fileprivate var group: Int { heads / keyValueHeads }

  /// What one call works on.
  package struct Operands: Sendable {
    package let query: Slot
    package let key: Slot
    package let value: Slot
    /// How the rows of Q, and those of K and V, are texts. Padding is never computed: an output row of padding is 0, and
    /// no query sees a key of it.
    package let queries: Sequences
    package let keys: Sequences

    package init(query: Slot, key: Slot, value: Slot, queries: Sequences, keys: Sequences) {
      self.query = query
      self.key = key
      self.value = value
      self.queries = queries
      self.keys = keys
    }
  }

  /// Drops attention weights; the element (h, t, s) of a sample is `(h · context + t) · rowElements + s`.
  package struct WeightDropout: Sendable {
    package let mask: DropoutMask
    package let context: Int

    var rowElements: Int { (context + 7) / 8 * 8 }

    func first(head: Int, query: Int, key: Int) -> Int { (head * context + query) * rowElements + key }
  }

  /// The output of some texts of one length, and the weights `[T, S]` of each head of each of them.
  @_specialize(where Scalar == Double)
  package static func reference<Scalar: Real>(
    query: PlainMatrix<Scalar>, key: PlainMatrix<Scalar>, value: PlainMatrix<Scalar>, texts: Int = 1,
    _ shape: AttentionShape, mask: AttentionMask
  ) -> (output: PlainMatrix<Scalar>, weights: [PlainMatrix<Scalar>]) {
    let width = shape.headWidth, scale = 1 / Scalar(width).squareRoot()
    var output = PlainMatrix<Scalar>(query.rows, query.columns), all: [PlainMatrix<Scalar>] = []
    let queryLength = query.rows / texts, keyLength = key.rows / texts
    for sample in 0..<texts {
      for head in 0..<shape.heads {
        let channels = head * width..<(head + 1) * width, other = head / (shape.heads / shape.keyValueHeads)
        let shared = other * width..<(other + 1) * width
        let q = query.rows(sample * queryLength..<(sample + 1) * queryLength).columns(channels)  // [T, D]
        let k = key.rows(sample * keyLength..<(sample + 1) * keyLength).columns(shared)  // [S, D]
        let v = value.rows(sample * keyLength..<(sample + 1) * keyLength).columns(shared)  // [S, D]
        var weights = q * k.transposed  // [T, S]
        for t in 0..<queryLength {
          let seen = (0..<keyLength).filter { mask.allows(query: t, key: $0) }
          let most = seen.map { weights[t, $0] * scale }.max() ?? 0
          let sum = seen.map { Scalar.exp(weights[t, $0] * scale - most) }.reduce(0, +)
          for s in 0..<keyLength {
            weights[t, s] = mask.allows(query: t, key: s) ? Scalar.exp(weights[t, s] * scale - most) / sum : 0
          }
        }
        let mixed = weights * v  // [T, D]
        for t in 0..<queryLength {
          for d in 0..<width { output[sample * queryLength + t, channels.lowerBound + d] = mixed[t, d] }
        }
        all.append(weights)
      }
    }
    return (output, all)
  }

  /// Floats of scratch memory that a thread needs.
  package static func scratch(width: Int, keyLength: Int) -> Int {
    let keys = (keyLength + tile - 1) / tile * tile
    // Keys and values packed in three ways, a tile of queries and of output gradients, two tiles of scores, some rows.
    return 2 * Memory.packedCount(depth: width, columns: keys) + Memory.packedCount(depth: keys, columns: width)
      + 2 * Memory.packedCount(depth: tile, columns: width) + Memory.packingRoom(depth: max(tile, width, keys))
      + 2 * tile * tile + 4 * tile + 256
  }

  package func forward(
    _ operands: Operands, into output: Slot, logSums: Slot, dropout: WeightDropout?, in memory: Memory
  ) {
    memory.run(
      .attention,
      operands.queries.count * heads,
      Forward(
        attention: self, operands: operands, output: output, logSums: logSums, dropout: dropout, memory: memory))
  }

  /// What forward gave and backward asks for: the output O and the log-sums L.
  package struct Kept: Sendable {
    let output: Slot
    let logSums: Slot
  }

  /// dQ, dK, dV, which are set, from dO, the operands, O and L.
  package func backward(
    _ dOutput: Slot, _ operands: Operands, from kept: Kept, into gradients: Operands, dropout: WeightDropout?,
    in memory: Memory
  ) {
    memory.clear(gradients.query)
    memory.clear(gradients.key)
    memory.clear(gradients.value)
    memory.run(
      .attention,
      operands.queries.count * keyValueHeads,
      Backward(
        attention: self, operands: operands, dOutput: dOutput, output: kept.output, logSums: kept.logSums,
        gradients: gradients,
        dropout: dropout, memory: memory))
  }
}

extension ScaledDotProductAttention.Operands {
  /// The part of one head of one sample, without its padding.
  fileprivate func head(
    _ head: Int, _ attention: ScaledDotProductAttention, sample: Int, in memory: Memory
  ) -> (query: Slot, key: Slot, value: Slot) {
    let width = query.columns / attention.heads, other = head / attention.group
    let channels = head * width..<(head + 1) * width, shared = other * width..<(other + 1) * width
    let firstQuery = sample * queries.length, firstKey = sample * keys.length
    let ofQueries = firstQuery..<firstQuery + queries.length(of: sample, in: memory)
    let ofKeys = firstKey..<firstKey + keys.length(of: sample, in: memory)
    return (
      query.rows(ofQueries).columns(channels), key.rows(ofKeys).columns(shared), value.rows(ofKeys).columns(shared)
    )  // [T, D], [S, D], [S, D]
  }
}

private func tiles(_ length: Int) -> StrideTo<Int> {
  stride(from: 0, to: length, by: ScaledDotProductAttention.tile)
}

private struct Forward: ParallelWork {
  let attention: ScaledDotProductAttention
  let operands: ScaledDotProductAttention.Operands
  let output: Slot
  let logSums: Slot
  let dropout: ScaledDotProductAttention.WeightDropout?
  let memory: Memory

  func callAsFunction(_ part: Int, thread: Int) {
    let sample = part / attention.heads, head = part % attention.heads, tile = ScaledDotProductAttention.tile
    let (query, key, value) = operands.head(head, attention, sample: sample, in: memory)
    let width = query.columns, scale = 1 / Float(width).squareRoot(), length = operands.queries.length
    let output = output.rows(sample * length..<(sample + 1) * length).columns(head * width..<(head + 1) * width)
    if query.rows < length { memory.fill(output.rows(query.rows..<length), 0) }
    let logSums = logSums.rows(part..<part + 1)  // [1, T]
    var scratch = memory.scratch(thread)
    let room = scratch.take(1, Memory.packingRoom(depth: max(tile, width, key.rows)))
    let packedKey = pack(key.transposed), packedValue = pack(value.plain)
    let scores = scratch.take(tile, tile), maxima = scratch.take(1, tile), sums = scratch.take(1, tile)
    let shrinks = scratch.take(1, tile)

    func pack(_ x: Operand) -> PackedFactor {
      memory.pack(x, into: scratch.take(1, Memory.packedCount(depth: x.rows, columns: x.columns)), room: room)
    }

    for firstQuery in tiles(query.rows) {
      let queries = firstQuery..<min(firstQuery + tile, query.rows)
      let q = query.rows(queries), o = output.rows(queries)
      let m = maxima.columns(0..<queries.count), l = sums.columns(0..<queries.count)
      memory.fill(o, 0)
      memory.fill(m, -.infinity)
      memory.fill(l, 0)
      for firstKey in tiles(attention.mask.reach(queriesEnd: queries.upperBound, keys: key.rows)) {
        let keys = firstKey..<min(firstKey + tile, key.rows)
        let s = scores.rows(0..<queries.count).columns(0..<keys.count)
        memory.tileProduct(
          s, q.plain, packedKey, depth: 0..<width, columns: keys, accumulate: false, room: room)  // Q Kᵀ
        memory.runningSoftmax(
          s, scale: scale, visible: attention.mask.visible(firstQuery: firstQuery, firstKey: firstKey), maxima: m,
          sums: l, shrink: shrinks.columns(0..<queries.count), output: o)
        if let dropout {
          memory.dropoutTile(
            s, sample: sample, firstElement: dropout.first(head: head, query: firstQuery, key: firstKey),
            rowElements: dropout.rowElements, dropout.mask)
        }
        memory.tileProduct(
          o, s.plain, packedValue, depth: keys, columns: 0..<width, accumulate: true, room: room)  // P V
      }
      memory.finishSoftmax(o, maxima: m, sums: l, logSums: logSums.columns(queries))
    }
  }
}

private struct Backward: ParallelWork {
  let attention: ScaledDotProductAttention
  let operands: ScaledDotProductAttention.Operands
  let dOutput: Slot
  let output: Slot
  let logSums: Slot
  let gradients: ScaledDotProductAttention.Operands
  let dropout: ScaledDotProductAttention.WeightDropout?
  let memory: Memory

  /// The heads of queries that share keys and values, one after the other: these get the gradients of all.
  func callAsFunction(_ part: Int, thread: Int) {
    let sample = part / attention.keyValueHeads, first = part % attention.keyValueHeads * attention.group
    for head in first..<first + attention.group { backward(sample, head, thread) }
  }

  private func backward(_ sample: Int, _ head: Int, _ thread: Int) {
    let tile = ScaledDotProductAttention.tile
    let (query, key, value) = operands.head(head, attention, sample: sample, in: memory)
    let (dQuery, dKey, dValue) = gradients.head(head, attention, sample: sample, in: memory)
    let width = query.columns, scale = 1 / Float(width).squareRoot()
    let first = sample * operands.queries.length
    let rows = first..<first + query.rows, channels = head * width..<(head + 1) * width
    let output = output.rows(rows).columns(channels), dOutput = dOutput.rows(rows).columns(channels)  // [T, D]
    let logSums = logSums.rows(sample * attention.heads + head..<sample * attention.heads + head + 1)  // [1, T]
    var scratch = memory.scratch(thread)
    let room = scratch.take(1, Memory.packingRoom(depth: max(tile, width, key.rows)))
    let turnedKey = pack(key.transposed), turnedValue = pack(value.transposed), packedKey = pack(key.plain)
    let ofQuery = scratch.take(1, Memory.packedCount(depth: tile, columns: width))
    let ofOutput = scratch.take(1, Memory.packedCount(depth: tile, columns: width))
    let weights = scratch.take(tile, tile), dWeights = scratch.take(tile, tile), deltas = scratch.take(1, tile)

    func pack(_ x: Operand) -> PackedFactor {
      memory.pack(x, into: scratch.take(1, Memory.packedCount(depth: x.rows, columns: x.columns)), room: room)
    }

    for firstQuery in tiles(query.rows) {
      let queries = firstQuery..<min(firstQuery + tile, query.rows)
      let q = query.rows(queries), dO = dOutput.rows(queries), delta = deltas.columns(0..<queries.count)
      memory.rowDots(delta, dO, output.rows(queries))  // Σ_s P dP = dO · O
      let packedQuery = memory.pack(q.plain, into: ofQuery, room: room)
      let packedOutput = memory.pack(dO.plain, into: ofOutput, room: room)
      let rows = 0..<queries.count, channels = 0..<width
      for firstKey in tiles(attention.mask.reach(queriesEnd: queries.upperBound, keys: key.rows)) {
        let keys = firstKey..<min(firstKey + tile, key.rows)
        let p = weights.rows(0..<queries.count).columns(0..<keys.count)
        let dP = dWeights.rows(0..<queries.count).columns(0..<keys.count)
        memory.tileProduct(
          p, q.plain, turnedKey, depth: channels, columns: keys, accumulate: false, room: room)  // Q Kᵀ
        memory.softmaxAgain(
          p, scale: scale, visible: attention.mask.visible(firstQuery: firstQuery, firstKey: firstKey),
          logSums: logSums.columns(queries))
        memory.tileProduct(
          dP, dO.plain, turnedValue, depth: channels, columns: keys, accumulate: false, room: room)  // dP = dO Vᵀ
        drop(dP, sample, head, firstQuery, firstKey)
        memory.softmaxBackward(dP, p, deltas: delta, scale: scale)  // dS = P (dP - δ) / √D
        drop(p, sample, head, firstQuery, firstKey)
        memory.tileProduct(
          dValue.rows(keys), p.transposed, packedOutput, depth: rows, columns: channels, accumulate: true,
          room: room)  // dV += Pᵀ dO
        memory.tileProduct(
          dKey.rows(keys), dP.transposed, packedQuery, depth: rows, columns: channels, accumulate: true,
          room: room)  // dK += dSᵀ Q
        memory.tileProduct(
          dQuery.rows(queries), dP.plain, packedKey, depth: keys, columns: channels, accumulate: true,
          room: room)  // dQ += dS K
      }
    }
  }

  private func drop(_ x: Slot, _ sample: Int, _ head: Int, _ firstQuery: Int, _ firstKey: Int) {
    guard let dropout else { return }
    memory.dropoutTile(
      x, sample: sample, firstElement: dropout.first(head: head, query: firstQuery, key: firstKey),
      rowElements: dropout.rowElements, dropout.mask)
  }
}
