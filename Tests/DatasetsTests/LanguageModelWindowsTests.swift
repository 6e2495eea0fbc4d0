import MiniGPTDatasets
import MiniGPTParallel
import MiniGPTTensors
import Testing

@Suite struct LanguageModelWindowsTests {
  let batch = 4, context = 5

  private func makeMemory() -> Memory {
    Memory(
      parameters: ParameterStorage(count: 0), trains: false, activations: 0, indices: 2 * batch * context, scratch: 0,
      pool: WorkerPool(threads: 1), kernels: .portable)
  }

  private var ids: IndexSlot { IndexSlot(offset: 0, count: batch * context) }
  private var targets: IndexSlot { IndexSlot(offset: batch * context, count: batch * context) }

  private func rows(_ slot: IndexSlot, _ memory: Memory) -> [[Int32]] {
    (0..<batch).map { row in (0..<context).map { memory.index(slot, row * context + $0) } }
  }

  /// Windows drawn for a step; the ids of the text are their places.
  private func draw(_ tokens: TokenSequence, step: Int, firstSample: Int = 0, seed: UInt64 = 7) -> [[Int32]] {
    let memory = makeMemory()
    LanguageModelWindows.fill(
      ids, targets, from: tokens, context: context, seed: seed, step: step, firstSample: firstSample, in: memory)
    let windows = rows(ids, memory)
    #expect(rows(targets, memory) == windows.map { $0.map { $0 + 1 } })
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
    #expect(draw(tokens, step: 3, firstSample: 2)[0..<2] == once[2..<4])
  }

  @Test(arguments: [2, 5, 6, 7, 11, 20, 21, 22, 26, 41, 60]) func inOrderEachTokenButTheFirstIsPredictedOnce(count: Int)
    throws
  {
    let tokens = try TokenSequence.of((0..<count).map { Int32($0) }), memory = makeMemory()
    var predicted: [Int32] = [], first = 0
    while first * context < count - 1 {
      let filled = LanguageModelWindows.fillInOrder(
        ids, targets, from: tokens, context: context, first: first, in: memory)
      let inputs = rows(ids, memory), outputs = rows(targets, memory)
      for row in 0..<batch {
        for t in 0..<context {
          let target = outputs[row][t]
          #expect((row < filled) || target == -1)
          if target < 0 { continue }
          #expect(inputs[row][t] == target - 1)
          // It stands where its window begins at a multiple of the context.
          #expect(Int(inputs[row][t]) == (first + row) * context + t)
          predicted.append(target)
        }
      }
      first += filled
    }
    #expect(predicted == (1..<count).map { Int32($0) })
    #expect(first == (count - 1 + context - 1) / context)
  }
}
