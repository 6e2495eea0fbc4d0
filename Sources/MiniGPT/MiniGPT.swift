// MiniGPT
