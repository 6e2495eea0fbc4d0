package import MiniGPTStorage

/// What a file or folder holds, for commands that take either.
package enum CheckpointKind: Sendable {
  case languageModel, translator

  /// Looks at the header alone, and only as far as it must: whoever opens the model checks the rest.
  package init(of path: Path) throws(CheckpointError) {
    if Files.kind(path) == .folder {
      do throws(InterchangeError) {
        self = try HuggingFaceFolder(path).kind == .gpt2 ? .languageModel : .translator
      } catch { throw .foreign(error) }
      return
    }
    let file: SafetensorsFile
    do throws(SafetensorsError) { file = try SafetensorsFile(path) } catch { throw .safetensors(error) }
    self = file.header.metadata("minigpt.kind") == "translator" ? .translator : .languageModel
  }
}
