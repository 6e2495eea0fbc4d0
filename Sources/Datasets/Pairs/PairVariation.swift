internal import MiniGPTPlatform
internal import MiniGPTTensors
package import MiniGPTTokenization
package import MiniGPTTransformer

/// The words of pairs, cut in another way each time that they are taken: BPE-dropout, for training alone.
///
/// How a pair is cut depends on the seed, its number and the epoch, on nothing else.
package struct PairVariation {
  private let pairs: SentencePairs
  private let encoded: EncodedPairs
  /// Tokens of a side, `</s>` included, at most.
  private let places: Int
  private let stream: RandomStream
  private var encoder: VaryingEncoder
  // The batch that was cut last: both sides of one pair after the other.
  private var ids: [Int32] = []
  private var sides: [Range<Int>] = []

  /// - Parameters:
  ///   - encoded: the same pairs, as they are where nothing is left out.
  ///   - probability: of leaving out a merge.
  package init(
    _ pairs: SentencePairs, _ encoded: EncodedPairs, _ tokenizer: BytePairTokenizer, probability: Double, places: Int,
    seed: UInt64
  ) {
    self.pairs = pairs
    self.encoded = encoded
    self.places = places
    stream = RandomStream(seed: seed, .merges)
    encoder = VaryingEncoder(tokenizer, probability: probability)
  }

  /// Cuts the pairs of a batch. One whose side has no place in the model, or in the rows that a batch may have, stays as
  /// it is.
  package mutating func cut(
    _ batch: PairBatches.Batch, _ batches: PairBatches, within capacity: SentenceBatch.Capacity
  ) {
    ids.removeAll(keepingCapacity: true)
    sides.removeAll(keepingCapacity: true)
    let all = batch.count * batches.copies
    let longest = min(places, capacity.sourceRows / all, capacity.targetRows / all)
    for place in batches.order[batch.range] {
      let start = ids.count, texts = pairs.texts(Int(encoded.numbers[Int(place)]))
      for (side, text) in [texts.source, texts.target].enumerated() {
        let words = stream.words(Int(encoded.numbers[Int(place)]), sample: side, step: batches.epoch), first = ids.count
        let number = UInt64(words[0]) << 32 | UInt64(words[1])
        text.read(0..<text.count) { bytes in
          do throws(TokenizerError) { try encoder.encode(bytes, number, into: &ids) } catch { fail("\(error)") }
        }
        sides.append(first..<ids.count)
      }
      if sides.suffix(2).contains(where: { $0.count + 1 > longest }) { takeWhole(place, start) }
    }
  }

  private mutating func takeWhole(_ place: Int32, _ start: Int) {
    ids.removeLast(ids.count - start)
    sides.removeLast(2)
    encoded.read(Int(place)) { source, target in
      take(source)
      take(target)
    }
  }

  private mutating func take(_ side: Span<Int32>) {
    let first = ids.count
    for index in side.indices { ids.append(side[index]) }
    sides.append(first..<ids.count)
  }

  /// Hands out the ids of both sides of a pair of the batch.
  func read<Result>(_ index: Int, _ body: (_ source: Span<Int32>, _ target: Span<Int32>) -> Result) -> Result {
    let span = ids.span
    return body(span.extracting(sides[2 * index]), span.extracting(sides[2 * index + 1]))
  }
}
