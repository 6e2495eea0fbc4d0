package import MiniGPTTensors

/// The memory in which a model learns, or is evaluated, one batch at a time: taken before the first.
package struct TrainingWorkspace<Model: TrainableModel>: Sendable {
  package let memory: Memory
  package let activations: Model.Activations
  package let places: Model.Batch.Places

  /// Places for batches of at most some size, `parameters` being a model's own.
  package init(
    _ model: Model, _ capacity: Model.Batch.Capacity, _ purpose: Purpose, _ parameters: ParameterStorage,
    on processor: Processor
  ) {
    let plan: MemoryPlan
    (plan, activations, places) = Self.plan(model, capacity, purpose)
    memory = Memory(plan, parameters, on: processor)
    model.prepare(activations, in: memory)
  }

  /// Plans without taking anything.
  package static func plan(
    _ model: Model, _ capacity: Model.Batch.Capacity, _ purpose: Purpose
  ) -> (plan: MemoryPlan, activations: Model.Activations, places: Model.Batch.Places) {
    var plan = MemoryPlan(trains: purpose.trains)
    let activations = model.plan(capacity, purpose, in: &plan), places = Model.Batch.plan(capacity, in: &plan)
    return (plan, activations, places)
  }
}
