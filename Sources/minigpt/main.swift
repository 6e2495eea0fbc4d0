import MiniGPTCommandLineInterface

Program.main()
