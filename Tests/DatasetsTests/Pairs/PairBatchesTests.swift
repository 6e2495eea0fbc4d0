import MiniGPTDatasets
import MiniGPTParallel
import MiniGPTTensors
import MiniGPTTransformer
import MiniGPTTestSupport
import Testing
import MiniGPTTokenization

@Suite struct PairBatchesTests {
  /// Pairs of byte tokens: sources of 1 to 9, targets of 1 to 14.
  private func encoded(_ count: Int) throws -> EncodedPairs {
    let folder = try Folder()
    let lines = (0..<count).map {
      String(repeating: "s", count: $0 * 7 % 9 + 1) + "\t" + String(repeating: "t", count: $0 * 5 % 14 + 1)
    }
    let pairs = try SentencePairs([folder.write("pairs.tsv", lines.joined(separator: "\n"))])
    return try EncodedPairs.encode(
      pairs, (0..<count).map { Int32($0) }, ByteTokenizer(), places: 100, pool: WorkerPool(threads: 1))
  }

  /// The pairs of an epoch's batches, in the order in which they are taken.
  private func epoch(_ batches: inout PairBatches, _ pairs: EncodedPairs) -> [[Int32]] {
    var all: [[Int32]] = []
    repeat {
      let batch = batches.take(), members = Array(batches.order[batch.range])
      #expect(members.map { pairs.sourceCounts[Int($0)] + 1 }.max() == Int32(batch.sourceLength))
      #expect(members.map { pairs.targetCounts[Int($0)] + 1 }.max() == Int32(batch.targetLength))
      #expect(batch.count == 1 || batch.count * max(batch.sourceLength, batch.targetLength) <= batches.tokens)
      all.append(members)
    } while batches.next < batches.batches.count
    return all
  }

  @Test func everyEpochHasEveryPairOnce() throws {
    let pairs = try encoded(3000)
    var batches = PairBatches(pairs, tokens: 30, seed: 3)
    var orders: [[[Int32]]] = []
    for number in 0..<3 {
      let members = epoch(&batches, pairs)
      #expect(members.flatMap { $0 }.sorted() == (0..<3000).map { Int32($0) })
      #expect(batches.epoch == number)
      orders.append(members)
    }
    #expect(orders[0] != orders[1] && orders[1] != orders[2])
    // Others sit beside a pair the next time.
    let neighbours = orders.map { epoch in epoch.first { $0.contains(0) }.map(Set.init) }
    #expect(neighbours[0] != neighbours[1])
    // Long ones come between short ones.
    let lengths = orders[0].map { $0.count }
    #expect(lengths != lengths.sorted() && lengths != lengths.sorted(by: >))
  }

  @Test func littleOfABatchIsPadding() throws {
    let pairs = try encoded(2000)
    let batches = PairBatches(pairs, tokens: 256, seed: 3)
    let target = batches.batches.reduce(0) { $0 + $1.count * $1.targetLength }
    let source = batches.batches.reduce(0) { $0 + $1.count * $1.sourceLength }
    #expect(target < pairs.targetTokens * 108 / 100)
    #expect(source < pairs.sourceTokens * 125 / 100)
  }

  @Test func theOrderComesAgain() throws {
    let pairs = try encoded(300)
    var all = PairBatches(pairs, tokens: 50, seed: 9), taken: [(PairBatches.Batch, [Int32])] = []
    for _ in 0..<200 {
      let batch = all.take()
      taken.append((batch, Array(all.order[batch.range])))
    }
    #expect(all.epoch >= 2)
    for start in [0, 1, 57, all.batches.count, 150, 199] {
      var resumed = PairBatches(pairs, tokens: 50, seed: 9)
      resumed.seek(start)
      let batch = resumed.take()
      #expect(batch == taken[start].0 && Array(resumed.order[batch.range]) == taken[start].1)
    }
    var other = PairBatches(pairs, tokens: 50, seed: 10)
    #expect(other.take() != taken[0].0 || other.order != all.order)
  }

  @Test func evaluationGoesFromShortToLong() throws {
    let pairs = try encoded(300)
    var batches = PairBatches(pairs, tokens: 50, seed: nil), last = 0
    let first = batches.batches
    for _ in first.indices {
      let batch = batches.take()
      #expect(batch.targetLength >= last)
      last = batch.targetLength
    }
    _ = batches.take()
    #expect(batches.batches == first)
  }

  @Test func aPairLongerThanABatchStandsAlone() throws {
    let pairs = try encoded(20)
    let batches = PairBatches(pairs, tokens: 4, seed: 1)
    #expect(batches.batches.contains { $0.targetLength > 4 } && batches.batches.allSatisfy { $0.count <= 2 })
    #expect(batches.batches.reduce(0) { $0 + $1.count } == 20)
  }

  @Test(arguments: [1, 2]) func batchesFitTheirCapacity(copies: Int) throws {
    let pairs = try encoded(1000)
    for tokens in [4, 30, 200, 100_000] {
      var batches = PairBatches(pairs, tokens: tokens, copies: copies, seed: 5)
      let capacity = batches.capacity
      for _ in 0..<2 * batches.batches.count {
        let batch = batches.take(), rows = copies * batch.count
        #expect(rows <= capacity.pairs && rows * batch.sourceLength <= capacity.sourceRows)
        #expect(rows * batch.targetLength <= capacity.targetRows)
        #expect(batch.count == 1 || rows * max(batch.sourceLength, batch.targetLength) <= tokens)
      }
    }
  }

  /// As they are, twice, and backwards.
  @Test(arguments: [1, 2], [false, true]) func rowsAreTheSentences(copies: Int, isBackwards: Bool) throws {
    let pairs = try encoded(60)
    var batches = PairBatches(pairs, tokens: 60, copies: copies, seed: 5)
    var plan = MemoryPlan()
    let places = SentenceBatch.plan(batches.capacity.joined(batches.capacity.backwards), in: &plan)
    let memory = Memory(plan, ParameterStorage(count: 0), on: .plain())
    func row(_ slot: IndexSlot, _ row: Int, _ length: Int) -> [Int32] {
      (0..<length).map { memory.index(slot, row * length + $0) }
    }
    for _ in batches.batches.indices {
      let batch = batches.take(), rows = PairRows(batch, batches, isBackwards: isBackwards)
      let filled = rows.fill(places, padding: 99, in: memory)
      let s = isBackwards ? batch.targetLength : batch.sourceLength
      let t = isBackwards ? batch.sourceLength : batch.targetLength
      #expect(filled.source.texts.length == s && filled.input.texts.length == t)
      #expect(filled.source.texts.count == copies * batch.count && filled.copiesApart == (copies == 2 ? t : nil))
      var tokens = 0
      for place in 0..<copies * batch.count {
        let pair = Int(batches.order[batch.range.lowerBound + place / copies])
        let (source, target) =
          isBackwards ? (pairs.target(pair), pairs.source(pair)) : (pairs.source(pair), pairs.target(pair))
        func padded(_ ids: [Int32], _ length: Int, _ id: Int32) -> [Int32] {
          ids + Array(repeating: id, count: length - ids.count)
        }
        #expect(row(filled.source.ids, place, s) == padded(source + [0], s, 99))
        #expect(row(filled.input.ids, place, t) == padded([99] + target, t, 99))
        #expect(row(filled.targets, place, t) == padded(target + [0], t, -1))
        #expect(filled.source.texts.length(of: place, in: memory) == source.count + 1)
        #expect(filled.input.texts.length(of: place, in: memory) == target.count + 1)
        tokens += target.count + 1
      }
      #expect(rows.predictions == tokens)
    }
  }
}
