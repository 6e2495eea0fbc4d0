#!/usr/bin/env python3
"""The REPL in a real terminal: typing, arrow keys, history, Tab, pastes, Ctrl-C, narrow windows; and how quick it is.

    python3 Scripts/verify_repl.py

A small model is trained, then a session is played in tmux (a server of its own) with each of the line editors that are
installed, and with none. Each step says what must stand on the screen. Then, on a bare pseudo-terminal, the times from Enter
to the first letter and from Ctrl-C to the prompt are measured. `make verify-repl` runs it.
"""
import ctypes
import os
import pty
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from bench import PROGRAM

LIMIT = 0.050
EDITORS = {"libedit": "libedit.so.2", "readline": "libreadline.so.8", "none": "none"}
failures = []


def installed(library):
    if library == "none":
        return True
    try:
        ctypes.CDLL(library)
        return True
    except OSError:
        return False


def check(name, good, found=""):
    print(("ok  " if good else "BAD ") + name + ("" if good else ": " + repr(found)), flush=True)
    if not good:
        failures.append(name)


class Session:
    """minigpt in a window of tmux."""

    def __init__(self, folder, editor, arguments, columns=80, rows=30):
        self.socket = f"minigpt-{os.getpid()}"
        self.folder = folder
        self.brackets = editor == EDITORS["readline"]
        # The shell is in the same group and must outlive Ctrl-C.
        command = f"trap : INT; env MINIGPT_EDITOR={editor} {PROGRAM} repl {arguments}; echo \"status $?\"; sleep 60"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "sh", "-c", command)

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-L", self.socket, *arguments], cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if done.returncode:
            sys.exit("tmux: " + done.stderr.decode())
        return done.stdout.decode("utf-8", "replace")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def paste(self, text):
        self.tmux("set-buffer", text)
        self.tmux("paste-buffer", "-p")

    def screen(self, joined=True):
        return self.tmux("capture-pane", "-p", *(["-J"] if joined else []), "-S", "-200").rstrip("\n")

    def wait(self, name, pattern, seconds=10):
        """Until the screen holds the pattern; its end is `\\Z`."""
        end = time.monotonic() + seconds
        while True:
            found = self.screen()
            if re.search(pattern, found, re.M):
                return check(name, True)
            if time.monotonic() > end:
                return check(name, False, found[-400:])
            time.sleep(0.02)

    def clear(self):
        self.tmux("send-keys", "-R")
        self.tmux("clear-history")
        if self.brackets:
            # The reset made tmux forget that readline asked for brackets around what is pasted.
            with open(self.tmux("display-message", "-p", "#{pane_tty}").strip(), "w", encoding="ascii") as pane:
                pane.write("\033[?2004h")

    def end(self):
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], stderr=subprocess.DEVNULL)


def play(folder, name, library):
    print(f"-- {name}")
    session = Session(folder, library, "bottles.safetensors --seed 1 -n 40")
    try:
        prompt = r"\n> ?\Z"
        session.wait("greets, and says what it is", r"bottles: .* parameters.*goes on in its\s")
        session.wait("prompts", prompt)
        session.type("12 green")
        session.keys("Enter")
        session.wait("answers", r"> 12 green\n.*\w[\s\S]*" + prompt)
        session.type("\u00e9")
        session.keys("Enter")
        session.wait("survives a letter that it never saw", r"never occurred in the training text" + prompt)
        session.type("/set temp 0.57")
        if name == "none":
            session.keys("BSpace", "BSpace")
            session.type("7")
        else:
            session.keys("Left", "BSpace")
        session.keys("Enter")
        session.wait("edits a line", r"temp: 0\.7" + prompt)
        if name != "none":
            session.type("/set top-k 5")
            session.keys("Enter")
            session.wait("sets", r"top-k: 5" + prompt)
            session.keys("Up", "Up")
            session.wait("has a history", r"> /set temp 0\.7\Z")
            session.keys("Enter")
            session.wait("obeys what came from it", r"temp: 0\.7\n[\s\S]*temp: 0\.7" + prompt)
            session.type("/rel")
            session.keys("Tab")
            session.wait("completes commands", r"> /reload *\Z")
            session.keys("C-u")
            session.type("/load bottles.s")
            session.keys("Tab")
            session.wait("completes names of files", r"> /load bottles\.safetensors *\Z")
            session.keys("C-u")
            session.type("/set gre")
            session.keys("Tab")
            session.wait("completes settings", r"> /set greedy *\Z")
            session.keys("C-u")
        session.type("/set footer on")
        session.keys("Enter")
        session.wait("shows a footer", r"footer: on" + prompt)
        session.clear()
        session.paste("1 green\n2 green\n3 green\n")
        if name == "readline":
            session.wait("takes a paste", r"3 green")
            check("and waits for Enter", "a second)" not in session.screen(), session.screen())
            session.keys("Enter")
        session.wait("answers", r"tokens, [\d,]+ a second\)" + prompt)
        session.type("/set top-p 0.99")
        session.keys("Enter")
        session.wait("is ready again", r"top-p: 0\.99" + prompt)
        check("lines pasted together are one prompt", session.screen().count("a second)") == 1, session.screen())
        session.type('"""5 green')
        session.keys("Enter")
        session.wait("goes on with a block", r"\n\. ?\Z")
        session.type('6 green"""')
        session.keys("Enter")
        session.wait("answers a block", r'6 green"""\n[\s\S]*a second\)' + prompt)
        session.keys("Enter")
        session.wait("goes on at an empty line", r'a second\)\n> ?\n[\s\S]*a second\)' + prompt)
        session.type("half a li")
        session.keys("C-c")
        session.wait("Ctrl-C drops the line", r"half a li(\^C)?\n+> ?\Z")
        session.type("/set max-new-tokens 1000000")
        session.keys("Enter")
        session.type("/set ignore-eos on")
        session.keys("Enter")
        session.wait("can be told to go on for ever", r"ignore-eos: on" + prompt)
        session.clear()
        session.type("9 green")
        session.keys("Enter")
        session.wait("speaks", r"9 green\n[\s\S]*\w[\s\S]*\n[\s\S]*\n")
        session.keys("C-c")
        session.wait("Ctrl-C stops the answer", r"a second\)" + prompt)
        session.type("/set max-new-tokens 30")
        session.keys("Enter")
        session.wait("and the conversation goes on", r"max-new-tokens: 30" + prompt)
        session.clear()
        session.tmux("resize-window", "-x", "40", "-y", "30")
        time.sleep(0.2)
        for command in "/help", "/show", "/top 5 12 green", "/ppl 12 green bottles", "/near g":
            session.type(command)
            session.keys("Enter")
            session.wait(command + " in 40 columns", "(^|> )" + command + r"\n[\s\S]*\n> ?\Z")
        wide = [line for line in session.screen().split("\n") if len(line.rstrip()) > 40 and not line.startswith("perplexity")]
        check("no answer is wider than the window", not wide, wide)
        session.clear()
        session.type("10 green bottles, hanging on the wall; 10 green bottles")
        session.keys("Enter")
        session.wait("takes a line that is longer than the window", r"a second\)" + prompt)
        session.tmux("resize-window", "-x", "100", "-y", "30")
        session.type("/top 3")
        session.keys("Enter")
        session.wait("works when the window grew", r"%  '.*" + prompt)
        session.keys("C-d")
        session.wait("Ctrl-D leaves", r"status 0")
    finally:
        session.end()


