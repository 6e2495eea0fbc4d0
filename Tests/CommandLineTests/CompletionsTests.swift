import Testing

/// Completion as bash asks for it: the script is sourced, the words are set, the function is called.
@Suite struct CompletionsTests {
  private func bash(_ words: [String]) throws -> Set<String> {
    let quoted = words.map { "'\($0)'" }.joined(separator: " ")
    let run = try Run.shell(
      """
      eval "$("$minigpt" completions bash)"
      compopt() { :; }
      COMP_WORDS=(\(quoted)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _minigpt
      printf '%s\\n' "${COMPREPLY[@]}"
      """, shell: #require(Run.path(of: "bash")))
    #expect(run.errorText == "" && run.status == 0)
    return Set(run.outputText.split(separator: "\n").map(String.init))
  }

  @Test(.enabled(if: Run.finds("bash"), "bash is not installed")) func bashCompletesCommandsAndTheirWords() throws {
    #expect(try bash(["minigpt", "comp"]) == ["completions"])
    #expect(try bash(["minigpt", "completions", ""]) == ["bash", "zsh", "fish"])
    #expect(try bash(["minigpt", "completions", "--c"]) == ["--config"])
    #expect(try bash(["minigpt", "help", "comp"]) == ["completions"])
  }

  /// fish says itself what it would offer.
  @Test(
    .enabled(if: Run.finds("fish"), "fish is not installed"),
    arguments: [
      ("minigpt comp", "completions"), ("minigpt help comp", "completions"), ("minigpt tokenizer enc", "encode"),
      ("minigpt train --lay", "--layers"), ("minigpt tokenizer train --vocab", "--vocab-size"),
      ("minigpt train --schedule li", "linear"), ("minigpt train --schedule=li", "--schedule=linear"),
    ]) func fishCompletes(_ line: String, _ word: String) throws
  {
    let scratch = try Scratch()
    let run = try Run.shell(
      """
      "$minigpt" completions fish > script.fish
      fish --no-config -c 'source script.fish; complete -C "\(line)"'
      """, folder: scratch.folder)
    #expect(run.errorText == "" && run.outputText.split(whereSeparator: \.isWhitespace).first.map(String.init) == word)
  }

  /// The function is called as zsh calls it, with the builtin that offers words replaced.
  @Test(
    .enabled(if: Run.finds("zsh"), "zsh is not installed"),
    arguments: [
      ("minigpt tokenizer ", "train"), ("minigpt help ", "sample"), ("minigpt comp", "completions"),
    ]) func zshCompletes(_ line: String, _ word: String) throws
  {
    let scratch = try Scratch()
    let run = try Run.shell(
      """
      "$minigpt" completions zsh > _minigpt
      zsh -f -c '
        compdef() { : }
        compadd() { print -l -- "$@" }
        _describe() { print -l -- ${(P)2} }
        source ./_minigpt
        words=(${(s: :)1}); [[ $1 == *" " ]] && words+=(""); CURRENT=$#words
        _minigpt' zsh '\(line)'
      """, folder: scratch.folder)
    #expect(run.errorText == "" && run.outputText.contains(word))
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func everyShellHasAScript(_ shell: String) throws {
    let run = try Run(["completions", shell])
    #expect(run.status == 0 && run.errorText == "")
    #expect(run.outputText.hasSuffix("\n") && run.outputText.contains("completions"))
  }

  @Test(.enabled(if: Run.finds("bash"), "bash is not installed")) func bashAcceptsItsScript() throws {
    try expectParsed(by: "bash")
  }

  @Test(.enabled(if: Run.finds("zsh"), "zsh is not installed")) func zshAcceptsItsScript() throws {
    try expectParsed(by: "zsh")
  }

  @Test(.enabled(if: Run.finds("fish"), "fish is not installed")) func fishAcceptsItsScript() throws {
    try expectParsed(by: "fish")
  }

  private func expectParsed(by shell: String) throws {
    let scratch = try Scratch()
    let script = try scratch.write("script", Run(["completions", shell]).output)
    let check = try Run.shell("\(shell) -n \(script)")
    #expect(check.errorText == "" && check.status == 0)
  }

  @Test func refusesOtherShells() throws {
    try Run(["completions", "tcsh"]).expectRefusal(2, "completions needs bash, zsh or fish, not 'tcsh'")
    try Run(["completions"]).expectRefusal(
      2, "completions needs the name of a shell: bash, zsh or fish (minigpt completions --help)")
    try Run(["completions", "bash", "zsh"]).expectRefusal(
      2, "'zsh' is one argument too many: completions takes at most 1 (minigpt completions --help)")
  }
}
