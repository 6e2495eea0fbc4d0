// swift-tools-version: 6.2
import PackageDescription

// The rooms of the house, bottom up: a room imports only rooms above it in this list, and each that it names.
// CONTRIBUTING.md says what each of them holds. Folders have the short names; targets carry the prefix `MiniGPT`, since
// a client's graph of packages needs unique ones.

let swift: [SwiftSetting] = [
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

let rooms: [Target] = [
  room("SystemC"),
  room("Platform", "SystemC"),
  .target(name: "MiniGPTCKernels", path: "Sources/CKernels", cSettings: [.unsafeFlags(["-O3"])]),
  room("Storage", "SystemC", "Platform"),
  room("Parallel", "SystemC", "Platform", "CKernels"),
  room("Tokenization", "Platform", "Storage", "Parallel"),
  room("Counting", "SystemC", "Platform"),
  room("Tensors", "SystemC", "Platform", "CKernels", "Parallel"),
  room("Transformer", "Storage", "Parallel", "Tensors"),
  room("Datasets", "Platform", "Storage", "Parallel", "Tokenization", "Tensors", "Transformer"),
  room("Checkpoints", "Platform", "Storage", "Parallel", "Tokenization", "Tensors", "Transformer"),
  room("Interchange", "Platform", "Storage", "Tokenization", "Tensors", "Transformer", "Checkpoints"),
  room("Generation", "Parallel", "Tensors", "Transformer"),
  room(
    "Evaluation", "Platform", "Storage", "Tokenization", "Counting", "Tensors", "Transformer", "Datasets",
    "Generation"),
  room(
    "Training", "Platform", "Storage", "Parallel", "Tokenization", "Tensors", "Transformer", "Datasets", "Checkpoints",
    "Evaluation"),
  room(
    "Benchmarks", "Platform", "Parallel", "Tensors", "Transformer", "Datasets", "Checkpoints", "Generation", "Training"),
  room(
    "MiniGPT", "Platform", "Storage", "Parallel", "Tokenization", "Tensors", "Transformer", "Datasets", "Checkpoints",
    "Interchange", "Generation", "Evaluation", "Training", "Benchmarks"),
  room("CommandLineInterface", "SystemC", "Platform", "MiniGPT"),
]

let programs: [Target] = [
  .executableTarget(
    name: "minigpt", dependencies: [module("CommandLineInterface")], path: "Sources/minigpt", swiftSettings: swift),
  // A program on the library alone, as a stranger would write it.
  .executableTarget(
    name: "minigpt-example", dependencies: [module("MiniGPT")], path: "Examples", exclude: ["README.md"]),
]

let testTargets: [Target] = [
  .target(name: "MiniGPTAllocationCounter", path: "Tests/AllocationCounter"),
  .target(
    name: "MiniGPTTestSupport",
    dependencies: ["Storage", "Tokenization", "Tensors", "Transformer", "Checkpoints"].map(module),
    path: "Tests/TestSupport"),
  tests("Platform", "TestSupport"),
  tests("Storage", "TestSupport"),
  tests("Parallel"),
  tests("Tokenization", "Storage", "Parallel", "TestSupport"),
  tests("Counting"),
  tests("Tensors", "Parallel"),
  tests("Transformer", "Platform", "Storage", "Tensors", "Parallel", "TestSupport", "AllocationCounter"),
  tests(
    "Datasets", "Platform", "Storage", "Parallel", "Tensors", "Tokenization", "Transformer", "TestSupport",
    "AllocationCounter"),
  tests("Checkpoints", "Storage", "Parallel", "Tensors", "Tokenization", "Transformer", "TestSupport"),
  tests(
    "Interchange", "Storage", "Parallel", "Tensors", "Tokenization", "Transformer", "Checkpoints", "TestSupport"),
  tests(
    "Generation", "Platform", "Parallel", "Tensors", "Transformer", "Evaluation", "TestSupport", "AllocationCounter"),
  tests(
    "Evaluation", "Storage", "Parallel", "Tensors", "Tokenization", "Transformer", "Datasets", "TestSupport"),
  tests(
    "Training", "Platform", "Storage", "Parallel", "Tokenization", "Tensors", "Transformer", "Datasets", "Checkpoints",
    "TestSupport", "AllocationCounter"),
  tests("Benchmarks", "Parallel", "Tensors", "Transformer"),
  .testTarget(
    name: "LectureTests",
    dependencies: [
      "Storage", "Parallel", "Tokenization", "Tensors", "Transformer", "Datasets", "Checkpoints", "Generation",
      "Evaluation", "Training", "TestSupport",
    ].map(module)),
  .testTarget(name: "MiniGPTTests", dependencies: ["MiniGPT", "minigpt-example"]),
  .testTarget(
    name: "CommandLineTests",
    dependencies: ["minigpt"] + ["Storage", "Transformer", "Checkpoints", "TestSupport"].map(module)),
]

let package = Package(
  name: "minigpt",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "MiniGPT", targets: ["MiniGPT"]),
    .executable(name: "minigpt", targets: ["minigpt"]),
  ],
  targets: rooms + programs + testTargets
)

// `make test ROOM=Generation` builds and runs what that room's tests need, and not the other test targets.
if let room = Context.environment["MINIGPT_TEST_ROOM"], !room.isEmpty {
  let needed = closure(of: room + "Tests", in: package.targets)
  package.targets.removeAll { !needed.contains($0.name) }
  package.products.removeAll { !needed.contains($0.name) }
}

/// A folder of `Sources`, and the rooms that it imports.
func room(_ name: String, _ imports: String...) -> Target {
  .target(
    name: moduleName(name), dependencies: imports.map(module), path: "Sources/" + name, swiftSettings: swift)
}

/// The tests of a room; `others` are the rooms whose values they need to set it up.
func tests(_ name: String, _ others: String...) -> Target {
  .testTarget(name: name + "Tests", dependencies: ([name] + others).map(module))
}

func module(_ name: String) -> Target.Dependency { .init(stringLiteral: moduleName(name)) }

func moduleName(_ room: String) -> String { room == "MiniGPT" ? room : "MiniGPT" + room }

/// A target and all that it depends on.
func closure(of name: String, in targets: [Target]) -> Set<String> {
  guard let target = targets.first(where: { $0.name == name }) else { return [] }
  return target.dependencies.reduce(into: [name]) { all, dependency in
    if case .byNameItem(let name, _) = dependency { all.formUnion(closure(of: name, in: targets)) }
  }
}
