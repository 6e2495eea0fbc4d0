// swift-tools-version: 6.2
import PackageDescription

// The rooms of the house, bottom up: a target imports only targets above it in this list.
// CONTRIBUTING.md says what each of them holds.

let swift: [SwiftSetting] = [
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
  name: "minigpt",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "MiniGPT", targets: ["MiniGPT"]),
    .executable(name: "minigpt", targets: ["minigpt"]),
  ],
  targets: [
    room("Platform", imports: []),
    .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])]),
    room("Storage", imports: ["Platform"]),
    room("Parallel", imports: ["Platform", "CKernels"]),
    room("Tokenization", imports: ["Platform", "Storage", "Parallel"]),
    room("Counting", imports: ["Platform"]),
    room("Tensors", imports: ["Platform", "CKernels", "Parallel"]),
    room("Transformer", imports: ["Platform", "Parallel", "Tensors"]),
    room("Datasets", imports: ["Platform", "Storage", "Parallel", "Tensors", "Tokenization"]),
    room("Checkpoints", imports: ["Platform", "Storage", "Parallel", "Tensors", "Tokenization", "Transformer"]),
    room(
      "Generation",
      imports: [
        "Platform", "Storage", "Parallel", "Tensors", "Tokenization", "Transformer",
        "Datasets", "Checkpoints",
      ]),
    room(
      "Training",
      imports: [
        "Platform", "Storage", "Parallel", "Counting", "Tensors", "Tokenization", "Transformer",
        "Datasets", "Checkpoints", "Generation",
      ]),
    room(
      "MiniGPT",
      imports: [
        "Platform", "Storage", "Parallel", "Tensors", "Tokenization", "Transformer",
        "Datasets", "Checkpoints", "Generation", "Training",
      ]),
    room("CommandLineInterface", imports: ["MiniGPT", "Platform"]),
    .executableTarget(name: "minigpt", dependencies: ["CommandLineInterface"], swiftSettings: swift),

    // A program on the library alone, as a stranger would write it.
    .executableTarget(name: "example", dependencies: ["MiniGPT"], path: "Examples", exclude: ["README.md"]),

    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .target(name: "TestSupport", dependencies: ["Storage", "Tensors", "Transformer"], path: "Tests/TestSupport"),
    tests("Platform"),
    tests("Storage", "Platform", "TestSupport"),
    tests("Parallel", "CKernels"),
    tests("Tokenization", "Storage", "Parallel", "TestSupport"),
    tests("Counting"),
    tests("Tensors", "CKernels", "Parallel"),
    tests("Transformer", "Platform", "Tensors", "Parallel", "TestSupport", "AllocationCounter"),
    tests("Datasets", "Storage", "Parallel", "Tensors", "Tokenization", "TestSupport"),
    tests("Checkpoints", "Platform", "Storage", "Parallel", "Tensors", "Tokenization", "Transformer", "TestSupport"),
    tests(
      "Generation", "Platform", "Storage", "Parallel", "Tensors", "Tokenization", "Transformer", "TestSupport",
      "AllocationCounter"),
    tests(
      "Training", "Platform", "Storage", "Parallel", "Tokenization", "Tensors", "Transformer", "Datasets",
      "Checkpoints", "TestSupport", "AllocationCounter"),
    .testTarget(
      name: "LectureTests",
      dependencies: [
        "Storage", "Parallel", "Tokenization", "Counting", "Tensors", "Transformer", "Datasets", "Checkpoints",
        "Generation", "Training", "TestSupport",
      ]),
    .testTarget(name: "MiniGPTTests", dependencies: ["MiniGPT", "example"]),
    .testTarget(name: "CommandLineTests", dependencies: ["minigpt"]),
  ]
)

/// The tests of a room; `others` are the rooms whose values they need to set it up.
func tests(_ name: String, _ others: Target.Dependency...) -> Target {
  .testTarget(name: name + "Tests", dependencies: [.init(stringLiteral: name)] + others)
}

func room(_ name: String, imports: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: imports, swiftSettings: swift)
}