class Terminal:
    """minigpt on a pseudo-terminal, where nothing stands between the keys and the clock."""

    def __init__(self, folder, library, arguments):
        self.child, self.file = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.environ["MINIGPT_EDITOR"] = library
            os.environ["TERM"] = "xterm"
            os.execv(PROGRAM, [PROGRAM, "repl", *arguments])

    def until(self, pattern, seconds=20):
        """What comes until the pattern does, and the time of its end."""
        said = b""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.file], [], [], 0.1)[0]:
                said += os.read(self.file, 65536)
                # An escape sequence is no letter, and none stands between what a person sees.
                said = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", said)
                if re.search(pattern, said):
                    return said, time.monotonic()
        sys.exit(f"no {pattern!r} in {said[-300:]!r}")

    def send(self, text):
        os.write(self.file, text)
        return time.monotonic()

    def end(self):
        os.close(self.file)
        try:
            os.kill(self.child, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.child, 0)


def measure(folder, name, library):
    terminal = Terminal(folder, library, ["bottles.safetensors", "--seed", "1", "--ignore-eos", "-n", "1000000"])
    try:
        terminal.until(rb"> $")
        first, stop = [], []
        for _ in range(20):
            for key in b"12 green":
                terminal.send(bytes([key]))
            terminal.until(rb"green")
            start = terminal.send(b"\r")
            first.append(terminal.until(rb"\r\n\r?[^\r\n\x1b]")[1] - start)
            terminal.until(rb"bottle")
            start = terminal.send(b"\x03")
            stop.append(terminal.until(rb"\n\r?> $")[1] - start)
    finally:
        terminal.end()
    for what, times in ("Enter to the first letter", first), ("Ctrl-C to the prompt", stop):
        middle, most = 1000 * statistics.median(times), 1000 * max(times)
        check(f"{name}: {what}: median {middle:.1f} ms, at most {most:.1f} ms", most <= 1000 * LIMIT, times)


def main():
    if not shutil.which("tmux"):
        sys.exit("verify-repl plays a session in tmux, which is not here (on Debian: apt-get install tmux); "
                 "or try it by hand: minigpt repl, then /help")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "bottles.txt"), "w", encoding="utf-8") as file:
            file.write("".join(f"{n} green bottles, hanging on the wall;\n" for n in range(300)))
        flags = ("--tokenizer char --layers 2 --heads 2 --embd 32 --context 64 --batch-size 8 --steps 200 "
                 "--eval-every 200 --seed 1 --quiet --out bottles.safetensors").split()
        subprocess.run([PROGRAM, "train", "bottles.txt", *flags], cwd=folder, check=True)
        for name, library in EDITORS.items():
            if not installed(library):
                print(f"-- {name} is not installed: left out")
                continue
            play(folder, name, library)
            measure(folder, name, library)
    sys.exit(f"{len(failures)} went wrong" if failures else 0)


if __name__ == "__main__":
    main()
