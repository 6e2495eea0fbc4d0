internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

/// Where keys and values of one layer wait: for each sequence and head the values as rows `[capacity, D]`, and the keys as
/// packed weights `[D, capacity]`, panels of 32 places `[D, 32]`, so that all scores of a query are made side by side and
/// what is read lies together.
package struct CachedKeysValues: Sendable {
  package let sequences: Int
  package let heads: Int
  package let headWidth: Int
  package let capacity: Int
  private let keys: Slot
  private let values: Slot

  package init(sequences: Int, heads: Int, headWidth: Int, capacity: Int, in plan: inout MemoryPlan) {
    self.sequences = sequences
    self.heads = heads
    self.headWidth = headWidth
    self.capacity = capacity
    keys = plan.take(sequences * heads * Self.panels(capacity), headWidth * PackedMatrix.panel)
    values = plan.take(sequences * heads * capacity, headWidth)
  }

  /// Panels that hold so many places.
  static func panels(_ places: Int) -> Int { (places + PackedMatrix.panel - 1) / PackedMatrix.panel }

  /// The places in a memory, as long as somebody holds it.
  fileprivate func places(in memory: Memory) -> CachePlaces {
    unsafe CachePlaces(
      keys: memory.pointer(keys), values: memory.pointer(values), heads: heads, headWidth: headWidth,
      keysPerHead: Self.panels(capacity) * keys.stride, valuesPerHead: capacity * values.stride)
  }
}

@safe private struct CachePlaces {
  let keys: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>
  let heads: Int, headWidth: Int
  let keysPerHead: Int, valuesPerHead: Int

  /// Panels `[D, 32]`.
  func keys(_ sequence: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
    unsafe keys + (sequence * heads + head) * keysPerHead
  }

  /// Rows `[D]`.
  func values(_ sequence: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
    unsafe values + (sequence * heads + head) * valuesPerHead
  }
}

extension Memory {
  /// Floats of scratch that a thread needs for `attendCached`.
  package static func cachedAttentionScratch(capacity: Int) -> Int { (capacity + 15) / 16 * 16 }

  /// Puts row i of k and v `[N, C]` at place `places[i]` of sequence `sequences[i]`.
  package func append(
    _ k: Slot, _ v: Slot, to cache: CachedKeysValues, sequences: IndexSlot, places: IndexSlot
  ) {
    check(
      k.rows == v.rows && sequences.count == k.rows && places.count == k.rows
        && k.columns == cache.heads * cache.headWidth && v.columns == k.columns, "\(k) and \(v) into a cache")
    for row in 0..<k.rows {
      let sequence = unsafe Int(pointer(sequences)[row]), place = unsafe Int(pointer(places)[row])
      check(
        sequence >= 0 && sequence < cache.sequences && place >= 0 && place < cache.capacity,
        "place \(place) of sequence \(sequence) in a cache of \(cache.sequences) × \(cache.capacity)")
    }
    let work = unsafe AppendWork(
      k: pointer(k), kRow: k.stride, v: pointer(v), vRow: v.stride, rows: k.rows, cache: cache.places(in: self),
      sequences: pointer(sequences), places: pointer(places))
    // A row is done sooner than another thread would begin.
    if k.rows == 1 { for head in 0..<cache.heads { work(head, thread: 0) } } else { pool.run(cache.heads, work) }
  }

