internal import MiniGPTPlatform
internal import Synchronization

internal import MiniGPTSystemC

/// Runs work that takes long on a thread of its own, so that none of those that tasks share is held up; where the system
/// gives no thread, on the caller's.
package enum BackgroundThread {
  package static func start(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t(bitPattern: 0)
    let box = unsafe Unmanaged.passRetained(Box(body: body))
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    if status == 0 {
      pthread_detach(thread)
    } else {
      unsafe box.takeRetainedValue().body()
    }
  }

  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(body: @escaping @Sendable () -> Void) { self.body = body }
  }
}

/// Set once, by any thread, and read by any.
package final class StopFlag: Sendable {
  private let value = Atomic<Bool>(false)

  package init() {}
  package func set() { value.store(true, ordering: .releasing) }
  package var isSet: Bool { value.load(ordering: .acquiring) }
}
