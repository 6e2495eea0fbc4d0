internal import MiniGPT

extension Console {
  /// Takes the one file or folder that a command writes, `--out` or what `flag` says, until the command ends.
  ///
  /// - Parameter inputs: what the command reads, beside the file that its flags came from.
  func claim(_ path: Path, reading inputs: [Path], overwrite: Bool, flag: String = "out") throws {
    let outputs = Outputs(reading: self.inputs + inputs)
    try outputs.lock(RunFiles(containing: path.withoutEndingSlash).name)
    for file in [path] + TokenizerFile.files(in: path) {
      try outputs.claim(file, replaces: overwrite, waysOn: "--overwrite replaces it, another --\(flag) leaves it alone")
    }
    self.outputs = outputs
  }
}
