import MiniGPTTensors
import Testing

@Suite struct SlotTests {
  let slot = Slot(.activations, offset: 10, rows: 4, columns: 5, stride: 8)

  @Test func placesAreCounted() {
    #expect(slot.count == 20 && slot.end == 10 + 3 * 8 + 5 && !slot.isContiguous)
    #expect(Slot(.scratch, offset: 7, rows: 3, columns: 6).end == 25)
    #expect(Slot(.scratch, offset: 7, rows: 0, columns: 6, stride: 9).end == 7)
    #expect(Slot(.scratch, offset: 7, rows: 3, columns: 0, stride: 9).end == 7)
    #expect(Slot(.scratch, offset: 7, rows: 1, columns: 6, stride: 9).isContiguous)
  }

  @Test func partsAreViews() {
    #expect(slot.rows(1..<3) == Slot(.activations, offset: 18, rows: 2, columns: 5, stride: 8))
    #expect(slot.columns(2..<5) == Slot(.activations, offset: 12, rows: 4, columns: 3, stride: 8))
    #expect(slot.rows(4..<4).count == 0 && slot.columns(0..<0).count == 0)
    #expect(slot.shaped(2, 3) == Slot(.activations, offset: 10, rows: 2, columns: 3))
    #expect(slot.at(.gradients) == Slot(.gradients, offset: 10, rows: 4, columns: 5, stride: 8))
    #expect(slot.transposed.rows == 5 && slot.transposed.columns == 4)
    #expect(slot.plain.rows == 4 && slot.plain.columns == 5)
    #expect(IndexSlot(offset: 3, count: 9).range(2..<6) == IndexSlot(offset: 5, count: 4))
  }

  @Test func aSlotNamesItself() {
    #expect("\(slot)" == "activations[4, 5] at 10, stride 8")
    #expect("\(slot.shaped(2, 3))" == "activations[2, 3] at 10")
  }

  @Test func thePlannerHandsOutAlignedPlaces() {
    var plan = MemoryPlan()
    let first = plan.take(3, 5), second = plan.take(1, 1), empty = plan.take(0, 7), third = plan.take(2, 8)
    #expect([first, second, empty, third].map(\.offset) == [0, 16, 32, 32])
    #expect(plan.activations == 48)
    var later = MemoryPlan(activations: plan.activations)
    #expect(later.take(1, 17).offset == 48 && later.activations == 80)
    #expect(plan.takeIndices(3) == IndexSlot(offset: 0, count: 3))
    #expect(plan.takeIndices(2) == IndexSlot(offset: 3, count: 2) && plan.indices == 5)
    plan.needScratch(7)
    plan.needScratch(5)
    #expect(plan.scratch == 7 && plan.byteCount(parameters: 10) == 4 * (10 + 48 + 5))
    plan.train()
    #expect(plan.byteCount(parameters: 10) == 4 * (20 + 48 + 5))
    let states = (0..<2).map { _ in plan.takeState(like: Slot(.parameters, offset: 3, rows: 2, columns: 5)) }
    #expect(
      states == [0, 16].map { Slot(.optimizer, offset: $0, rows: 2, columns: 5) } && plan.optimizer == 32)
    #expect(plan.byteCount(parameters: 10) == 4 * (20 + 32 + 48 + 5))
  }

  @Test func usesOfDifferentTimesShareTheirPlaces() {
    var plan = MemoryPlan()
    _ = plan.take(1, 3)
    let (small, large) = plan.overlay({ $0.take(1, 5) }, { [$0.take(1, 17), $0.take(1, 1)] })
    #expect(small.offset == 16 && large.map(\.offset) == [16, 48] && plan.activations == 64)
    #expect(plan.take(1, 1).offset == 64)
  }

  @Test func partsThatAreNotThereAreOurMistake() async {
    let rows = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Slot(.activations, offset: 0, rows: 4, columns: 5).rows(2..<5)
    }
    #expect(errorText(rows).contains("rows 2..<5 of activations[4, 5] at 0"))
    let columns = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Slot(.activations, offset: 0, rows: 4, columns: 5).columns(-1..<2)
    }
    #expect(errorText(columns).contains("columns -1..<2 of activations[4, 5] at 0"))
    let shape = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Slot(.activations, offset: 0, rows: 4, columns: 5).shaped(3, 7)
    }
    #expect(errorText(shape).contains("[3, 7] in the place of activations[4, 5] at 0"))
  }
}
