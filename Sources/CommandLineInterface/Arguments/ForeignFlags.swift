/// Flags of other programs (nanoGPT, transformers, llama.cpp) that have no name here, and what there is instead.
enum ForeignFlags {
  static let cures = [
    "device": "it runs on the processor, and needs none", "compile": "there is nothing to compile: leave it out",
    "dtype": "--precision says what is computed in", "bias": "models have biases",
    "dataset": "the CORPUS is the first word",
    "eval-iters": "--eval-tokens says how much is evaluated", "lr-decay-iters": "the rate falls until --steps",
    "decay-lr": "--schedule constant lets the rate be", "out-dir": "--out FILE names the checkpoint",
    "init-from": "--resume goes on, --init MODEL fine-tunes", "start": "--prompt begins the text",
    "top": "--top-k draws from the likeliest, and /top of minigpt repl lists them",
    "max-tokens": "--max-new-tokens says how many", "repeat-penalty": "--repetition-penalty is its name",
    "wandb-log": "--log FILE is the log", "always-save-checkpoint": "--save-every N says when it saves",
  ]
}
