import MiniGPTDatasets
import MiniGPTParallel
import MiniGPTTensors
import MiniGPTTransformer
import Testing

@Suite struct TextWindowsTests {
  let batch = 4, context = 5

  private func makeMemory() -> (TextBatch.Places, Memory) {
    var plan = MemoryPlan()
    let places = TextBatch.plan(TextBatch.Capacity(windows: batch, length: context), in: &plan)
    return (places, Memory(plan, ParameterStorage(count: 0), on: .plain()))
  }

  private func rows(_ slot: IndexSlot, _ memory: Memory, length: Int? = nil) -> [[Int32]] {
    let length = length ?? context
    return (0..<slot.count / length).map { row in (0..<length).map { memory.index(slot, row * length + $0) } }
  }

  /// Windows drawn for a step, those of one of its batches; the ids of the text are their places.
  private func draw(
    _ tokens: TokenSequence, step: Int, turn: Int = 0, seed: UInt64 = 7, inBlocks: Bool = false
  ) -> [[Int32]] {
    let (places, memory) = makeMemory()
    let source = TextWindows(
      tokens, heldOut: nil, context: context, batchSize: batch, turns: 2, seed: seed, inBlocks: inBlocks)
    let sampled = source.fill(UpdatePlace(update: step, turn: turn, chunk: 0), into: places, in: memory)
    let windows = rows(sampled.batch.input.ids, memory)
    #expect(rows(sampled.batch.targets, memory) == windows.map { $0.map { $0 + 1 } })
    #expect(sampled.firstSample == turn * batch && sampled.predictions == batch * context)
    return windows
  }

  @Test func windowsAreStretchesOfTheText() throws {
    let tokens = try TokenSequence.of((0..<60).map { Int32($0) })
    var starts = Set<Int32>()
    for step in 0..<400 {
      for window in draw(tokens, step: step) {
        #expect(window == (0..<5).map { window[0] + $0 })
        starts.insert(window[0])
      }
    }
    // Every possible start occurs: the last window's last target is the last token.
    #expect(starts == Set(0..<55))
  }

  @Test func aTextOfOneWindowHasOne() throws {
    let tokens = try TokenSequence.of((0..<6).map { Int32($0) })
    #expect(draw(tokens, step: 3) == [[Int32]](repeating: [0, 1, 2, 3, 4], count: 4))
  }

  @Test func placesFollowFromSeedStepAndSample() throws {
    let tokens = try TokenSequence.of((0..<10_000).map { Int32($0) })
    let once = draw(tokens, step: 3)
    #expect(draw(tokens, step: 3) == once)
    #expect(draw(tokens, step: 4) != once)
    #expect(draw(tokens, step: 3, seed: 8) != once)
    // The second batch of an update continues the first: the sample counts within the whole update.
    let whole = TextWindows(tokens, heldOut: nil, context: context, batchSize: 2 * batch, turns: 1, seed: 7)
    var plan = MemoryPlan()
    let places = TextBatch.plan(whole.capacity, in: &plan)
    let memory = Memory(plan, ParameterStorage(count: 0), on: .plain())
    let eight = whole.fill(UpdatePlace(update: 3, turn: 0, chunk: 0), into: places, in: memory)
    #expect(rows(eight.batch.input.ids, memory) == once + draw(tokens, step: 3, turn: 1))
  }

  /// Blocks are numbered on over batches and updates: five of an epoch, then five of the next, in batches of four.
  @Test func blocksComeOneAfterAnother() throws {
    let tokens = try TokenSequence.of((0..<30).map { Int32($0) })
    let order = BlockOrder(count: 30, context: context, seed: 7)
    for step in 0..<20 {
      for turn in 0..<2 {
        let starts = draw(tokens, step: step, turn: turn, inBlocks: true).map { Int($0[0]) }
        #expect(starts == (0..<4).map { order.start(of: UInt(8 * step + 4 * turn + $0)) })
      }
    }
    let epoch = draw(tokens, step: 0, inBlocks: true) + draw(tokens, step: 0, turn: 1, inBlocks: true)[..<1]
    #expect(Set(epoch.map { $0[0] % 5 }).count == 1 && Set(epoch.map { $0[0] }).count == 5)
  }

  @Test func chunksAreTheBatch() throws {
    let tokens = try TokenSequence.of((0..<10_000).map { Int32($0) })
    let source = TextWindows(tokens, heldOut: nil, context: 1500, batchSize: 5, turns: 1, seed: 7)
    #expect(source.chunks == 3 && source.capacity.windows == 2)
    var plan = MemoryPlan()
    let places = TextBatch.plan(source.capacity, in: &plan)
    let memory = Memory(plan, ParameterStorage(count: 0), on: .plain())
    let sizes = (0..<3).map { chunk in
      let sampled = source.fill(UpdatePlace(update: 0, turn: 0, chunk: chunk), into: places, in: memory)
      #expect(sampled.firstSample == 2 * chunk)
      return sampled.batch.input.texts.count
    }
    #expect(sizes == [2, 2, 1])
  }

  @Test(arguments: [2, 5, 6, 7, 11, 20, 21, 22, 26, 41, 60]) func inOrderEachTokenButTheFirstIsPredictedOnce(count: Int)
    throws
  {
    let tokens = try TokenSequence.of((0..<count).map { Int32($0) }), (places, memory) = makeMemory()
    let heldOut = HeldOutText(tokens, TextBatch.Capacity(windows: batch, length: context))
    var predicted: [Int32] = []
    for index in 0..<heldOut.count {
      let filled = heldOut.fill(index, into: places, in: memory)
      let length = filled.input.texts.length
      // A short window alone is not filled up.
      #expect(length == (filled.input.texts.count > 1 ? context : min(context, count - 1 - index * batch * context)))
      let (inputRows, targetRows) = (
        rows(filled.input.ids, memory, length: length), rows(filled.targets, memory, length: length)
      )
      for (row, (inputs, targets)) in zip(inputRows, targetRows).enumerated() {
        for (t, target) in targets.enumerated() where target >= 0 {
          #expect(inputs[t] == target - 1)
          // It stands where its window begins at a multiple of the context.
          #expect(Int(inputs[t]) == (index * batch + row) * context + t)
          predicted.append(target)
        }
      }
    }
    #expect(predicted == (1..<count).map { Int32($0) })
  }

  @Test(arguments: [2, 5, 6, 7, 8, 11, 20, 21, 22, 60], [1, 2, 3, 4, 5])
  func overlappingEachTokenButTheFirstIsPredictedOnce(count: Int, stride: Int) throws {
    let tokens = try TokenSequence.of((0..<count).map { Int32($0) }), (places, memory) = makeMemory()
    let heldOut = HeldOutText(tokens, TextBatch.Capacity(windows: batch, length: context), stride: stride)
    var predicted: [Int32] = []
    for index in 0..<heldOut.count {
      let filled = heldOut.fill(index, into: places, in: memory), length = filled.input.texts.length
      for (row, inputs) in rows(filled.input.ids, memory, length: length).enumerated() {
        let window = index * batch + row
        #expect(Int(inputs[0]) == window * stride)
        for t in 0..<length {
          let target = memory.index(filled.targets, row * length + t)
          if target < 0 { continue }
          #expect(inputs[t] == target - 1 && (window == 0 || t >= context - stride))
          predicted.append(target)
        }
      }
    }
    #expect(predicted == (1..<count).map { Int32($0) })
  }
}
