import MiniGPTStorage
import Testing

@Suite struct PathTests {
  @Test(arguments: [
    ("a", ".", "a", "a"), ("a/b.txt", "a", "b.txt", "b"), ("/b.tar.gz", "/", "b.tar.gz", "b.tar"),
    ("/a/b/.profile", "/a/b", ".profile", ".profile"), ("a/", "a", "", ""),
  ]) func parts(text: String, folder: String, name: String, stem: String) {
    let path = Path(text)
    #expect(path.folder == Path(folder))
    #expect(path.name == Array(name.utf8))
    #expect(path.stem == Array(stem.utf8))
  }

  @Test func appending() {
    #expect(Path("a").appending("b") == "a/b")
    #expect(Path("a/").appending("b") == "a/b")
    #expect(Path("/").appending("b") == "/b")
    #expect(Path("").appending("b") == "b")
    #expect(Path("x.safetensors").hasSuffix(".safetensors"))
    #expect(!Path("x").hasSuffix(".safetensors"))
  }
}
