internal import MiniGPT
internal import MiniGPTPlatform

internal import MiniGPTSystemC

/// The program `minigpt`: finds the command, runs it, and says in one line what went wrong.
public enum Program {
  static let version = "0.1.0"

  static let commands: [any Command.Type] = [
    TrainCommand.self,
    SampleCommand.self,
    TranslateCommand.self,
    ReplCommand.self,
    EvalCommand.self,
    AttendCommand.self,
    PlotCommand.self,
    InfoCommand.self,
    ExportCommand.self,
    ImportCommand.self,
    BenchCommand.self,
    TokenizerTrainCommand.self,
    TokenizerEncodeCommand.self,
    TokenizerDecodeCommand.self,
    TokenizerShowCommand.self,
    CompletionsCommand.self,
  ]

  /// Runs the process's arguments and ends the process.
  public static func main() -> Never {
    StandardDescriptors.occupy()
    StandardDescriptors.surviveRefusedWrites()
    MapFault.watch()
    Interruption.watch()
    let console = Console()
    exit(status(of: Array(Arguments.raw.dropFirst()), console))
  }

  private static func status(of arguments: [[UInt8]], _ console: Console) -> Int32 {
    defer { console.outputs = nil }
    do {
      try run(arguments[...], console)
      try console.flush()
      return 0
    } catch OutputError.readerIsGone {
      return 0
    } catch is Interrupted {
      console.endProgress()
      try? console.flush()
      return Interruption.exitStatus
    } catch {
      try? console.flush()
      console.say("minigpt: " + printable("\(error)"))
      return error is UsageError ? 2 : 1
    }
  }

  private static func run(_ arguments: ArraySlice<[UInt8]>, _ console: Console) throws {
    guard let first = arguments.first.map({ String(decoding: $0, as: UTF8.self) }) else {
      return try talk(console)
    }
    switch first {
    case "--help", "-h": return try help(arguments.dropFirst(), console)
    case "help": return try help(arguments.dropFirst(), console)
    case "--version": return try console.answer(line: "minigpt " + version)
    default: break
    }
    if let (command, rest) = find(arguments) { return try start(command, rest, console) }
    let members = family(first)
    if members.isEmpty {
      if first.hasPrefix("-") {
        let near = nearest(to: spelled(first.drop { $0 == "-" }.utf8), in: ["help", "version"])
        throw UsageError.unknownFlag(arguments[arguments.startIndex], command: "", nearest: near.map { "--" + $0 })
      }
      if isModel(arguments[arguments.startIndex]) { throw modelAlone(arguments[arguments.startIndex]) }
      throw unknownCommand(arguments[arguments.startIndex])
    }
    let choices = members.map { String($0.name.dropFirst(first.utf8.count + 1)) }
    guard let second = arguments.dropFirst().first else {
      throw UsageError.subcommandMissing(command: first, choices: choices)
    }
    if second.elementsEqual("--help".utf8) || second.elementsEqual("-h".utf8) {
      return try help(arguments.prefix(1), console)
    }
    let near = nearest(to: String(decoding: second, as: UTF8.self), in: choices)
    throw UsageError.unknownCommand(
      arguments[arguments.startIndex] + [0x20] + second, nearest: near.map { "\(first) \($0)" })
  }

  /// `minigpt` alone talks.
  private static func talk(_ console: Console) throws {
    try ReplCommand().run(console)
  }

  private static func start<C: Command>(_ type: C.Type, _ rest: ArraySlice<[UInt8]>, _ console: Console) throws {
    var parser = ArgumentParser<C>()
    try parser.parse(rest)
    if parser.wantsHelp { return try console.answer(Array(helpText.command(type).utf8)) }
    if let file = parser.configuration.map(Path.init(bytes:)) {
      console.inputs = [file]
      try ConfigurationFile(file).fill(&parser)
    }
    try parser.finish().run(console)
  }

  /// `minigpt help`, `minigpt help COMMAND`.
  private static func help(_ words: ArraySlice<[UInt8]>, _ console: Console) throws {
    guard let word = words.first else { return try console.answer(Array(helpText.program(commands).utf8)) }
    if let (command, rest) = find(words), rest.isEmpty {
      return try console.answer(Array(helpText.command(command).utf8))
    }
    let first = String(decoding: word, as: UTF8.self)
    let members = family(first)
    if members.isEmpty || words.count > 1 { throw unknownCommand(Array(words.joined(separator: [0x20]))) }
    try console.answer(Array(helpText.family(first, members).utf8))
  }

  /// The command that the first words call, and the arguments behind them.
  private static func find(_ arguments: ArraySlice<[UInt8]>) -> (any Command.Type, ArraySlice<[UInt8]>)? {
    for command in commands {
      for name in command.names {
        let words = name.split(separator: " ")
        if arguments.count >= words.count, zip(arguments, words).allSatisfy({ $0.elementsEqual($1.utf8) }) {
          return (command, arguments.dropFirst(words.count))
        }
      }
    }
    return nil
  }

  private static func family(_ first: String) -> [any Command.Type] {
    commands.filter { $0.name.hasPrefix(first + " ") }
  }

  /// A model where a command is wanted: the one that works with it.
  private static func modelAlone(_ word: [UInt8]) -> UsageError {
    let name = printable(shellQuoted(word))
    let isTranslator = (try? ModelFile.open(Path(bytes: word)).translator()) != nil
    return .contradiction(
      "\(printable(word)) is a "
        + (isTranslator
          ? "translator: minigpt translate \(name) 'a sentence' asks it" : "model: minigpt repl \(name) talks with it"))
  }

  private static func unknownCommand(_ word: [UInt8]) -> UsageError {
    let known = commands.flatMap { $0.names } + ["help"]
    return .unknownCommand(word, nearest: nearest(to: String(decoding: word, as: UTF8.self), in: known))
  }

  /// Help is made for 80 columns, and for fewer where the terminal has fewer.
  private static var helpText: HelpText { HelpText(width: min(80, Terminal.width(1))) }
}

/// Ends a command after Ctrl-C or SIGTERM, when everything is in order.
struct Interrupted: Error {}
