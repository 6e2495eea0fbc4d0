package import MiniGPTTensors

/// The memory in which a model learns, or is evaluated, one batch at a time: taken before the first.
package struct TrainingWorkspace<Model: TrainableModel>: Sendable {
  package let memory: Memory
  package let activations: Model.Activations
  package let places: Model.Batch.Places

  /// Places for batches of at most some size; `parameters` are the model's own where they are given, else zeros.
  ///
  /// - Parameter plan: what is planned beside it: an optimizer's state.
  package init(
    _ model: Model, _ capacity: Model.Batch.Capacity, _ purpose: Purpose, _ parameters: ParameterStorage? = nil,
    beside plan: MemoryPlan = MemoryPlan(), on processor: Processor
  ) {
    var plan = plan
    (activations, places) = Self.plan(model, capacity, purpose, in: &plan)
    memory = Memory(plan, parameters ?? ParameterStorage(count: model.layout.count), on: processor)
    model.prepare(activations, in: memory)
  }

  /// Plans without taking anything.
  package static func plan(
    _ model: Model, _ capacity: Model.Batch.Capacity, _ purpose: Purpose, in plan: inout MemoryPlan
  ) -> (activations: Model.Activations, places: Model.Batch.Places) {
    if purpose.trains { plan.train() }
    return (model.plan(capacity, purpose, in: &plan), Model.Batch.plan(capacity, in: &plan))
  }
}