  /// out[i] = softmax(q[i] kᵀ / √D) v, each head for itself, over the first `counts[i]` places of sequence
  /// `sequences[i]`; q, out `[N, H·D]`, where as many heads as are cached, or a multiple of that: neighbours share one.
  ///
  /// A row's bits depend on its query and on those places alone.
  package func attendCached(
    _ out: Slot, _ q: Slot, _ cache: CachedKeysValues, sequences: IndexSlot, counts: IndexSlot
  ) {
    check(
      out.rows == q.rows && out.columns == q.columns && q.columns % (cache.heads * cache.headWidth) == 0
        && sequences.count == q.rows && counts.count == q.rows, "\(q) over a cache into \(out)")
    for row in 0..<q.rows {
      let sequence = unsafe pointer(sequences)[row], count = unsafe pointer(counts)[row]
      check(
        sequence >= 0 && Int(sequence) < cache.sequences && count > 0 && Int(count) <= cache.capacity,
        "\(count) places of sequence \(sequence) in a cache of \(cache.sequences) × \(cache.capacity)")
    }
    let heads = q.columns / cache.headWidth
    pool.run(
      q.rows * heads,
      unsafe AttendWork(
        out: pointer(out), outRow: out.stride, q: pointer(q), qRow: q.stride, rows: q.rows,
        group: heads / cache.heads,
        cache: cache.places(in: self), sequences: pointer(sequences), counts: pointer(counts), kernels: kernels,
        scratch: scratch(ofFloats: Self.cachedAttentionScratch(capacity: cache.capacity))))
  }

  /// Makes the first `count` places of a sequence those of another.
  package func copy(_ cache: CachedKeysValues, from source: Int, to target: Int, count: Int) {
    check(
      source >= 0 && target >= 0 && max(source, target) < cache.sequences && count <= cache.capacity,
      "sequence \(source) to \(target), \(count) places")
    if source == target { return }
    let places = cache.places(in: self)
    for head in 0..<cache.heads {
      unsafe places.keys(target, head).update(
        from: places.keys(source, head),
        count: CachedKeysValues.panels(count) * PackedMatrix.panel * cache.headWidth)
      unsafe places.values(target, head).update(from: places.values(source, head), count: count * cache.headWidth)
    }
  }
}

/// A head's part of all rows. Each number of a key goes to a line of its own, far from the others.
@safe private struct AppendWork: ParallelWork {
  let k: UnsafeMutablePointer<Float>, kRow: Int
  let v: UnsafeMutablePointer<Float>, vRow: Int
  let rows: Int
  let cache: CachePlaces
  let sequences: UnsafeMutablePointer<Int32>, places: UnsafeMutablePointer<Int32>

  func callAsFunction(_ head: Int, thread: Int) {
    let width = cache.headWidth, panel = PackedMatrix.panel
    for row in 0..<rows {
      let sequence = unsafe Int(sequences[row]), place = unsafe Int(places[row])
      let column = unsafe cache.keys(sequence, head) + place / panel * width * panel + place % panel
      let line = unsafe k + row * kRow + head * width
      for i in 0..<width { unsafe column[i * panel] = line[i] }
      unsafe (cache.values(sequence, head) + place * width).update(from: v + row * vRow + head * width, count: width)
    }
  }
}

@safe private struct AttendWork: ParallelWork {
  let out: UnsafeMutablePointer<Float>, outRow: Int
  let q: UnsafeMutablePointer<Float>, qRow: Int
  let rows: Int
  /// Heads of queries that share one of the cache.
  let group: Int
  let cache: CachePlaces
  let sequences: UnsafeMutablePointer<Int32>, counts: UnsafeMutablePointer<Int32>
  let kernels: Kernels
  let scratch: ThreadScratch

  /// Head by head, so that a head's keys and values serve all rows while they are near.
  func callAsFunction(_ part: Int, thread: Int) {
    let head = part / rows, row = part % rows, width = cache.headWidth
    let sequence = unsafe Int(sequences[row]), count = unsafe Int(counts[row])
    let scores = unsafe scratch.pointer(thread)  // [count]
    let query = unsafe q + row * qRow + head * width, result = unsafe out + row * outRow + head * width
    let table = unsafe kernels.table, products = unsafe kernels.decoding
    unsafe products.pointee.product_fp32(
      1, count, width, query, width, cache.keys(sequence, head / group), scores, count)
    let scale = 1 / Float(width).squareRoot()
    let sum = unsafe table.pointee.exponentials(scores, count, scale, scale * table.pointee.maximum(scores, count))
    unsafe products.pointee.rows_product(
      1, width, count, scores, count, cache.values(sequence, head / group), width, result, width)
    unsafe table.pointee.scale(result, 1 / sum, width)
  }
}
