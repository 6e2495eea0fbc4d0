import Foundation
import MiniGPTTestSupport
import Testing

/// What a run of the built program left behind.
struct Run: Sendable {
  let status: Int32
  /// The signal that killed it, or 0.
  let signal: Int32
  let output: [UInt8]
  let error: [UInt8]

  var outputText: String { String(decoding: output, as: UTF8.self) }
  var errorText: String { String(decoding: error, as: UTF8.self) }

  /// The program beside the test bundle: the very one that is shipped.
  static let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appendingPathComponent("minigpt").path

  /// Runs minigpt to its end, in `folder` or an empty one.
  @discardableResult
  init(
    _ arguments: [String], input: [UInt8] = [], folder: String? = nil, environment: [String: String] = [:]
  ) throws {
    try self.init(
      program: Self.program, arguments, input: input, folder: folder ?? Scratch.empty, environment: environment)
  }

  init(
    program: String, _ arguments: [String], input: [UInt8] = [], folder: String, environment: [String: String] = [:]
  ) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    var variables = ProcessInfo.processInfo.environment
    for name in ["COLUMNS", "NO_COLOR", "MINIGPT_ISA", "LD_PRELOAD"] { variables[name] = nil }
    process.environment = variables.merging(environment) { $1 }
    // Files instead of pipes: nobody waits for anybody.
    let scratch = try Scratch()
    let names = ["in", "out", "err"].map { scratch.path($0) }
    try Data(input).write(to: URL(fileURLWithPath: names[0]))
    for name in names[1...] { try Data().write(to: URL(fileURLWithPath: name)) }
    let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: names[0]))
    let output = try FileHandle(forWritingTo: URL(fileURLWithPath: names[1]))
    let error = try FileHandle(forWritingTo: URL(fileURLWithPath: names[2]))
    process.standardInput = input
    process.standardOutput = output
    process.standardError = error
    try process.run()
    process.waitUntilExit()
    status = process.terminationStatus
    signal = process.terminationReason == .uncaughtSignal ? process.terminationStatus : 0
    self.output = try Array(Data(contentsOf: URL(fileURLWithPath: names[1])))
    self.error = try Array(Data(contentsOf: URL(fileURLWithPath: names[2])))
  }

  /// Runs a line of a POSIX shell in which `$minigpt` is the program.
  static func shell(_ line: String, folder: String? = nil, shell: String = "/bin/sh") throws -> Run {
    try Run(
      program: shell, ["-c", line], folder: folder ?? Scratch.empty, environment: ["minigpt": Self.program])
  }

  /// Where a program that the README does not ask for is installed, as `PATH` has it.
  static func path(of program: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static func finds(_ program: String) -> Bool { path(of: program) != nil }

  /// Expects the command to be refused with one line on stderr and nothing on stdout.
  func expectRefusal(_ status: Int32, _ message: String, _ location: SourceLocation = #_sourceLocation) {
    #expect(errorText == "minigpt: " + message + "\n", sourceLocation: location)
    #expect(outputText == "", sourceLocation: location)
    #expect(self.status == status && signal == 0, sourceLocation: location)
  }
}

/// A folder that goes away with the value.
final class Scratch: Sendable {
  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "minigpt-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    return path(name)
  }

  func read(_ name: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: path(name)))) }

  /// A folder in which nothing is.
  static let empty: String = {
    let folder = NSTemporaryDirectory() + "minigpt-empty-" + UUID().uuidString
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }()
}

#if os(Linux)
  extension PseudoTerminal {
    /// Starts minigpt with this terminal as its input, its messages and, unless another is given, its output.
    func start(
      _ arguments: [String], folder: String, environment: [String: String] = [:], output: Pipe? = nil
    ) throws -> Process {
      let process = Process(), handle = FileHandle(fileDescriptor: terminal, closeOnDealloc: false)
      process.executableURL = URL(fileURLWithPath: Run.program)
      process.arguments = arguments
      process.currentDirectoryURL = URL(fileURLWithPath: folder)
      var variables = ProcessInfo.processInfo.environment
      for name in ["COLUMNS", "LINES"] { variables[name] = nil }
      process.environment = variables.merging(["TERM": "xterm"]) { $1 }.merging(environment) { $1 }
      (process.standardInput, process.standardError) = (handle, handle)
      process.standardOutput = output ?? handle
      try process.run()
      return process
    }
  }
#endif
